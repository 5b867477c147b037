"""Where everything of a demonstration lies under its folder, and who takes part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vemre.types import LOG_NAMES, LogName

TRUSTEES: Final = 5
THRESHOLD: Final = 3
MIXERS: Final = 2
AUDITORS: Final = 2
MIN_BATCH: Final = 10
HOST: Final = "demo.vemre.example"


@dataclass(frozen=True)
class Places:
    """The folder of one demonstration."""

    root: Path

    @property
    def record(self) -> Path:
        return self.root / "record"

    @property
    def policy(self) -> Path:
        return self.root / "policy.json"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def authority(self) -> Path:
        return self.work / "authority"

    @property
    def authority_key(self) -> Path:
        return self.authority / "authority.key"

    @property
    def clock(self) -> Path:
        """The trial's clock of the ballot box."""
        return self.work / "clock"

    @property
    def certificates(self) -> Path:
        return self.root / "tls"

    @property
    def authority_certificate(self) -> Path:
        """What a browser has to trust."""
        return self.certificates / "authority.pem"

    def https_options(self) -> tuple[object, ...]:
        """What makes a service answer by HTTPS."""
        certificate, key = self.certificates / "certificate.pem", self.certificates / "key.pem"
        return "--tls-certificate", certificate, "--tls-key", key

    @property
    def visitor_access(self) -> Path:
        """How the voter signs in whom whoever runs the demonstration may play."""
        return self.work / "visitor.json"

    def service(self, name: LogName) -> Path:
        return self.work / name

    def service_key(self, name: LogName) -> Path:
        return self.service(name) / "service.key"

    def token(self, name: LogName, token: str = "official") -> Path:  # noqa: S107  (the name of a file)
        return self.service(name) / f"{token}.token"

    def mail(self, name: LogName) -> Path:
        """The folder of the mails that a service sent."""
        return self.work / f"{name}-mail"

    def text_messages(self, name: LogName) -> Path:
        """The folder of the text messages that a service sent."""
        return self.work / f"{name}-text-messages"

    def person_key(self, kind: str, number: int) -> Path:
        """The key file of a trustee or mixer."""
        return self.work / f"{kind}-{number}" / f"{kind}.key"

    def auditor(self, number: int) -> Path:
        return self.work / f"auditor-{number}"

    @property
    def witnesses(self) -> Path:
        """Where the witnesses answer: the file that the services' feeders read."""
        return self.work / "witnesses.txt"

    def opinion(self, number: int) -> Path:
        """What an auditor wrote about the count."""
        return self.root / "opinions" / f"auditor-{number}"

    def service_keys(self) -> dict[LogName, Path]:
        """Key files by log."""
        return {name: self.service_key(name) for name in LOG_NAMES}

    def people_keys(self) -> dict[str, Path]:
        """Key files by role id."""
        return {
            "authority": self.authority_key,
            **{f"trustee/{k}": self.person_key("trustee", k) for k in range(1, TRUSTEES + 1)},
            **{f"mixer/{k}": self.person_key("mixer", k) for k in range(1, MIXERS + 1)},
            **{f"auditor/{k}": self.auditor(k) / "auditor.key" for k in range(1, AUDITORS + 1)},
        }


def page_url(port: int) -> str:
    """The address of a service's pages, for a browser."""
    return f"https://localhost:{port}"


def election_options(policy: Path, urls: Mapping[LogName, str]) -> list[str]:
    """The options of every command that looks at the election."""
    return ["--policy", str(policy), *(part for name in LOG_NAMES for part in (f"--{name}-url", urls[name]))]

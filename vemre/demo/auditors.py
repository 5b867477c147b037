"""The two auditors of a demonstration: each has its own witness, its own keys, and a verifier of its own.

The first verifies with the Python verifier, the second with the one in TypeScript where Node can run it.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from vemre.demo.children import Children
from vemre.demo.places import AUDITORS, Places, election_options, page_url
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import auditors_of, open_checkpoint
from vemre.records.policy import parse_policy
from vemre.types import LOG_NAMES, LogName

NEEDED_NODE: Final = (20, 19)
_VERSION_SECONDS: Final = 10
_PAGE_SECONDS: Final = 10
"""Between two looks at the voter's page: a trial is short."""


def second_verifier() -> list[str] | None:
    """The command of the verifier in TypeScript, where it is built and Node is new enough."""
    folder = Path(str(resources.files("audit"))) / "verifier-ts"
    node = shutil.which("node")
    if node is None or not (folder / "dist" / "cli.mjs").is_file():
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False)
    found = re.fullmatch(r"v(\d+)\.(\d+)\..*", told.stdout.strip())
    if found is None or (int(found[1]), int(found[2])) < NEEDED_NODE:
        return None
    return [node, str(folder / "bin" / "verify.mjs")]


class Auditors:
    """Both auditors."""

    def __init__(self, places: Places, children: Children) -> None:
        self._places = places
        self._children = children
        self._ports: dict[int, int] = {}
        self.second_verifier = second_verifier()
        self.verdicts: dict[str, dict[str, Any]] = {}
        """What each auditor's opinion says, by role."""

    def url(self, number: int) -> str:
        """Where an auditor's witness answers."""
        return f"https://127.0.0.1:{self._ports[number]}"

    def page(self, number: int) -> str:
        """The address of an auditor's status page, for a browser."""
        return page_url(self._ports[number])

    def settle(self, ports: Sequence[int], public: Sequence[Mapping[str, Any]]) -> None:
        """Choose where the witnesses answer, and tell the services. `public` are the public keys of all roles."""
        self._ports = dict(enumerate(ports, 1))
        keys = {entry["role"]: entry["witness"] for entry in public if "witness" in entry}
        lines = [f"witness auditor-{k} {vkey} {self.url(k)}" for k in self._ports for vkey in keys[f"auditor/{k}"]]
        self._places.witnesses.write_text("\n".join([*lines, "quorum none"]) + "\n", encoding="utf-8")

    def start(self, urls: Mapping[LogName, str], *numbers: int) -> None:
        """Start witnesses, all of them where none is named. They follow the logs, and look at the voter's page too."""
        election = election_options(self._places.policy, urls)
        commands = [
            (name_of(k), ["audit", "witness", "serve", "--data", self._places.auditor(k), *election,
                          "--page", urls["ballot"], "--page-interval", _PAGE_SECONDS,
                          "--port", self._ports[k], *self._places.https_options(), "--insecure"])
            for k in numbers or self._ports
        ]  # fmt: skip
        self._children.serve(commands)

    def judge_system(self, urls: Mapping[LogName, str], release: str) -> None:
        """Both post their plan and their opinion on the system."""
        self._all("plan", urls)
        self._all("system-opinion", urls, "--release", release, "--verdict", "favourable")

    def judge_count(self, urls: Mapping[LogName, str]) -> None:
        """Both verify the whole record with their own verifier and post their opinion."""
        second = ["--verifier", shlex.join(self.second_verifier)] if self.second_verifier is not None else []
        jobs = [
            (f"auditor-{k}-opinion", self._command("opinion", k, urls, "--out", self._places.opinion(k), *more))
            for k, more in ((k, second if k == AUDITORS else []) for k in self._ports)
        ]
        for k, output in zip(self._ports, self._children.run_all(jobs), strict=True):
            self.verdicts[f"auditor/{k}"] = json.loads(output)

    def _all(self, act: str, urls: Mapping[LogName, str], *options: object) -> None:
        self._children.run_all([(f"auditor-{k}-{act}", self._command(act, k, urls, *options)) for k in self._ports])

    def _command(self, act: str, number: int, urls: Mapping[LogName, str], *options: object) -> list[object]:
        election = election_options(self._places.policy, urls)
        return ["audit", act, "--data", self._places.auditor(number), *election, *options, "--insecure", "--json"]


def name_of(number: int) -> str:
    """The name of an auditor's witness among the processes."""
    return f"auditor-{number}"


def cosigners(record: Path, policy: Path) -> dict[LogName, tuple[int, list[str]]]:
    """For each log of a record its size, and the auditors that cosigned its checkpoint."""
    anchors = Anchors(parse_policy(policy.read_bytes()))
    witnesses = [vkey for vkeys in anchors.witnesses.values() for vkey in vkeys]
    found: dict[LogName, tuple[int, list[str]]] = {}
    for name in LOG_NAMES:
        opened = open_checkpoint((record / name / "checkpoint").read_bytes(), anchors.logs[name], witnesses)
        found[name] = (opened.size, sorted(auditors_of(opened, anchors.witnesses)))
    return found

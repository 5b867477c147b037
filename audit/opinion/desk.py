"""Where an auditor gives its opinions: its keys, the election as it sees it, and the tally that takes its records."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from audit import keys as auditor_keys
from audit.keys import AuditorKeys
from vemre import group as groups
from vemre.cli import files
from vemre.cli.command import option
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.policy import read_anchors
from vemre.election import drafts
from vemre.election.rules.view import Anchors, View
from vemre.group import Group
from vemre.records.policy import MAX_POLICY_BYTES
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource
from vemre.types import LOG_NAMES, Clock, LogName, Random

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class Desk:
    """One auditor at work. `clients` are the three services by the name of their log; `policy` is the policy file."""

    role: str
    keys: AuditorKeys
    folder: Path
    policy: bytes
    anchors: Anchors
    clients: Mapping[LogName, ServiceClient]
    group: Group
    random: Random
    clock: Clock

    def source(self, *, cosigned_only: bool) -> ElectionSource:
        """The election, looked at from nothing."""
        sources = {name: HttpSource(client) for name, client in self.clients.items()}
        return ElectionSource(self.anchors, sources, self.group, self.random, cosigned_only=cosigned_only)

    def name_in(self, view: View) -> str:
        """How the manifest names this auditor."""
        return next((auditor.name for auditor in view.manifest.auditors if auditor.id == self.role), self.keys.name)

    def sign(self, draft: drafts.Draft) -> bytes:
        """The submission of a record of this auditor."""
        return drafts.sign(draft, log=self.anchors.logs["tally"].name, signer=self.role, key=self.keys.sign)

    def post(self, submission: bytes) -> dict[str, Any]:
        """Hand a record to the tally; gives its place. Raises RemoteProblem, Unreachable."""
        answer = self.clients["tally"].submit(submission)
        return {name: answer.get(name) for name in ("index", "leaf_hash")} if isinstance(answer, dict) else {}


@dataclass(frozen=True)
class DeskOptions:
    """What a command was told about the auditor and the election."""

    data: Path
    policy: Path
    urls: dict[LogName, str]
    passphrase: Passphrase

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Raises Refused("auditor-not-in-policy"), PolicyError, KeyFileError, OSError."""
        anchors = read_anchors(self.policy)
        policy = files.read(self.policy, limit=MAX_POLICY_BYTES)
        own = auditor_keys.load(self.data, self.passphrase.get(), allow_insecure=self.passphrase.insecure)
        role = own.role_in(anchors.policy)
        with ExitStack() as stack:
            clients = {name: stack.enter_context(ServiceClient(url)) for name, url in self.urls.items()}
            yield Desk(
                role, own, self.data, policy, anchors, clients, groups.load(), os.urandom, lambda: int(time.time())
            )


def desk_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--data``, ``--policy``, the three addresses and the passphrase, given to the function as one
    `options: DeskOptions`."""

    @wraps(function)
    def wrapped(*args: Any, data: Path, policy: Path, passphrase: Passphrase, **others: Any) -> Any:
        urls: dict[LogName, str] = {name: others.pop(f"{name}_url") for name in LOG_NAMES}
        return function(*args, options=DeskOptions(data, policy, urls, passphrase), **others)

    decorated: Callable[..., Any] = passphrase_options(wrapped)
    for name in reversed(LOG_NAMES):
        decorated = option(f"--{name}-url", required=True, help=f"service-option-{name}-url")(decorated)
    decorated = option("--policy", required=True, type=_FILE, help="audit-option-policy")(decorated)
    return option("--data", required=True, type=_FOLDER, help="audit-option-data")(decorated)

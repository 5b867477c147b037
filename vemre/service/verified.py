"""What somebody has verified of an election and may keep for the next time: states of the three logs.

Whoever keeps it must keep it where nobody else can write, such as in a sealed key file: signatures and proofs below
these states are not looked at again. Everything else is: that the logs still have these very entries, that checkpoints
are signed and cosigned, and every rule upon what came since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

import vemre
from vemre.election.rules.view import Anchors, View
from vemre.types import LOG_NAMES, LogName


@dataclass(frozen=True)
class Verified:
    """`logs` maps each log to its size and root (hex). It holds for one version of the rules and one policy."""

    version: str
    policy: str
    logs: Mapping[LogName, tuple[int, str]]

    @classmethod
    def of(cls, view: View) -> Verified:
        """Of a view in which every rule was found to hold just now."""
        logs = {name: (len(log), log.root(len(log)).hex()) for name, log in view.logs.items()}
        return cls(vemre.__version__, policy_digest(view.anchors), logs)

    def trust(self, view: View) -> bool:
        """Let a view do without a second look at what was verified; gives whether it still stands there so, in all
        three logs, under this policy and by these rules."""
        if (self.version, self.policy) != (vemre.__version__, policy_digest(view.anchors)):
            return False
        for name, (size, root) in self.logs.items():
            log = view.logs[name]
            if len(log) < size or log.root(size).hex() != root:
                return False
        view.trust({name: size for name, (size, _) in self.logs.items()})
        return True

    def plain(self) -> dict[str, Any]:
        """As values of canonical JSON."""
        return {
            "logs": {name: {"root": root, "size": size} for name, (size, root) in self.logs.items()},
            "policy": self.policy,
            "version": self.version,
        }

    @classmethod
    def from_plain(cls, value: object) -> Verified:
        """Raises ValueError for anything else than what `plain` gives."""
        try:
            found = msgspec.convert(value, _Plain)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        if set(found.logs) != set(LOG_NAMES):
            raise ValueError("not the three logs")
        return cls(found.version, found.policy, {name: (state.size, state.root) for name, state in found.logs.items()})


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    root: str
    size: int


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    logs: dict[LogName, _State]
    policy: str
    version: str


def policy_digest(anchors: Anchors) -> str:
    """SHA-256 (hex) of a policy, however its file spells it."""
    return hashlib.sha256(msgspec.json.encode(anchors.policy, order="deterministic")).hexdigest()

"""The policy file: the trust anchors of a verifier, never taken from a record.

Source: protocol, appendix B.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from vemre.errors import VemreError
from vemre.records.fields import Hex32
from vemre.types import LogName

MAX_POLICY_BYTES = 1 << 20
_AUDITOR = re.compile(r"auditor/[1-9][0-9]*", re.ASCII)
MIN_QUORUM = 2
"""The law wants two auditors; a verifier may ask for more, never for fewer."""


class PolicyError(VemreError):
    """The policy file cannot be used."""


class AuditorAnchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An auditor's signing key and witness vkeys."""

    sign: Hex32
    witness: list[str]


class LogAnchors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vkeys of the three logs."""

    registry: str
    ballot: str
    tally: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a verifier trusts, and how many distinct auditors it wants."""

    logs: LogAnchors
    auditors: dict[str, AuditorAnchor]
    authority: Hex32
    quorum: int

    def log_vkey(self, log: LogName) -> str:
        """The vkey of one log."""
        return str(getattr(self.logs, log))


def parse_policy(data: bytes) -> Policy:
    """Parse a policy file (any JSON spelling without duplicate keys). Raises PolicyError."""
    if len(data) > MAX_POLICY_BYTES:
        raise PolicyError("the policy file is too large")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_no_number, parse_constant=_no_number
        )
        policy = msgspec.convert(value, Policy)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise PolicyError(f"the policy file is not valid: {error}") from None
    if not MIN_QUORUM <= policy.quorum <= len(policy.auditors):
        raise PolicyError("the policy's quorum must be between two and the number of its auditors")
    for auditor in policy.auditors:
        if not _AUDITOR.fullmatch(auditor):
            raise PolicyError(f"{auditor!r} is not the id of an auditor")
    return policy


def _no_number(text: str) -> Any:
    """Fractions, exponents, NaN. Raises ValueError."""
    raise ValueError(f"{text} is not an integer")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a duplicate key")
    return value

"""Commitments to changes of the roll, and the file with which a person checks an own one (docs/spec/enrolment.md).

The log holds SHA-256(salt || canonical change) alone; only who is given salt and change can tell what it stands for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.record import Record, parse
from vemre.records.setup_bodies import Enrolment

SALT_BYTES: Final = 32
MAX_OPENING_BYTES: Final = 1 << 18
KINDS: Final = ("received", "observed", "corrected", "accepted", "refused", "appealed", "modality", "imported")
"""What a change may be: the state that an application came to, a change of modality, or a line of an imported roll."""

_SALT: Final = re.compile(r"[0-9a-f]{64}")
_MEMBERS: Final = {"change", "entry", "receipt", "salt"}


def commitment(salt: bytes, change: Mapping[str, Any]) -> bytes:
    """The 32 bytes that the log holds of a change."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(salt + canonical.encode(dict(change))).digest()


@dataclass(frozen=True)
class Opening:
    """What opens one commitment: salt and change, the record's entry, and the receipt that it is in the log."""

    salt: bytes
    change: dict[str, Any]
    entry: bytes
    receipt: bytes

    def __repr__(self) -> str:
        return "Opening(...)"

    @classmethod
    def parse(cls, data: bytes) -> Opening:
        """The file of an opening, in whatever spelling of JSON. Raises CheckFailed(CANONICAL)."""
        value = _read(data)
        if not isinstance(value, dict) or set(value) != _MEMBERS:
            raise _malformed("not the file of an opening")
        salt, change, entry, receipt = value["salt"], value["change"], value["entry"], value["receipt"]
        if not (isinstance(salt, str) and _SALT.fullmatch(salt) and isinstance(change, dict)):
            raise _malformed("salt or change is missing")
        if not (isinstance(entry, str) and isinstance(receipt, str) and len(entry) <= MAX_ENTRY_BYTES):
            raise _malformed("entry or receipt is missing")
        return cls(bytes.fromhex(salt), change, entry.encode(), receipt.encode())

    def as_json(self) -> dict[str, Any]:
        """The object that the file holds."""
        return {
            "salt": self.salt.hex(),
            "change": self.change,
            "entry": self.entry.decode(),
            "receipt": self.receipt.decode(),
        }

    def record(self) -> Record:
        """The record, which commits to the change.

        Raises CheckFailed(CANONICAL or RECORD-ROLE) for an entry that is no such record, and CheckFailed(LOG) where it
        commits to something else.
        """
        record = parse(self.entry)
        if not isinstance(record.body, Enrolment):
            raise CheckFailed(Check.RECORD_ROLE, "the entry is no enrolment", party="registry")
        if record.body.commitment != commitment(self.salt, self.change).hex():
            raise CheckFailed(Check.LOG, "the record commits to another change", party="registry")
        if record.body.kind != self.change.get("kind"):
            raise CheckFailed(Check.LOG, "the record says another kind of change", party="registry")
        return record


def _read(data: bytes) -> Any:
    if len(data) > MAX_OPENING_BYTES:
        raise _malformed("the file is too long")
    try:
        return json.loads(data, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"not JSON: {type(error).__name__}") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _malformed(detail: str) -> CheckFailed:
    return CheckFailed(Check.CANONICAL, detail)

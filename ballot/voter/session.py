"""One voter's visit to the ballot box: what is sent, kept until an answer comes, and checked when it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ballot.voter import receipts
from ballot.voter.receipts import CheckedReceipt
from vemre.cli import files
from vemre.election.rules.view import Anchors
from vemre.params import MAX_ENTRY_BYTES
from vemre.service.client import ServiceClient

_JSON: Final = "application/json"


def cast(ballot_box: ServiceClient, entry: bytes, anchors: Anchors) -> CheckedReceipt:
    """Send a signed ballot and check the answer; sending the same bytes again is safe.

    Raises RemoteProblem for a refusal, Unreachable where the outcome is not known, Refused and CheckFailed for an
    answer that is not about this ballot.
    """
    answer = ballot_box.decode(ballot_box.post("/ballots", entry, _JSON))
    return receipts.check_answer(answer, entry, anchors)


class Pending:
    """A ballot that was signed and has no receipt yet, beside where its receipt will stand: after a lost answer, or
    the loss of power, the same bytes go out again."""

    def __init__(self, receipt: Path) -> None:
        self._path = receipt.with_name(f"{receipt.name}.pending")

    def read(self) -> bytes | None:
        """The bytes of the ballot that waits for its receipt."""
        return files.read(self._path, limit=MAX_ENTRY_BYTES) if self._path.exists() else None

    def keep(self, entry: bytes) -> None:
        """Before the ballot is sent."""
        files.write(self._path, entry, private=True)

    def done(self) -> None:
        """The receipt is saved, or the ballot was refused for good."""
        self._path.unlink(missing_ok=True)

"""What a trustee or a mixer is to do next, as a value: decided without any I/O, carried out by `tally.roles`."""

from __future__ import annotations

from dataclasses import dataclass

from vemre.election.rules.view import Batch

DRILL_SHARE = "drill-share"
"""A share of a drill is no record: the tally collects shares and makes the record."""


@dataclass(frozen=True)
class Act:
    """One act that is due.

    `type` is the record type, or `DRILL_SHARE`; `number` the attempt or drill, where it has one; `other` the other
    trustee, where the act concerns one.
    """

    type: str
    number: int | None = None
    batch: Batch | None = None
    other: str | None = None
    source: str | None = None
    """For a shuffle, the digest of what is mixed: another input makes it another act."""

    @property
    def name(self) -> str:
        """What the act's file is called; one act has one name, of a-z, 0-9, hyphens and dots."""
        parts = [self.type]
        if self.number is not None:
            parts.append(str(self.number))
        if self.batch is not None:
            parts += self.batch
        if self.other is not None:
            parts.append(self.other.replace("/", "-"))
        if self.source is not None:
            parts.append(self.source[:16])
        return ".".join(parts)

    @property
    def kept(self) -> bool:
        """Whether the act's bytes must be kept until they are logged, since making them anew would give others."""
        return self.type in (DRILL_SHARE, "shuffle", "decryption", "destruction")

"""Receipts: a tlog-proof, which shows anyone offline that an entry stands in a log.

A receipt proves inclusion and says nothing of the choice. Source: docs/spec/log.md; protocol, section 7; C2SP
tlog-proof v1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint
from vemre.log.encoding import decode_text, format_base64, malformed, parse_base64, parse_decimal, parse_hash
from vemre.log.merkle import verify_inclusion
from vemre.log.note import MAX_NOTE_BYTES, Vkey

MAX_PROOF_HASHES: Final = 63
MAX_RECEIPT_BYTES: Final = 2 * MAX_NOTE_BYTES
_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Receipt:
    """The place of an entry, the hashes from its leaf to the root, and the signed checkpoint, cosigned or not yet.

    `extra` is a note for its holder that nobody signed.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """A receipt of at most 128 KiB. Raises CheckFailed(NOTE)."""
        text = decode_text(data, limit=MAX_RECEIPT_BYTES, name="receipt")
        # The checkpoint has an empty line of its own, so the first one divides.
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != _HEADER:
            raise malformed("receipt: not a tlog-proof of version 1")
        extra = None
        if len(lines) > 1 and lines[1].startswith("extra "):
            extra = parse_base64(lines.pop(1).removeprefix("extra "), "receipt extra")
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise malformed("receipt: no index")
        if len(lines) > 2 + MAX_PROOF_HASHES:
            raise malformed(f"receipt: more than {MAX_PROOF_HASHES} hashes")
        index = parse_decimal(lines[1].removeprefix("index "), "receipt index")
        hashes = tuple(parse_hash(line, "receipt hash") for line in lines[2:])
        return cls(index, hashes, checkpoint.encode(), extra)

    def encode(self) -> bytes:
        """The bytes that `parse` takes: the voter's `.tlog-proof` file."""
        extra = [] if self.extra is None else [f"extra {format_base64(self.extra)}"]
        lines = [_HEADER, *extra, f"index {self.index}", *map(format_base64, self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def verify(self, leaf: bytes, log: Vkey, witnesses: Iterable[Vkey] = ()) -> OpenedCheckpoint:
        """That the entry whose leaf hash is `leaf` stands at `index` in the log.

        Gives the opened checkpoint, on which the caller counts auditors. Raises CheckFailed(NOTE) for its
        signatures and CheckFailed(LOG) for the inclusion.
        """
        opened = open_checkpoint(self.checkpoint, log, witnesses)
        verify_inclusion(self.index, opened.size, leaf, self.hashes, opened.root)
        return opened

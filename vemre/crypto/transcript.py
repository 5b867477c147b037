"""Fiat-Shamir transcripts: a SHA-512 state fed with length-prefixed, labelled items.

Source: protocol, section 2 and appendix C. A proof that leaves any part of its statement out of its transcript is
a defect, so each proof module lists its items next to the table it follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from vemre.params import GROUP_ORDER, NAME


def u64be(value: int) -> bytes:
    """A number as eight bytes, big-endian."""
    return value.to_bytes(8, "big")


class Transcript:
    """The transcript of one proof.

    `proof` is its name in appendix C (such as ``shuffle``); `context` the 32-byte digest that binds it to one
    election (the setup context, or the context of the key generation).
    """

    def __init__(self, proof: str, context: bytes) -> None:
        self._state = hashlib.sha512(opening(proof, context))

    def append(self, label: str, value: bytes) -> None:
        """One item: u32be(len(label)) || label || u64be(len(value)) || value."""
        self._state.update(item(label, value))

    def append_text(self, label: str, value: str) -> None:
        """A text, as UTF-8."""
        self.append(label, value.encode())

    def append_number(self, label: str, value: int) -> None:
        """A number, as u64be."""
        self.append(label, u64be(value))

    def append_list(self, label: str, values: Sequence[bytes]) -> None:
        """The item ``label/count`` and then each value under `label`."""
        self.append_number(f"{label}/count", len(values))
        for value in values:
            self.append(label, value)

    def append_vector(self, label: str, data: bytes) -> None:
        """A list of 32-byte values (elements, scalars, keys) given as one flat string."""
        if len(data) % 32:
            raise ValueError("a vector of 32-byte values has a length that is a multiple of 32")
        self.append_number(f"{label}/count", len(data) // 32)
        head = _head(label, 32)
        # Items are joined by chunks: one update per value would dominate the time of large lists.
        step = 32 * 4096
        for start in range(0, len(data), step):
            self._state.update(framed(head, data[start : start + step]))

    def challenge_bytes(self, label: str) -> bytes:
        """The 64-byte challenge value; the state absorbs it, so that later challenges depend on it."""
        self.append_text("challenge", label)
        digest = self._state.copy().digest()
        self.append("challenge-value", digest)
        return digest

    def challenge(self, label: str) -> int:
        """The challenge value read little-endian, modulo l."""
        return int.from_bytes(self.challenge_bytes(label), "little") % GROUP_ORDER

    def copy(self) -> Transcript:
        """An independent transcript with the same history (many challenges over one long statement)."""
        other = object.__new__(Transcript)
        other._state = self._state.copy()
        return other


def opening(proof: str, context: bytes) -> bytes:
    """The first two items of every transcript, as they are absorbed."""
    return item("domain", f"{NAME}/{proof}".encode()) + item("context", context)


def item(label: str, value: bytes) -> bytes:
    """One item, as it is absorbed."""
    return _head(label, len(value)) + value


def joined_items(head: bytes, data: bytes) -> bytes:
    """Each 32 bytes of `data` with `head` before it."""
    return b"".join([head + data[i : i + 32] for i in range(0, len(data), 32)])


try:
    # Copying bytes, and no arithmetic: whichever back end is chosen.
    from vemre_native import framed as framed
except ImportError:
    framed = joined_items


def _head(label: str, length: int) -> bytes:
    name = label.encode()
    return len(name).to_bytes(4, "big") + name + u64be(length)

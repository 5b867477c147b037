"""Signed notes and the keys that verify them.

A note is a text, an empty line, and signature lines. A key has a name, a type and a public half, and is written
as one line, a vkey. Source: docs/spec/log.md; C2SP signed-note v1.0.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vemre.crypto import ed25519
from vemre.log.encoding import decode_text, encode_text, format_base64, malformed, parse_base64

MAX_NOTE_BYTES: Final = 65_536
_DASH: Final = "\u2014"
_KEY_ID_BYTES: Final = 4
_KEY_ID_HEX: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)


class KeyType(IntEnum):
    """The signature types that VeMRE verifies. Lines of other types belong to keys it does not know."""

    ED25519 = 0x01
    """A log's signature of the note text."""
    COSIGNATURE = 0x04
    """A witness's Ed25519 cosignature/v1, with a timestamp."""
    ML_DSA_44 = 0x06
    """A witness's ML-DSA-44 cosignature, with a timestamp."""


_PUBLIC_BYTES: Final = {KeyType.ED25519: 32, KeyType.COSIGNATURE: 32, KeyType.ML_DSA_44: 1312}


@dataclass(frozen=True)
class Vkey:
    """A verification key: who signs (`name`), how (`type`), and the public key's bytes."""

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public) != _PUBLIC_BYTES[self.type]:
            raise malformed(f"key {self.name}: a public key of {len(self.public)} bytes")
        if self.type != KeyType.ML_DSA_44:
            try:
                ed25519.check_public(self.public)
            except ed25519.SignatureInvalid as error:
                raise malformed(f"key {self.name}: {error}") from None

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before every signature of this key."""
        return key_id(self.name, self.type, self.public)

    @classmethod
    def parse(cls, text: str) -> Vkey:
        """`name+hex8(key id)+base64(type || public key)`. Raises CheckFailed(NOTE), also for an unusable key."""
        # The base64 may hold plus signs of its own, so the text is split from the left.
        name, plus, rest = text.partition("+")
        hex_id, second_plus, encoded = rest.partition("+")
        if not plus or not second_plus or not _KEY_ID_HEX.fullmatch(hex_id):
            raise malformed("vkey: not a name, a key id and a key")
        data = parse_base64(encoded, "vkey")
        if not data or data[0] not in _PUBLIC_BYTES:
            raise malformed(f"vkey of {name}: a key type that is not supported")
        key = cls(name, KeyType(data[0]), data[1:])
        if key.key_id.hex() != hex_id:
            raise malformed(f"vkey of {name}: the key id is another key's")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{format_base64(bytes([self.type]) + self.public)}"


def key_id(name: str, key_type: int, public: bytes) -> bytes:
    """The first four bytes of SHA-256(name || 0x0A || type || public key)."""
    data = encode_text(name, "key name") + b"\n" + bytes([key_type]) + public
    return hashlib.sha256(data).digest()[:_KEY_ID_BYTES]


def check_key_name(name: str) -> None:
    """Refuse a name that is empty or holds a space or a plus sign. Raises CheckFailed(NOTE)."""
    if not name or "+" in name or any(c.isspace() or c < " " for c in name):
        raise malformed("key name: empty, or with a space or a plus sign")
    encode_text(name, "key name")


@dataclass(frozen=True)
class SignatureLine:
    """One line below a note's text; `signature` is what follows the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> SignatureLine:
        """A line without its line feed. Raises CheckFailed(NOTE)."""
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != _DASH:
            raise malformed("signature line: not a dash, a name and a signature")
        check_key_name(parts[1])
        data = parse_base64(parts[2], "signature line")
        if len(data) <= _KEY_ID_BYTES:
            raise malformed("signature line: no signature")
        return cls(parts[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])

    def is_of(self, key: Vkey) -> bool:
        """Whether the line names `key`."""
        return self.name == key.name and self.key_id == key.key_id

    def __str__(self) -> str:
        """The line with its line feed."""
        return f"{_DASH} {self.name} {format_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A parsed note: `text` ends in a line feed and is what the signatures cover."""

    text: str
    signatures: tuple[SignatureLine, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """The note of at most 64 KiB. Raises CheckFailed(NOTE) for any malformed line, whoever's it is."""
        whole = decode_text(data, limit=MAX_NOTE_BYTES, name="note")
        # The text may hold empty lines; the last one ends it.
        head, separator, tail = whole.rpartition("\n\n")
        if not separator or not tail.endswith("\n"):
            raise malformed("note: not a text, an empty line and signature lines")
        return cls(f"{head}\n", parse_signature_lines(tail))

    def line_of(self, key: Vkey) -> SignatureLine | None:
        """The line that names `key`, if there is one. Raises CheckFailed(NOTE) where there are two."""
        lines = [line for line in self.signatures if line.is_of(key)]
        if len(lines) > 1:
            raise malformed(f"note: two lines of the key {key.name}")
        return lines[0] if lines else None

    def with_lines(self, lines: Iterable[SignatureLine]) -> Note:
        """The note with further signature lines at its end."""
        return Note(self.text, (*self.signatures, *lines))

    def encode(self) -> bytes:
        """The bytes that `parse` takes."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()


def parse_signature_lines(text: str) -> tuple[SignatureLine, ...]:
    """One or more signature lines, each with its line feed. Raises CheckFailed(NOTE)."""
    lines = text.split("\n")
    if len(lines) < 2 or lines[-1]:
        raise malformed("signature lines: none, or without the line feed at the end")
    return tuple(SignatureLine.parse(line) for line in lines[:-1])


def verify_note_signature(key: Vkey, text: str, signature: bytes) -> None:
    """Check a log's signature (type 0x01) of a note text. Raises CheckFailed(NOTE)."""
    if key.type != KeyType.ED25519:
        raise malformed(f"key {key.name}: does not sign notes")
    try:
        ed25519.verify(key.public, encode_text(text, "note"), signature)
    except ed25519.SignatureInvalid as error:
        raise malformed(f"signature of {key.name}: {error}") from None

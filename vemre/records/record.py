"""Records: the entries of the logs, strictly parsed.

An entry is canonical JSON ``{"body","log","signature","signer","type","version"}`` of at most 65,535 bytes; its
signature is Ed25519 over ``VEMRE-1/record\\n`` and the canonical JSON without ``signature``.
Source: protocol, section 3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar, cast

import msgspec

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed
from vemre.log.merkle import leaf_hash
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.cast import Cast, cast_of
from vemre.records.fields import Body, Hex64
from vemre.records.kinds import KIND_OF_BODY, KINDS, Kind
from vemre.records.vote_bodies import Ballot

SIGNATURE_DOMAIN = b"VEMRE-1/record\n"
VERSION = 1
_SIGNATURE_MEMBER: Final = b'"signature":"'
_SIGNATURE_LENGTH: Final = len(_SIGNATURE_MEMBER) + 128 + len('",')
T = TypeVar("T")


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: dict[str, Any]
    log: str
    signature: Hex64
    signer: str
    type: str
    version: int


@dataclass(frozen=True)
class Record:
    """A parsed record. `entry` are its exact bytes in the log."""

    kind: Kind
    log: str
    """The origin of the log it was made for."""
    signer: str
    body: Body
    signature: bytes
    entry: bytes

    @property
    def type(self) -> str:
        return self.kind.name

    @cached_property
    def leaf_hash(self) -> bytes:
        """RFC 6962 leaf hash of the entry (32 bytes)."""
        return leaf_hash(self.entry)

    @cached_property
    def cast(self) -> Cast:
        """Of a ballot: what it holds, as columns of bytes."""
        assert isinstance(self.body, Ballot)
        return cast_of(self.signer, self.body)

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers: the entry, which is canonical, without that member."""
        # Nothing after it can contain its name: texts are escaped, and what follows are three texts and numbers.
        start = self.entry.rindex(_SIGNATURE_MEMBER)
        return SIGNATURE_DOMAIN + self.entry[:start] + self.entry[start + _SIGNATURE_LENGTH :]


def signed_bytes(kind: Kind, log: str, signer: str, body: Body) -> bytes:
    """The bytes that a record's signature covers."""
    value = {"body": plain(body), "log": log, "signer": signer, "type": kind.name, "version": VERSION}
    return SIGNATURE_DOMAIN + canonical.encode(value)


def assemble(log: str, signer: str, body: Body, signature: bytes) -> bytes:
    """The entry of a signed record. Raises CheckFailed(CANONICAL) where it would be too long."""
    kind = KIND_OF_BODY[type(body)]
    entry = canonical.encode(
        {
            "body": plain(body),
            "log": log,
            "signature": signature.hex(),
            "signer": signer,
            "type": kind.name,
            "version": VERSION,
        }
    )
    if len(entry) > MAX_ENTRY_BYTES:
        raise CheckFailed(Check.CANONICAL, f"{len(entry)} bytes, more than an entry may have")
    return entry


def parse(entry: bytes) -> Record:
    """Parse one entry. Raises CheckFailed(CANONICAL); the signature is not checked here."""
    value = canonical.decode(entry, limit=MAX_ENTRY_BYTES)
    envelope = _convert(value, _Envelope)
    kind = KINDS.get(envelope.type)
    if kind is None:
        raise CheckFailed(Check.CANONICAL, "unknown record type")
    if envelope.version != VERSION:
        raise CheckFailed(Check.CANONICAL, "unknown record version")
    body = _convert(envelope.body, kind.body)
    return Record(kind, envelope.log, envelope.signer, body, bytes.fromhex(envelope.signature), entry)


def parse_value(data: bytes, type_: type[T], *, limit: int) -> T:
    """Canonical JSON (a blob, a body) as a typed value. Raises CheckFailed(CANONICAL)."""
    return _convert(canonical.decode(data, limit=limit), type_)


def _convert(value: Any, type_: type[T]) -> T:
    try:
        return msgspec.convert(value, type_)
    except CheckFailed:
        raise
    except msgspec.ValidationError as error:
        # The path of the field is safe to show; the value is not repeated.
        raise CheckFailed(Check.CANONICAL, str(error)) from None


def plain(body: Body) -> dict[str, Any]:
    """A body as plain JSON values."""
    return cast(dict[str, Any], msgspec.to_builtins(body))


def body_digest(body: Body) -> bytes:
    """SHA-256 of the canonical JSON of a body (the manifest's digest, a reveal's commitment)."""
    return hashlib.sha256(canonical.encode(plain(body))).digest()

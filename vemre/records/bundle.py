"""A submission: one record and the blobs that it names, as one string of bytes.

The same bytes go over HTTP and on a stick. Format: the magic line, then u32be length || record, then for each blob
u32be length || bytes, in the order in which the record's body names them (each digest once).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.fields import Blob, Body
from vemre.records.record import Record, parse

MAGIC = b"vemre-submission-1\n"
MEDIA_TYPE = "application/vnd.vemre.submission"


@dataclass(frozen=True)
class Submission:
    """A record and its blobs by SHA-256 (hex)."""

    record: Record
    blobs: dict[str, bytes]


def blob_refs(body: Body) -> list[Blob]:
    """Every blob that a body names, in field order, each digest once."""
    found: dict[str, Blob] = {}
    _collect(body, found)
    return list(found.values())


def check_blob(ref: Blob, data: bytes) -> None:
    """Raises CheckFailed(BLOB-DIGEST) where the bytes are not those that the record names."""
    if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.sha256:
        raise CheckFailed(
            Check.BLOB_DIGEST, "the bytes are not those that the record names", where=f"blob/{ref.sha256}"
        )


def encode(entry: bytes, blobs: Sequence[bytes] = ()) -> bytes:
    """The bytes of a submission. `blobs` may stand in any order and must be exactly those that the record names."""
    by_digest = {hashlib.sha256(data).hexdigest(): data for data in blobs}
    refs = blob_refs(parse(entry).body)
    return MAGIC + b"".join(
        len(part).to_bytes(4, "big") + part for part in (entry, *(by_digest[r.sha256] for r in refs))
    )


def decode(data: bytes) -> Submission:
    """Parse a submission. Raises CheckFailed(CANONICAL) for its form, CheckFailed(BLOB-DIGEST) for its blobs."""
    if not data.startswith(MAGIC):
        raise CheckFailed(Check.CANONICAL, "not a submission")
    parts: list[bytes] = []
    position = len(MAGIC)
    while position < len(data):
        start = position + 4
        stop = start + int.from_bytes(data[position:start], "big")
        if stop > len(data) or (not parts and stop - start > MAX_ENTRY_BYTES):
            raise CheckFailed(Check.CANONICAL, "a part of the submission is cut off or too long")
        parts.append(data[start:stop])
        position = stop
    if not parts:
        raise CheckFailed(Check.CANONICAL, "the submission has no record")
    record = parse(parts[0])
    refs = blob_refs(record.body)
    if len(refs) != len(parts) - 1:
        raise CheckFailed(Check.BLOB_DIGEST, f"the record names {len(refs)} blobs, the submission has {len(parts) - 1}")
    for ref, blob in zip(refs, parts[1:], strict=True):
        check_blob(ref, blob)
    return Submission(record, {ref.sha256: blob for ref, blob in zip(refs, parts[1:], strict=True)})


def _collect(value: object, found: dict[str, Blob]) -> None:
    if isinstance(value, Blob):
        known = found.setdefault(value.sha256, value)
        if known.size != value.size:
            raise CheckFailed(Check.BLOB_DIGEST, "one digest with two sizes", where=f"blob/{value.sha256}")
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            _collect(getattr(value, field), found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)

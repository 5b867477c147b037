"""Decoding of the fields of proofs, and the placing of what fails in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.params import ELEMENT_BYTES, SCALAR_BYTES


def decode_points(group: Group, encodings: Iterable[bytes]) -> Elements:
    """Each encoding as one element, the identity refused. Raises CheckFailed(ELEMENT or IDENTITY)."""
    return group.decode(_joined(encodings, ELEMENT_BYTES, Check.ELEMENT))


def decode_responses(group: Group, encodings: Iterable[bytes]) -> Scalars:
    """Each encoding as one scalar. Raises CheckFailed(SCALAR)."""
    return group.decode_scalars(_joined(encodings, SCALAR_BYTES, Check.SCALAR))


def _joined(encodings: Iterable[bytes], size: int, check: Check) -> bytes:
    # Lengths are checked one by one: two wrong ones could add up to a right sum and shift what each field means.
    parts = list(encodings)
    for index, part in enumerate(parts):
        if len(part) != size:
            raise CheckFailed(check, f"field {index} has {len(part)} bytes, not {size}")
    return b"".join(parts)


@contextmanager
def located(where: str | None, party: str | None) -> Iterator[None]:
    """Fills in place and party of a CheckFailed that passes through."""
    try:
        yield
    except CheckFailed as failure:
        raise failure.located(where=where, party=party) from None

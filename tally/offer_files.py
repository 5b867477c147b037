"""Reads what people write: offers, manifests and public keys as JSON in any spelling, with strict types.

A file may be spaced and ordered as its author likes; duplicate keys, unknown fields, floats and wrong types are
refused. What goes into the log is its canonical form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from vemre.checks import Check
from vemre.cli import files
from vemre.crypto import canonical
from vemre.election.rules.view import MAX_OFFER_BYTES
from vemre.errors import CheckFailed
from vemre.records.setup_bodies import Manifest, Offer

T = TypeVar("T")
MAX_KEY_FILE_BYTES: Final = 1 << 20


def read_json(path: Path, *, limit: int) -> Any:
    """The value in a JSON file. Raises CheckFailed(CANONICAL) for what no record could hold, OSError, Refused."""
    data = files.read(path, limit=limit)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise CheckFailed(Check.CANONICAL, f"not JSON: {error}"[:300], where=path.name) from None
    canonical.encode(value)
    return value


def read_offer_or_manifest(path: Path) -> Offer | Manifest:
    """An offer (it has urns), or the body of a manifest. Raises CheckFailed(CANONICAL), OSError, Refused."""
    value = read_json(path, limit=MAX_OFFER_BYTES)
    if isinstance(value, dict) and "urns" in value:
        return convert(value, Offer, path.name)
    return convert(value, Manifest, path.name)


def read_offer(path: Path) -> Offer:
    """An offer. Raises CheckFailed(CANONICAL), OSError, Refused."""
    return convert(read_json(path, limit=MAX_OFFER_BYTES), Offer, path.name)


def read_manifest(path: Path) -> Manifest:
    """The body of a manifest. Raises CheckFailed(CANONICAL), OSError, Refused."""
    return convert(read_json(path, limit=MAX_OFFER_BYTES), Manifest, path.name)


def convert(value: Any, type_: type[T], where: str) -> T:
    """A JSON value as a typed one. Raises CheckFailed(CANONICAL)."""
    try:
        return msgspec.convert(value, type_)
    except CheckFailed as failure:
        raise failure.located(where=where) from None
    except msgspec.ValidationError as error:
        raise CheckFailed(Check.CANONICAL, str(error), where=where) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a duplicate key")
    return value

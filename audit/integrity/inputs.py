"""What the commands read: audited lists, exceptions, and the trees of deployed files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vemre.cli import files
from vemre.election import release
from vemre.errors import CheckFailed, Refused

T = TypeVar("T")


def read_list(path: Path) -> dict[str, str]:
    """An audited list. Raises Refused("file-unusable"), OSError."""
    return _read(path, release.MAX_LIST_BYTES, release.parse_list)


def read_exceptions(path: Path | None) -> dict[str, str]:
    """Declared exceptions; none without a file. Raises Refused("file-unusable"), OSError."""
    return {} if path is None else _read(path, release.MAX_EXCEPTIONS_BYTES, release.parse_exceptions)


def _read(path: Path, limit: int, parse: Callable[[bytes], T]) -> T:
    data = files.read(path, limit=limit)
    try:
        return parse(data)
    except CheckFailed as failure:
        raise Refused("file-unusable", file=str(path), reason=failure.detail) from None

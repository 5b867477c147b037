"""Reading and writing files for commands; ``-`` stands for standard input and output."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Final

from vemre.errors import Refused

STANDARD: Final = "-"
_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o644


def read(name: str | Path, *, limit: int) -> bytes:
    """The bytes of a file, at most `limit`. Raises OSError, and Refused("file-unusable") where there are more."""
    if str(name) == STANDARD:
        data = sys.stdin.buffer.read(limit + 1)
    else:
        with open(name, "rb") as file:
            data = file.read(limit + 1)
    if len(data) > limit:
        raise Refused("file-unusable", file=str(name), reason=f"> {limit} bytes")
    return data


def write(name: str | Path, data: bytes, *, private: bool = False, overwrite: bool = False) -> None:
    """Write a file whole or not at all, and make it durable.

    `private` files are 0600. Raises Refused("file-exists") where there is one and `overwrite` is not set, and OSError.
    """
    if str(name) == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.exists() and not overwrite:
        raise Refused("file-exists", file=str(name))
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_new(aside, data, _PRIVATE if private else _PUBLIC)
        if overwrite:
            os.replace(aside, path)
        else:
            _name_once(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _name_once(aside: Path, path: Path) -> None:
    """Give the finished file its name unless somebody took it meanwhile."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise Refused("file-exists", file=str(path)) from None
    except OSError:
        # The file systems of sticks (FAT) have no hard links; `path` was free a moment ago.
        os.replace(aside, path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Reads the evidence folder for whoever asks over HTTP: what `audit.witness.findings` wrote there, and nothing else.

<number>-<check>/evidence.json
<number>-<check>/record/...         the record that belongs to it (docs/spec/election-record.md)
<number>-<check>/served/...         what a server sent in place of the voter's page
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from audit.witness.evidence import EVIDENCE_FILE, RECORD, SERVED
from vemre.errors import Refused

MAX_LISTED: Final = 1_000
_NAME: Final = re.compile(r"\A[0-9]{4,12}-[a-z0-9-]{1,64}\Z", re.ASCII)
_PART: Final = r"[a-z0-9][a-z0-9.]{0,99}"
_PATH: Final = re.compile(rf"\A(?:{re.escape(EVIDENCE_FILE)}|(?:{RECORD}|{SERVED})(?:/{_PART}){{1,16}})\Z", re.ASCII)
_CHUNK: Final = 1 << 16
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def findings(folder: Path) -> list[str]:
    """The names of the latest findings with evidence, newest first."""
    names = (path.name for path in folder.iterdir() if _is_finding(path))
    return sorted(names, key=lambda name: (int(name.partition("-")[0]), name), reverse=True)[:MAX_LISTED]


def files(folder: Path, name: str) -> list[tuple[str, int]]:
    """Paths and sizes (bytes) of the files of one finding, `evidence.json` first; at most `MAX_LISTED`.

    Raises Refused("not-found").
    """
    if not _is_finding(folder / name):
        raise Refused("not-found")
    return list(islice(_walk(folder / name, (EVIDENCE_FILE, RECORD, SERVED)), MAX_LISTED))


def opened(folder: Path, name: str, path: str) -> tuple[BinaryIO, int]:
    """A file of a finding and its size (bytes); the caller closes it. Raises Refused("not-found") for whatever else."""
    if not _NAME.match(name) or not _PATH.match(path):
        raise Refused("not-found")
    try:
        descriptor = _descend(folder, [name, *path.split("/")])
    except OSError:
        raise Refused("not-found") from None
    file = open(descriptor, "rb")  # noqa: SIM115  (the caller's)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise Refused("not-found")
    return file, found.st_size


def pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The first `size` bytes in portions, and the end of the file's use."""
    with file:
        while size > 0 and (chunk := file.read(min(_CHUNK, size))):
            size -= len(chunk)
            yield chunk


def _is_finding(path: Path) -> bool:
    return bool(_NAME.match(path.name)) and not path.is_symlink() and (path / EVIDENCE_FILE).is_file()


def _descend(folder: Path, parts: list[str]) -> int:
    """A descriptor of what stands there, through folders alone: a link leads nowhere. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for place, part in enumerate(parts, start=1):
        try:
            below = os.open(part, _FLAGS | (os.O_DIRECTORY if place < len(parts) else 0), dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _walk(root: Path, names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for name in names:
        path = root / name
        if path.is_symlink():
            continue
        if path.is_file():
            yield name, path.stat().st_size
        elif path.is_dir():
            below = tuple(sorted(f"{name}/{found.name}" for found in path.iterdir()))
            yield from _walk(root, below)

"""Logs built the slow and plain way, as the oracle of the tests of `vemre.log`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[2] / "vectors"


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written; `leaves` are leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def number(index: int) -> str:
    """The spelling of a tile's index."""
    text = f"{index % 1000:03}"
    while index := index // 1000:
        text = f"x{index % 1000:03}/{text}"
    return text


def static_log(entries: Sequence[bytes]) -> dict[str, bytes]:
    """Every file of the static log of `entries`, but for its checkpoint."""
    files: dict[str, bytes] = {}

    def place(level: str, row: Sequence[bytes]) -> None:
        for index in range(0, len(row), 256):
            part = row[index : index + 256]
            width = "" if len(part) == 256 else f".p/{len(part)}"
            files[f"tile/{level}/{number(index // 256)}{width}"] = b"".join(part)

    place("entries", [len(entry).to_bytes(2, "big") + entry for entry in entries])
    row = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    level = 0
    while row:
        place(str(level), row)
        row = [mth(row[i : i + 256]) for i in range(0, len(row) - 255, 256)]
        level += 1
    return files


@pytest.fixture(scope="session")
def oracle_root() -> Callable[[Sequence[bytes]], bytes]:
    return mth


@pytest.fixture(scope="session")
def make_static_log() -> Callable[[Sequence[bytes]], dict[str, bytes]]:
    return static_log


@pytest.fixture(scope="session")
def tlog_vectors() -> dict[str, Any]:
    """The vectors of the log: keys, checkpoints, proofs and tile digests at three sizes."""
    data: dict[str, Any] = json.loads((VECTORS / "tlog.json").read_text())
    return data

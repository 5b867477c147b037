"""Compiled code against its source: Python runs what stands in `__pycache__` and never looks whether it was made from
the source beside it.

What is compared comes from a machine that may be hostile, and reading compiled code is not safe. So a process of its
own does it, which runs nothing of what it reads; what it does not answer for is not faithful.
"""

from __future__ import annotations

import marshal
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import BinaryIO, Final

_NAME: Final = re.compile(r"(?P<stem>[A-Za-z0-9_-]+)\.(?P<tag>[a-z0-9-]+)(\.opt-(?P<level>[12]))?\.pyc", re.ASCII)
_HEADER: Final = 16
_SECONDS: Final = 300
_YES: Final = b"1"
_NO: Final = b"0"


@dataclass(frozen=True)
class Source:
    """What a compiled file is named after: the source's file name, and the level of optimization."""

    name: str
    level: int


@dataclass(frozen=True)
class Pair:
    """A compiled file (`path`, its bytes) and the bytes of its source."""

    path: str
    cache: bytes
    source: bytes
    level: int


def source_of(name: str) -> Source | None:
    """The source of a compiled file by its name; None where this interpreter would not load it."""
    found = _NAME.fullmatch(name)
    if found is None or found["tag"] != sys.implementation.cache_tag:
        return None
    return Source(f"{found['stem']}.py", int(found["level"] or 0))


def unfaithful(pairs: Sequence[Pair]) -> list[str]:
    """The paths of the compiled files that are not what this interpreter makes of their sources."""
    if not pairs:
        return []
    stream = b"".join(_frame(part) for pair in pairs for part in (bytes([pair.level]), pair.cache, pair.source))
    command = [sys.executable, "-I", "-S", "-X", "utf8", __file__]
    try:
        run = subprocess.run(command, input=stream, capture_output=True, check=False, timeout=_SECONDS)
        answers = run.stdout
    except subprocess.TimeoutExpired as expired:
        answers = expired.stdout or b""
    return [pair.path for number, pair in enumerate(pairs) if answers[number : number + 1] != _YES]


def _frame(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _answer(stream: BinaryIO, out: BinaryIO) -> None:
    """The other process: one character for each pair, at once, so that a crash costs the rest alone."""
    while head := stream.read(4):
        level = stream.read(int.from_bytes(head, "big"))[0]
        cache, source = (stream.read(int.from_bytes(stream.read(4), "big")) for _ in range(2))
        try:
            faithful = _faithful(cache, source, level)
        except Exception:
            faithful = False
        out.write(_YES if faithful else _NO)
        out.flush()


def _faithful(cache: bytes, source: bytes, level: int) -> bool:
    code = marshal.loads(cache[_HEADER:])  # noqa: S302  (in a process of its own; the code is never run)
    if cache[:4] != MAGIC_NUMBER or not isinstance(code, CodeType):
        return False
    made = compile(source, code.co_filename, "exec", dont_inherit=True, optimize=level)
    # Version 2 knows no references, so equal code gives equal bytes.
    return marshal.dumps(code, 2) == marshal.dumps(made, 2)


if __name__ == "__main__":
    _answer(sys.stdin.buffer, sys.stdout.buffer)

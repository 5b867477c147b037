"""What the verifier will multiply, decoded by a thread of its own while the verifier still reads and parses.

The tally log says which blobs hold lists of elements and in which order they will be needed. It is read here before
anybody checked it: that is a hint and no more. What is decoded is filed under the digest that its bytes were checked
against, and the rules ask by digest; a wrong hint costs time alone.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Final

from audit.verify.folder import RecordSource, is_digest
from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.log.tiles import ENTRIES, TILE_WIDTH, Tile, decode_bundle
from vemre.params import ELEMENT_BYTES

_NICE: Final = 5
MOST_POINTS: Final = 1 << 19
"""Elements that are decoded and not asked for yet; about 200 bytes each."""


@dataclass(frozen=True)
class Hint:
    """A blob that begins with `points` elements. `rows` of the shuffle that it proves, 0 for a blob of another kind.

    Raises ValueError for what is no digest.
    """

    digest: str
    points: int
    rows: int = 0

    def __post_init__(self) -> None:
        if not is_digest(self.digest):
            raise ValueError("not the digest of a blob")


class Ahead:
    """Decodes while it is entered. `take` is a `vemre.election.rules.decoded.Ahead`."""

    def __init__(self, source: RecordSource, group: Group, most: int = MOST_POINTS) -> None:
        self._source = source
        self._group = group
        self._most = most
        self._waiting: deque[Hint] = deque()
        self._begun: dict[Hint, Future[Elements]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Ahead:
        self._executor = ThreadPoolExecutor(1, "ahead", self._begin)
        self._looked = self._executor.submit(self._look)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        with self._lock:
            self._waiting.clear()
        self._executor.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        """Work on whatever core is idle, and leave the cores to the rules where none is: what the threads of the
        arithmetic are to the system they inherit from this one, on Linux."""
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        if self._group.kernel is not None:
            self._group.kernel.work_aside()

    def take(self, digest: str, count: int) -> Elements | None:
        """The first `count` elements of a blob, once; None where they are not being decoded, or cannot be."""
        self._looked.result()
        with self._lock:
            found = next((hint for hint in self._begun if (hint.digest, hint.points) == (digest, count)), None)
            future = None if found is None else self._begun[found]
            if future is None or future.cancel():
                # Whoever asks now has the cores to itself, and is sooner done than what waits for its turn.
                self._forget(digest)
                return None
        try:
            return future.result()
        except (CheckFailed, KeyError, OSError):
            # The rules find the same, and know who answers for it.
            return None
        finally:
            with self._lock:
                self._forget(digest)

    def _forget(self, digest: str) -> None:
        self._waiting = deque(hint for hint in self._waiting if hint.digest != digest)
        for hint in [hint for hint in self._begun if hint.digest == digest]:
            del self._begun[hint]
        self._fill()

    def _fill(self) -> None:
        """Begin as much as there is room for."""
        room = self._most - sum(hint.points for hint in self._begun)
        while self._waiting and (room := room - self._waiting[0].points) >= 0:
            hint = self._waiting.popleft()
            self._begun[hint] = self._executor.submit(self._decode, hint)

    def _look(self) -> None:
        hints = [hint for hint in dict.fromkeys(_hints(self._source)) if 0 < hint.points <= self._most]
        with self._lock:
            self._waiting.extend(hints)
            self._fill()
        self._executor.submit(self._group.generators, max((hint.rows for hint in hints), default=0))

    def _decode(self, hint: Hint) -> Elements:
        data = self._source.blob(hint.digest)
        size = hint.points * ELEMENT_BYTES
        if len(data) < size:
            raise CheckFailed(Check.ELEMENT, "the blob is shorter")
        return self._group.decode(data if len(data) == size else data[:size])


def _hints(source: RecordSource) -> Iterator[Hint]:
    """Lists of ciphertexts and proofs of shuffles, batch by batch, then shares. Ends at what cannot be read."""
    shuffles: dict[tuple[str, str], list[Hint]] = {}
    shares: list[Hint] = []
    try:
        for entry in _entries(source):
            record: Any = json.loads(entry)
            body: Any = record["body"]
            if record["type"] == "shuffle" and body["proof"] is not None:
                rows, output = int(body["rows"]), _hint(body["output"])
                wide = output.points // (2 * rows)
                proof = Hint(str(body["proof"]["sha256"]), 3 * rows + 2 * wide + 3, rows)
                shuffles.setdefault((body["urn"], body["contest"]), []).extend((output, proof))
            elif record["type"] == "decryption":
                shares.append(_hint(body["shares"]))
    except (CheckFailed, OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        # Whatever is wrong here the verifier finds, and says where.
        pass
    return (hint for hints in (*shuffles.values(), shares) for hint in hints)


def _hint(ref: Any) -> Hint:
    return Hint(str(ref["sha256"]), int(ref["size"]) // ELEMENT_BYTES)


def _entries(source: RecordSource) -> Iterator[bytes]:
    """The entries of the tally log as they lie there."""
    text = source.checkpoint("tally") or b""
    size = int(text.split(b"\n")[1])
    for index in count():
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        if width <= 0:
            return
        yield from decode_bundle(source.read("tally", Tile(ENTRIES, index, width).path), width)

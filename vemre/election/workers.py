"""Heavy work in pieces, done in this process or by any `concurrent.futures.Executor` that is passed in.

A piece is a function of a module and one value, both of which pickle: mostly bytes, with the name of a back end and a
source of randomness (`os.urandom` travels as a name, so that whoever works draws from its own system's CSPRNG; a seeded
one, in tests, gives the same bytes everywhere). An executor changes where work is done, never what comes of it:
whatever it does not bring, because a process was killed or a cluster is gone, is done here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final, Generic, TypeVar

K = TypeVar("K")
P = TypeVar("P")
R = TypeVar("R")

AHEAD: Final = 8
"""Pieces that are with the executor at once where nobody says otherwise; with them their bytes are in memory."""


class Promise(Generic[R]):
    """One piece under way."""

    def __init__(
        self, here: Callable[[], R], future: Future[R] | None, patience: float | None, lost: Callable[[Exception], None]
    ) -> None:
        self._here = here
        self._future = future
        self._patience = patience
        self._lost = lost

    def result(self) -> R:
        """What comes of it. Raises what the work raises when it is done here. Call it once."""
        if self._future is not None:
            try:
                return self._future.result(self._patience)
            except Exception as error:
                # A piece that fails by itself fails here in the same way, with the exception that belongs to it.
                self._lost(error)
                self._future.cancel()
        return self._here()


class Workers:
    """Where pieces are done.

    `ahead` bounds how many are with the executor at once. A piece without an answer after `patience` seconds (None:
    however long it takes) is done here. `lost` is told why the executor did not bring a piece.
    """

    def __init__(
        self,
        executor: Executor | None = None,
        *,
        ahead: int = AHEAD,
        patience: float | None = None,
        lost: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self.ahead = ahead
        self._executor = executor
        self._patience = patience
        self._lost = lost

    @property
    def here(self) -> bool:
        """Whether everything is done in this process, which then works on whole vectors and needs no pieces."""
        return self._executor is None

    def start(self, work: Callable[[P], R], piece: P) -> Promise[R]:
        """Begin one piece; without an executor it is done when the result is asked for."""
        future: Future[R] | None = None
        if self._executor is not None:
            try:
                future = self._executor.submit(work, piece)
            except Exception as error:
                self._lost(error)
        return Promise(lambda: work(piece), future, self._patience, self._lost)

    def each(self, work: Callable[[P], R], pieces: Iterable[tuple[K, P]]) -> Iterator[tuple[K, R]]:
        """The result of every piece with the label that came with it, in order. Pieces are taken as they are sent."""
        waiting: deque[tuple[K, Promise[R]]] = deque()
        for label, piece in pieces:
            waiting.append((label, self.start(work, piece)))
            if len(waiting) >= self.ahead:
                label, promise = waiting.popleft()
                yield label, promise.result()
        while waiting:
            label, promise = waiting.popleft()
            yield label, promise.result()


HERE: Final = Workers()
"""In this process."""

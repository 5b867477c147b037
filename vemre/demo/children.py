"""The processes of a demonstration: every one is a `vemre` command of its own, and none outlives it.

Each child is the leader of a new process group, so that whatever ends the demonstration (its end, an error, Ctrl-C,
SIGTERM) ends the child and what it started. What a child writes to standard error goes to a file of its own.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final

from vemre.cli.translations import language
from vemre.errors import VemreError

STARTING_SECONDS: Final = 60.0
ENDING_SECONDS: Final = 8.0
TAIL_LINES: Final = 15
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARALLEL: Final = 4


class ChildFailed(VemreError):
    """A process of the demonstration failed. `tail` are the last lines that it wrote."""

    def __init__(self, name: str, code: int | None, tail: str) -> None:
        super().__init__(name, code)
        self.name = name
        self.code = code
        self.tail = tail

    def __str__(self) -> str:
        return f"{self.name}: {'no answer' if self.code is None else f'exit code {self.code}'}"


class Children:
    """A context manager; leaving it ends all children. `logs` is the folder of what they write."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._handlers: dict[int, Any] = {}
        self._starting = False
        self._interrupted = False

    def __enter__(self) -> Children:
        atexit.register(self.end)
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._handlers[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number in self._handlers:
            # Ending the children takes a moment, and impatience must not leave any behind.
            signal.signal(number, signal.SIG_IGN)
        self.end()
        atexit.unregister(self.end)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """End the demonstration; a child that is just being started is noted first."""
        if self._starting:
            self._interrupted = True
        else:
            raise KeyboardInterrupt

    # --- commands that end ------------------------------------------------------------------------------------

    def run(self, name: str, *arguments: object, ok: Sequence[int] = (0,), show: bool = False) -> bytes:
        """Run a `vemre` command to its end; gives its standard output. With `show`, its progress goes to our terminal.

        Raises ChildFailed for an exit code that is not in `ok`.
        """
        return self.run_program(name, _vemre(arguments), ok=ok, show=show)

    def run_program(self, name: str, command: Sequence[str], *, ok: Sequence[int] = (0,), show: bool = False) -> bytes:
        """The same with any program."""
        with open(self._logs / f"{name}.log", "ab") as log:
            child = self._start(name, command, stdout=subprocess.PIPE, stderr=None if show else log)
            output, _ = child.communicate()
        self._forget(name)
        if child.returncode not in ok:
            raise ChildFailed(name, child.returncode, self._tail(name))
        return output

    def run_all(self, jobs: Sequence[tuple[str, Sequence[object]]]) -> list[bytes]:
        """Run several commands side by side; gives their outputs in the order given."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            try:
                return list(pool.map(lambda job: self.run(job[0], *job[1]), jobs))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    # --- commands that stay ------------------------------------------------------------------------------------

    def serve(self, services: Sequence[tuple[str, Sequence[object]]]) -> None:
        """Start services side by side; returns once all of them take requests. Raises ChildFailed."""
        started = []
        for name, arguments in services:
            with open(self._logs / f"{name}.log", "ab") as log:
                started.append((name, self._start(name, _vemre(arguments), stdout=subprocess.PIPE, stderr=log)))
        deadline = time.monotonic() + STARTING_SECONDS
        for name, child in started:
            self._await_line(name, child, deadline)

    def _await_line(self, name: str, child: subprocess.Popen[bytes], deadline: float) -> None:
        """The one line that a service writes once it takes requests."""
        assert child.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(child.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise ChildFailed(name, child.wait(1) if ready else None, self._tail(name))
            line += piece

    def attend(self, name: str, *arguments: object) -> None:
        """Start a command that works in the background."""
        with open(self._logs / f"{name}.log", "ab") as log:
            self._start(name, _vemre(arguments), stdout=log, stderr=log)

    def check(self) -> None:
        """Raises ChildFailed for a background command that failed."""
        with self._lock:
            running = dict(self._running)
        for name, child in running.items():
            if child.poll() not in (None, 0):
                raise ChildFailed(name, child.returncode, self._tail(name))

    def wait(self, *names: str, seconds: float) -> None:
        """Wait until these background commands have ended well. Raises ChildFailed, also for any other that fails."""
        deadline = time.monotonic() + seconds
        while any(self._running[name].poll() is None for name in names):
            self.check()
            if time.monotonic() > deadline:
                late = next(name for name in names if self._running[name].poll() is None)
                raise ChildFailed(late, None, self._tail(late))
            time.sleep(0.05)
        self.check()

    def stop(self, *names: str) -> None:
        """End some children: SIGTERM to their groups, SIGKILL for those that do not go."""
        with self._lock:
            children = {name: child for name in names if (child := self._running.get(name)) is not None}
        for child in children.values():
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + ENDING_SECONDS
        for name, child in children.items():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
            self._forget(name)

    def end(self) -> None:
        """End all children that still run."""
        with self._lock:
            names = list(self._running)
        self.stop(*names)

    def _start(self, name: str, command: Sequence[str], *, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
        # Settings of the person's own services must not reach these.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VEMRE_")}
        with self._lock:
            self._starting = True
            try:
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                )
                self._running[name] = child
            finally:
                self._starting = False
        if self._interrupted:
            raise KeyboardInterrupt
        return child

    def _forget(self, name: str) -> None:
        with self._lock:
            self._running.pop(name, None)

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, TAIL_LINES))


def _vemre(arguments: Sequence[object]) -> list[str]:
    return [sys.executable, "-m", "vemre.cli", "--lang", language(), *map(str, arguments)]


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)

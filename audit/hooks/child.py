"""The process of one hook: ``python -m audit.hooks.child <descriptor>``. Started by `audit.hooks.process` alone.

It ends when it is told to, and at once when the witness is gone, whatever the hook is doing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib.metadata import EntryPoint
from queue import SimpleQueue
from threading import Thread
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry

from audit.hooks import document
from audit.hooks.interface import AuditHook, HookContext, HookError, hears
from audit.hooks.wire import CLOSE, Answer, Begin, families

_PR_SET_PDEATHSIG: Final = 1
"""linux/prctl.h; the signal comes when the thread ends that started this process, so it starts in one that stays."""


def main() -> None:
    """Serve the witness at the other end of the descriptor."""
    _die_with_the_witness()
    channel = socket.socket(fileno=int(sys.argv[1]))
    lines: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(channel, lines), daemon=True).start()
    registry = CollectorRegistry()
    hook: AuditHook | None = None
    answer = Answer()
    begin = msgspec.json.decode(lines.get(), type=Begin)
    try:
        hook = _make(begin, registry)
        answer.hears = hears(type(hook))
    except BaseException as error:
        # Whatever it is, the witness has to be told.
        answer.error = _told(error)
    _say(channel, answer, registry)
    while hook is not None and (line := lines.get()) != CLOSE:
        answer = Answer()
        try:
            event = document.decode(msgspec.json.decode(line))
            getattr(hook, f"on_{document.kind_of(event)}")(event)
        except BaseException as error:
            answer.error = _told(error)
        _say(channel, answer, registry)
    with suppress(BaseException):
        if hook is not None:
            hook.close()
    _end(0)


def _make(begin: Begin, registry: CollectorRegistry) -> AuditHook:
    found = EntryPoint(begin.name, begin.use, "").load()
    if not isinstance(found, type) or not issubclass(found, AuditHook):
        raise HookError(f"{begin.use} is no subclass of audit.hooks.interface.AuditHook")
    return found(begin.settings, HookContext(begin.name, begin.witness, registry))


def _told(error: BaseException) -> str:
    text = f": {error}" if isinstance(error, HookError) else ""
    return f"{type(error).__name__}{text}"[:500]


def _say(channel: socket.socket, answer: Answer, registry: CollectorRegistry) -> None:
    answer.metrics = families(registry.collect())
    channel.sendall(msgspec.json.encode(answer) + b"\n")


def _die_with_the_witness() -> None:
    """Reading the end of the connection takes the interpreter, which a hook may keep to itself: ask the kernel too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _listen(channel: socket.socket, lines: SimpleQueue[bytes]) -> None:
    with channel.makefile("rb") as source:
        for line in source:
            lines.put(line.rstrip(b"\n"))
            if line.rstrip(b"\n") == CLOSE:
                return
    _end(1)


def _end(code: int) -> None:
    """Threads that a hook left behind must not keep the process."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

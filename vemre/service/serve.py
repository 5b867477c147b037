"""Runs one service: one process, one data folder, one listening socket.

Standard output carries one JSON line once requests are taken, ``{"service","host","port","url","pid"}``, for whoever
started the process; everything else goes to standard error.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from vemre.errors import Refused
from vemre.service import logs
from vemre.service.app import Stop
from vemre.service.settings import ServiceSettings

STOPPED: Final = 2
"""The exit code of a service that ended itself: start it again, and it reads its state anew."""

_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 1024


def serve(build: Callable[[], FastAPI], settings: ServiceSettings) -> int:
    """Build the application and serve it until SIGTERM or SIGINT (0), or until it stops itself (2).

    `build` runs after the data folder is locked. Raises Refused "already-running" or "address-in-use", and whatever
    `build` raises.
    """
    logs.configure(settings.log_level)
    with data_lock(settings.data_dir):
        app = build()
        with listening(settings.host, settings.port) as listener:
            return _run(app, listener)


@contextmanager
def data_lock(folder: Path) -> Iterator[None]:
    """Hold the data folder (made 0700 where it is missing) alone. Raises Refused("already-running")."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refused("already-running", folder=str(folder)) from None
    try:
        yield
    finally:
        # The file stays: removing it would let two processes hold two files of one name.
        os.close(descriptor)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket; port 0 takes a free one. Raises Refused("address-in-use")."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise Refused("address-in-use", address=f"{host}:{port}", reason=reason) from None
        yield listener
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """Says where it listens once it takes requests, and ends on a signal with exit code 0."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], at_end: list[Callable[[], None]]) -> None:
        super().__init__(config)
        self._announce = announce
        self._at_end = at_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # It waits for the answers under way, and some have no end of their own.
        for end in self._at_end:
            end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # The second one ends what the first one waits for.
        self.force_exit = self.should_exit
        self.should_exit = True


def _run(app: FastAPI, listener: socket.socket) -> int:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    line = {"service": app.state.service, "host": host, "port": port, "url": f"http://{shown}:{port}"}

    def announce() -> None:
        sys.stdout.write(json.dumps({**line, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, announce, app.state.at_end)
    stop: Stop = app.state.stop

    def end() -> None:
        server.should_exit = True

    stop.on_request(end)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # How uvicorn says that the application's lifespan did not begin; the reason is in the log.
        return STOPPED
    return STOPPED if stop.reason is not None or not server.started else 0

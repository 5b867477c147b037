"""Runs one service: one process, one data folder, one listening socket.

Standard output carries one JSON line once requests are taken, ``{"service","host","port","url","pid"}``, for whoever
started the process; everything else goes to standard error.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from vemre.errors import Refused
from vemre.service import logs, tls
from vemre.service.app import Stop
from vemre.service.connections import Patience, open_files, patient
from vemre.service.settings import ServiceSettings

_logger = structlog.get_logger(__name__)

STOPPED: Final = 2
"""The exit code of a service that ended itself: start it again, and it reads its state anew."""

_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 1024
_IDLE_SECONDS: Final = 10
"""How long a connection without a request is kept; longer than a witness or a service waits between two."""


def serve(build: Callable[[], FastAPI], settings: ServiceSettings) -> int:
    """Build the application and serve it until SIGTERM or SIGINT (0), or until it stops itself (2).

    `build` runs after the data folder, and a database that is a file, are locked. With a certificate it answers by
    HTTPS alone; SIGHUP reads certificate and key anew. Raises Refused "already-running", "database-in-use",
    "address-in-use" or "tls-unusable", and whatever `build` raises.
    """
    logs.configure(settings.log_level)
    with data_lock(settings.data_dir), database_lock(settings.database):
        context = _tls(settings)
        app = build()
        with listening(settings.host, settings.port) as listener:
            return _run(app, listener, settings, context)


def _tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    """Raises Refused("settings-unusable") for half of it, Refused("tls-unusable")."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Refused("settings-unusable", fields="tls_key" if key is None else "tls_certificate")
    return tls.server_context(certificate, key)


@contextmanager
def data_lock(folder: Path) -> Iterator[None]:
    """Hold the data folder (made 0700 where it is missing) alone. Raises Refused("already-running")."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder / "lock", Refused("already-running", folder=str(folder))):
        yield


@contextmanager
def database_lock(url: str) -> Iterator[None]:
    """Hold a database that is a file alone: it has one writer, and nothing tells a second process what the first one
    appends. Several instances need PostgreSQL. Raises Refused("database-in-use")."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        yield
        return
    path = Path(parsed.database).resolve()
    with _locked(path.with_name(f"{path.name}.lock"), Refused("database-in-use", file=str(path))):
        yield


@contextmanager
def _locked(path: Path, refused: Refused) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise refused from None
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

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], None],
        at_end: list[Callable[[], None]],
        renew: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._at_end = at_end
        self._renew = renew

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._renew is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._renew)
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


def _run(app: FastAPI, listener: socket.socket, settings: ServiceSettings, context: ssl.SSLContext | None) -> int:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    scheme = "http" if context is None else "https"
    line = {"service": app.state.service, "host": host, "port": port, "url": f"{scheme}://{shown}:{port}"}

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
        timeout_keep_alive=_IDLE_SECONDS,
        http=patient(Patience(connections=open_files(settings.max_connections)), app.state.metrics),
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
    server = _Server(
        config, announce, app.state.at_end, None if context is None else partial(_renew, settings, context)
    )
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


def _renew(settings: ServiceSettings, context: ssl.SSLContext) -> None:
    """Upon SIGHUP: the certificate was renewed. What cannot be used changes nothing."""
    assert settings.tls_certificate is not None
    assert settings.tls_key is not None
    try:
        tls.load_chain(context, settings.tls_certificate, settings.tls_key)
    except Refused as refused:
        _logger.error("certificate-not-renewed", reason=str(refused.params.get("reason", "")))
    else:
        _logger.info("certificate-renewed")

"""Witnesses for tests: over a simulated election behind HTTP, or over foreign logs, with a clock that a test moves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from served_simulator import Served
from simulator import GROUP, OPENS

from audit.hooks.events import Event
from audit.witness.engine import Watched, Witness
from audit.witness.ground import Foreign
from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.merkle import Frontier
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.log.witness import add_checkpoint_body
from vemre.service.client import HttpSource
from vemre.types import LOG_NAMES, LogName


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self, now: int = OPENS) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def witness_of(
    served: Served,
    folder: Path,
    number: int = 1,
    *,
    clock: Clock | None = None,
    database: str | None = None,
    post: bool = False,
    heard: list[Event] | None = None,
    clients: Any = None,
) -> Witness:
    """The witness of an auditor of the simulated election; with the same folder, the same one after a restart."""
    role = f"auditor/{number}"
    simulator = served.simulator
    folder.mkdir(parents=True, exist_ok=True)
    clients = clients or served.clients()
    watched = Watched(
        simulator.view.anchors, {name: HttpSource(clients[name]) for name in LOG_NAMES}, clients if post else None
    )
    witness = Witness(
        folder,
        database or f"sqlite:///{folder / 'service.sqlite3'}",
        name=role,
        cosigner=simulator.witnesses[role],
        role=role,
        watched=watched,
        group=GROUP,
        random=os.urandom,
        clock=clock or Clock(),
    )
    if heard is not None:
        witness.listen(heard.append)
    return witness


@dataclass
class PlainLog:
    """A log of plain entries with its key: what a foreign feeder has. `fork` makes another history."""

    origin: str = "bb.example.org/eleccion-demo"
    seed: bytes = bytes(range(32))
    entries: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> LogSigner:
        return LogSigner(self.origin, SigningKey.from_seed(self.seed))

    def leaves(self) -> list[bytes]:
        return [merkle.leaf_hash(entry) for entry in self.entries]

    def read(self, level: int, index: int) -> bytes:
        return merkle.perfect_root(self.leaves()[index << level : (index + 1) << level])

    def root(self, size: int) -> bytes:
        frontier = Frontier()
        for leaf in self.leaves()[:size]:
            frontier.append(leaf)
        return frontier.root()

    def note(self, size: int) -> bytes:
        return self.signer.sign(size, self.root(size))

    def request(self, old: int, size: int, proof: Sequence[bytes] | None = None) -> bytes:
        """An add-checkpoint request from `old` to `size`."""
        found = merkle.consistency_proof(old, size, self.read) if proof is None else proof
        return add_checkpoint_body(old, found, self.note(size))


def plain_log(count: int = 7, text: bytes = b"entrada %d\n") -> PlainLog:
    """The log of the vectors: entries ``entrada 0`` and so on."""
    return PlainLog(entries=[text % number for number in range(count)])


def consistency_witness(
    folder: Path, logs: Sequence[PlainLog], *, clock: Clock | None = None, database: str | None = None
) -> Witness:
    """The witness of the vectors, over foreign logs."""
    folder.mkdir(parents=True, exist_ok=True)
    key = SigningKey.from_seed(bytes(range(32, 64)))
    return Witness(
        folder,
        database or f"sqlite:///{folder / 'service.sqlite3'}",
        name="testigo.example.org/w1",
        cosigner=Ed25519Cosigner("testigo.example.org/w1", key),
        foreign=[Foreign(log.signer.vkey) for log in logs],
        group=GROUP,
        random=os.urandom,
        clock=clock or Clock(1_700_000_000),
    )


def offer(served: Served, name: LogName, old: int = 0, size: int | None = None) -> bytes:
    """The feeder's request for a log of the simulated election, with its proof."""
    log = served.simulator.view.logs[name]
    size = len(log) if size is None else size
    leaves = [record.leaf_hash for record in log.records]

    def read(level: int, index: int) -> bytes:
        return merkle.perfect_root(leaves[index << level : (index + 1) << level])

    note = served.simulator.checkpoint(name, size, auditors=()).encode()
    return add_checkpoint_body(old, merkle.consistency_proof(old, size, read), note)


Lie = Callable[[BaseHTTPRequestHandler], None]
"""Writes an answer by hand; what it does not answer, the honest service does."""


@contextmanager
def serving(served: Served, lies: Mapping[tuple[LogName, str], Lie] | None = None) -> Iterator[dict[LogName, str]]:
    """The three services on sockets of their own, of which some paths are answered by `lies`."""
    lies = {} if lies is None else lies
    servers: dict[LogName, ThreadingHTTPServer] = {}

    def handler(name: LogName) -> type[BaseHTTPRequestHandler]:
        client = served.client(name)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._pass_on("POST", self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                lie = (
                    lies.get((name, path)) or lies.get((name, "*"))
                    if path != "/log/checkpoint"
                    else lies.get((name, path))
                )
                if lie is not None:
                    lie(self)
                    return
                self._pass_on("GET")

            def _pass_on(self, method: str, content: bytes = b"") -> None:
                answer = client._http.request(method, f"http://{name}.test{self.path}", content=content)
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    try:
        for name in LOG_NAMES:
            servers[name] = ThreadingHTTPServer(("127.0.0.1", 0), handler(name))
            servers[name].daemon_threads = True
            Thread(target=servers[name].serve_forever, daemon=True).start()
        yield {name: f"http://127.0.0.1:{server.server_port}" for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()

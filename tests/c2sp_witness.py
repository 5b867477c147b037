"""A small C2SP witness over real HTTP, and the ways in which one can misbehave.

It checks consistency alone and knows nothing of elections. `answer` replaces what it does with a request: it gets the
handler and the body, and returns whether it has dealt with it. Nothing of it is durable but its memory, which outlives
`down`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import pytest

from vemre.crypto.signing import SigningKey
from vemre.log import feeding
from vemre.log.note import Note, Vkey
from vemre.log.signer import Ed25519Cosigner
from vemre.log.witness import NOTHING_COSIGNED, AddCheckpoint, Cosigned, decide
from vemre.service import feeder

NOW = 1_700_000_000
Answer = Callable[[BaseHTTPRequestHandler, bytes], bool]


class C2spWitness:
    """`requests` are the (old size, size) of what was submitted; `url` is the submission prefix while it runs."""

    def __init__(self, name: str, *logs: Vkey, key: SigningKey | None = None) -> None:
        self.cosigner = Ed25519Cosigner(name, key or SigningKey.generate(os.urandom))
        self.logs = {log.name: log for log in logs}
        self.kept: dict[str, Cosigned] = {}
        self.notes: dict[str, bytes] = {}
        self.requests: list[tuple[int, int]] = []
        self.looks = 0
        self.answer: Answer | None = None
        self.shows = True
        self.url = ""
        self._lock = Lock()
        self.released = Event()
        """What ends the requests that `never_answers` keeps."""

    @property
    def line(self) -> str:
        """Its line in a file of witnesses."""
        return f"witness {self.cosigner.vkey.name} {self.cosigner.vkey} {self.url}\n"

    def size(self, log: Vkey) -> int:
        """How much of a log it cosigned."""
        return self.kept.get(log.name, NOTHING_COSIGNED).size

    @contextmanager
    def running(self) -> Iterator[C2spWitness]:
        """Serve on a free port."""
        witness = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                witness.submitted(self, self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self) -> None:
                witness.looked(self)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        self.url = f"http://127.0.0.1:{server.server_port}/w"
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def submitted(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """What happens to a request."""
        try:
            request = AddCheckpoint.parse(body)
            self.requests.append((request.old, request.checkpoint.checkpoint.size))
        finally:
            # Where it sends others it answers well.
            if handler.path != "/w/add-checkpoint" or self.answer is None or not self.answer(handler, body):
                self._cosign(handler, body)

    def _cosign(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        with self._lock:
            decision = decide(body, self.logs, lambda origin: self.kept.get(origin, NOTHING_COSIGNED))
            checkpoint = decision.checkpoint
            if checkpoint is None:
                reply(handler, decision.status, decision.body, decision.content_type)
                return
            line = self.cosigner.cosign(checkpoint, NOW)
            self.kept[checkpoint.origin] = Cosigned(checkpoint.size, checkpoint.root)
            note = AddCheckpoint.parse(body).checkpoint.note
            self.notes[checkpoint.origin] = Note(note.text, (*note.signatures, line)).encode()
        reply(handler, 200, str(line).encode())

    def looked(self, handler: BaseHTTPRequestHandler) -> None:
        """The monitoring interface."""
        self.looks += 1
        paths = {f"/w/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint": origin for origin in self.notes}
        origin = paths.get(handler.path)
        if origin is None or not self.shows:
            reply(handler, 404, b"nothing\n")
        else:
            reply(handler, 200, self.notes[origin])

    # --- misbehaviour -----------------------------------------------------------------------------------------------

    def down(self, handler: BaseHTTPRequestHandler, _body: bytes) -> bool:
        """The connection breaks."""
        handler.close_connection = True
        return True

    def never_answers(self, handler: BaseHTTPRequestHandler, _body: bytes) -> bool:
        """Nothing comes for as long as the test goes on."""
        self.released.wait()
        handler.close_connection = True
        return True

    def endless(self, handler: BaseHTTPRequestHandler, _body: bytes) -> bool:
        """An answer without end."""
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while not self.released.is_set():
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            pass
        return True

    def wrong_signature(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        """Its own name over another checkpoint."""
        checkpoint = AddCheckpoint.parse(body).checkpoint.checkpoint
        other = type(checkpoint)(checkpoint.origin, checkpoint.size + 1, checkpoint.root)
        reply(handler, 200, str(self.cosigner.cosign(other, NOW)).encode())
        return True

    def another_key(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        """A good line by a key that nobody configured."""
        checkpoint = AddCheckpoint.parse(body).checkpoint.checkpoint
        other = Ed25519Cosigner("stranger.example/w", SigningKey.generate(os.urandom))
        reply(handler, 200, str(other.cosign(checkpoint, NOW)).encode())
        return True

    def same_name(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        """A good line under its own name by another key."""
        checkpoint = AddCheckpoint.parse(body).checkpoint.checkpoint
        other = Ed25519Cosigner(self.cosigner.vkey.name, SigningKey.generate(os.urandom))
        reply(handler, 200, str(other.cosign(checkpoint, NOW)).encode())
        return True

    def redirects(self, handler: BaseHTTPRequestHandler, _body: bytes) -> bool:
        """To where it would be answered well."""
        reply(handler, 307, b"", headers={"Location": f"{self.url}/elsewhere/add-checkpoint"})
        return True


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let feeding pause as it does, only shorter."""
    patch.setattr(feeder, "GAP_SECONDS", 0.01)
    patch.setattr(feeder, "LOOK_SECONDS", 0.05)
    patch.setattr(feeder, "ALARM_SECONDS", 0.05)
    patch.setattr(feeding, "pause", lambda _failures, _asked, _chance: 0.02)


def until(condition: Callable[[], object], patience: float = 60.0) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def witness_file(path: Path, *witnesses: C2spWitness) -> Path:
    """A file of witnesses."""
    path.write_text("".join([*(witness.line for witness in witnesses), "quorum none\n"]), encoding="utf-8")
    return path


def status(code: int, body: bytes = b"no\n", **headers: str) -> Answer:
    """Always the same answer; underscores in names of headers are dashes."""

    def answer(handler: BaseHTTPRequestHandler, _body: bytes) -> bool:
        reply(handler, code, body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return answer


def reply(
    handler: BaseHTTPRequestHandler,
    code: int,
    body: bytes,
    content_type: str = "text/plain",
    headers: dict[str, str] | None = None,
) -> None:
    """Send an answer."""
    handler.send_response(code)
    for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)

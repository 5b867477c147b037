"""As much of an ssh-agent as litewitness needs: one Ed25519 key over a Unix socket (draft-ietf-sshm-ssh-agent)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Thread

from vemre.crypto.signing import SigningKey

_LIST, _KEYS, _SIGN, _SIGNATURE, _FAILURE = 11, 12, 13, 14, 5
_ALGORITHM = b"ssh-ed25519"


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@contextmanager
def agent(path: Path, key: SigningKey) -> Iterator[Path]:
    """Hold `key` behind the socket `path`."""
    blob = _string(_ALGORITHM) + _string(key.public)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while head := self.rfile.read(4):
                request = self.rfile.read(int.from_bytes(head, "big"))
                self.wfile.write(_string(answer(request)))

    def answer(request: bytes) -> bytes:
        if request[0] == _LIST:
            return bytes([_KEYS]) + (1).to_bytes(4, "big") + _string(blob) + _string(b"witness")
        if request[0] == _SIGN and request[1:].startswith(_string(blob)):
            start = 1 + len(_string(blob))
            size = int.from_bytes(request[start : start + 4], "big")
            signature = key.sign(request[start + 4 : start + 4 + size])
            return bytes([_SIGNATURE]) + _string(_string(_ALGORITHM) + _string(signature))
        return bytes([_FAILURE])

    with ThreadingUnixStreamServer(str(path), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            thread.join()

"""A simulated election behind the HTTP interface of the three services, without a socket.

What it serves follows the simulator's view; cosignatures that are posted are kept and served like a log does. A test
may replace any answer (`lies`) or make a service unreachable (`down`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import httpx2
from simulator import Simulator

from vemre.log.checkpoint import SignedCheckpoint, auditors_of, open_checkpoint
from vemre.log.merkle import perfect_root
from vemre.log.note import Note, parse_signature_lines
from vemre.log.tiles import ENTRIES, Tile, encode_bundle, encode_tile
from vemre.messages import problem
from vemre.records import bundle
from vemre.service.client import ServiceClient
from vemre.types import LOG_NAMES, LogName


class Served:
    """`clients` are connections to the three services; `posted` are the types of the records that were submitted."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.notes: dict[tuple[LogName, int], Note] = {}
        self.posted: list[str] = []
        self.down: set[LogName] = set()
        self.lies: dict[tuple[LogName, str], bytes] = {}
        self.on_cosignature: Callable[[LogName, int], None] = lambda _log, _size: None

    def client(self, name: LogName) -> ServiceClient:
        """A connection to one service; one attempt at everything."""
        transport = httpx2.MockTransport(lambda request: self._answer(name, request))
        return ServiceClient(f"http://{name}.test", transport=transport, attempts=1)

    def clients(self) -> dict[LogName, ServiceClient]:
        """Connections to all three."""
        return {name: self.client(name) for name in LOG_NAMES}

    def note(self, name: LogName, size: int | None = None) -> Note:
        """The checkpoint of a log at a size, with the cosignatures known."""
        size = len(self.simulator.view.logs[name]) if size is None else size
        if (name, size) not in self.notes:
            text = self.simulator.checkpoint(name, size, auditors=())
            self.notes[name, size] = SignedCheckpoint.parse(text).note
        return self.notes[name, size]

    def cosigners(self, name: LogName, size: int | None = None) -> set[str]:
        """The auditors whose cosignature is known."""
        anchors = self.simulator.view.anchors
        witnesses = [key for keys in anchors.witnesses.values() for key in keys]
        opened = open_checkpoint(self.note(name, size).encode(), anchors.logs[name], witnesses)
        return auditors_of(opened, anchors.witnesses)

    def cosign_all(self) -> None:
        """Every auditor cosigns all three logs as they are."""
        for name in LOG_NAMES:
            size = len(self.simulator.view.logs[name])
            self.notes[name, size] = SignedCheckpoint.parse(self.simulator.checkpoint(name)).note

    # --- the routes ---------------------------------------------------------------------------------------------

    def _answer(self, name: LogName, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if name in self.down:
            raise httpx2.ConnectError("down")
        if (name, path) in self.lies:
            return httpx2.Response(200, content=self.lies[name, path])
        size = int(request.url.params.get("size", "0"))
        if path == "/log/checkpoint":
            return httpx2.Response(200, content=self.note(name).encode())
        if path == "/log/cosigned":
            return self._cosigned(name, size)
        if path == "/log/cosignatures":
            lines = parse_signature_lines(request.read().decode())
            self.notes[name, size] = self.note(name, size).with_lines(lines)
            self.on_cosignature(name, size)
            return httpx2.Response(200, json={})
        if path.startswith("/log/tile/"):
            return self._tile(name, path.removeprefix("/log/"))
        if path.startswith("/blob/"):
            data = self.simulator.blobs.get(path.removeprefix("/blob/"))
            return self._problem("not-found") if data is None else httpx2.Response(200, content=data)
        assert path == "/records"
        submission = bundle.decode(request.read())
        self.simulator.put(list(submission.blobs.values()))
        self.simulator.admit(name, submission.record)
        self.posted.append(submission.record.type)
        return httpx2.Response(201, json={"index": 0, "leaf_hash": submission.record.leaf_hash.hex()})

    def _cosigned(self, name: LogName, size: int) -> httpx2.Response:
        for candidate in range(len(self.simulator.view.logs[name]), size - 1, -1):
            if len(self.cosigners(name, candidate)) >= self.simulator.policy.quorum:
                return httpx2.Response(200, content=self.note(name, candidate).encode())
        return self._problem("not-cosigned-yet")

    def _tile(self, name: LogName, path: str) -> httpx2.Response:
        entries = [record.entry for record in self.simulator.view.logs[name].records]
        tile = Tile.parse(path)
        if tile.level == ENTRIES:
            data = encode_bundle(entries[tile.start : tile.start + tile.width])
        else:
            hashes = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
            for _ in range(tile.level):
                full = len(hashes) // 256 * 256
                hashes = [perfect_root(hashes[place : place + 256]) for place in range(0, full, 256)]
            data = encode_tile(hashes[tile.start : tile.start + tile.width])
        return httpx2.Response(200, content=data)

    def _problem(self, code: str) -> httpx2.Response:
        found = problem(code, {"log": "x", "size": 0, "missing": "—"})
        return httpx2.Response(found.status, content=json.dumps(found.document("en")).encode())

"""Nobody holds a service up by being slow: heads, bodies, readers and mere numbers of connections."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from vemre.service.app import make_app
from vemre.service.connections import Patience, PatientHttp, patient

LARGE = 32 << 20
"""More than both sides' buffers hold."""


@contextmanager
def serving(patience: Patience) -> Iterator[tuple[int, FastAPI]]:
    app = make_app("example", "Example")

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/large")
    async def large() -> Response:
        return Response(bytes(LARGE))

    protocol = patient(patience, app.state.metrics)
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none", http=protocol)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], app
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = bytearray()
    try:
        while piece := connection.recv(1 << 20):
            data += piece
    except ConnectionResetError:
        pass
    return bytes(data)


def ask(port: int) -> bytes:
    with connected(port) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return rest(connection)


def dropped(app: FastAPI, reason: str) -> float:
    return float(
        app.state.metrics.registry.get_sample_value("vemre_dropped_connections_total", {"reason": reason}) or 0
    )


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "])
def test_head_that_does_not_end_is_not_waited_for(beginning: bytes) -> None:
    with serving(Patience(head=0.2)) as (port, app), connected(port) as slow:
        slow.sendall(beginning)
        assert rest(slow) == b""
        assert dropped(app, "head") == 1
        assert ask(port).startswith(b"HTTP/1.1 200")


def test_one_byte_after_the_other_is_no_reason_to_wait_longer() -> None:
    with serving(Patience(head=0.5)) as (port, app), connected(port) as slow:
        slow.settimeout(0.02)
        data = b"GET /health HTTP/1.1\r\nX: " + b"a" * 10_000
        with pytest.raises(OSError):  # noqa: PT012
            for place in range(len(data)):
                slow.sendall(data[place : place + 1])
                try:
                    assert slow.recv(1) == b""
                except TimeoutError:
                    continue
                raise ConnectionResetError
        assert dropped(app, "head") == 1


def test_next_request_of_a_connection_has_its_own_time() -> None:
    with serving(Patience(head=0.3)) as (port, app), connected(port) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /health")
        assert rest(connection) == b""
        assert dropped(app, "head") == 1


def test_body_that_does_not_come_is_not_waited_for() -> None:
    with serving(Patience(body=0.2, rate=1 << 20)) as (port, app), connected(port) as slow:
        slow.sendall(
            b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        assert rest(slow) == b""
        assert dropped(app, "body") == 1
        assert ask(port).startswith(b"HTTP/1.1 200")


def test_body_that_comes_is_waited_for() -> None:
    body = b"1" * 20_000
    with serving(Patience(body=0.05, rate=100)) as (port, app), connected(port) as slow:
        head = f"POST /size HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        slow.sendall(head.encode() + b"Connection: close\r\n\r\n" + body[:10_000])
        slow.settimeout(0.2)
        with pytest.raises(TimeoutError):
            slow.recv(1)
        slow.settimeout(60)
        slow.sendall(body[10_000:])
        assert rest(slow).endswith(b"20000")
        assert dropped(app, "body") == 0


def test_reader_that_takes_nothing_is_not_waited_for() -> None:
    with serving(Patience(reading=0.3)) as (port, app), connected(port) as lazy:
        lazy.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        while dropped(app, "answer") < 1:
            assert ask(port).startswith(b"HTTP/1.1 200")
        assert len(rest(lazy)) < LARGE


def test_reader_that_takes_it_gets_all() -> None:
    with serving(Patience(head=0.3, reading=20)) as (port, app), connected(port) as reader:
        reader.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert len(rest(reader)) > LARGE
        assert dropped(app, "answer") == 0


def test_large_heads_are_refused() -> None:
    with serving(Patience(head_bytes=4096)) as (port, app), connected(port) as talker:
        with pytest.raises(OSError):  # noqa: PT012
            while True:
                talker.sendall(b"GET /health HTTP/1.1\r\nX: " + b"a" * 4096)
        assert dropped(app, "head-too-large") == 1


def test_those_who_hold_many_connections_turn_nobody_away() -> None:
    """A slow loris: more connections than are held, none of them ever complete."""
    with serving(Patience(head=600, connections=20)) as (port, app):
        held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(60)]
        try:
            for connection in held:
                try:
                    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
                except OSError:
                    continue
            for _ in range(5):
                assert ask(port).startswith(b"HTTP/1.1 200")
            assert dropped(app, "crowded") >= 40
        finally:
            for connection in held:
                connection.close()


def test_a_request_under_way_is_no_one_to_make_place() -> None:
    with serving(Patience(connections=2)) as (port, _), connected(port) as reader:
        reader.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert reader.recv(1) == b"H"
        for _ in range(5):
            assert ask(port).startswith(b"HTTP/1.1 200")
        assert len(rest(reader)) > LARGE


def test_servers_share_nothing() -> None:
    first, second = patient(Patience()), patient(Patience())
    assert issubclass(first, PatientHttp)
    assert first.shared is not second.shared

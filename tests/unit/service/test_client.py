"""The client of services: what is retried, what is refused, and how much it reads."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.messages import RemoteProblem, Unreachable, problem
from vemre.service.client import HttpSource, ServiceClient, TooLong

Handler = Callable[[httpx2.Request], httpx2.Response]


def client(
    *answers: Handler | httpx2.Response | Exception, **options: Any
) -> tuple[ServiceClient, list[httpx2.Request], list[float]]:
    """A client whose requests get the given answers in turn, the last one for ever."""
    requests: list[httpx2.Request] = []
    pauses: list[float] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        request.read()
        requests.append(request)
        answer = answers[min(len(requests), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    made = ServiceClient(
        "http://box.example/api/", transport=httpx2.MockTransport(handle), sleep=pauses.append, **options
    )
    return made, requests, pauses


def refusal(code: str, **extra: Any) -> Handler:
    document = {**problem(code).document("es"), "request_id": "r1", **extra}
    return lambda _: httpx2.Response(
        document["status"], json=document, headers={"Content-Type": "application/problem+json"}
    )


def ok(value: Any) -> Handler:
    return lambda _: httpx2.Response(200, json=value)


def test_submission() -> None:
    made, requests, _ = client(ok({"index": 7}), token="t0ken")
    assert made.submit(b"bytes") == {"index": 7}
    assert requests[0].url == "http://box.example/api/records"
    assert requests[0].content == b"bytes"
    assert requests[0].headers["content-type"] == "application/vnd.vemre.submission"
    assert requests[0].headers["authorization"] == "Bearer t0ken"
    assert requests[0].headers["accept-encoding"] == "identity"


def test_json_both_ways() -> None:
    made, requests, _ = client(lambda request: httpx2.Response(200, json=[str(request.url), request.method]))
    assert made.get_json("/x", {"size": 3}) == ["http://box.example/api/x?size=3", "GET"]
    assert made.post_json("/x", {"a": 1})[1] == "POST"
    assert requests[1].content == b'{"a": 1}'


def test_refusal_is_typed_and_not_retried() -> None:
    made, requests, pauses = client(refusal("check-gate", check="GATE", party="trustee/1", stranger="x"))
    with pytest.raises(RemoteProblem) as refused:
        made.submit(b"x")
    error = refused.value
    assert (error.code, error.status) == ("check-gate", 422)
    assert error.problem == problem("check-gate")
    assert error.extra == {"check": "GATE", "party": "trustee/1", "request_id": "r1"}
    assert (len(requests), pauses) == (1, [])


def test_transport_errors_and_later_are_retried_with_the_same_bytes() -> None:
    busy = refusal("log-busy")
    made, requests, pauses = client(httpx2.ConnectError("no"), httpx2.ReadTimeout("slow"), busy, ok({"index": 1}))
    assert made.submit(b"same") == {"index": 1}
    assert [request.content for request in requests] == [b"same"] * 4
    assert pauses == [0.2, 0.4, 0.8]


def test_waiting_asked_for_is_capped() -> None:
    def later(value: str) -> Handler:
        return lambda _: httpx2.Response(429, headers={"Retry-After": value})

    made, _, pauses = client(later("2"), later("86400"), later("Wed, 21 Oct 2026 07:28:00 GMT"), ok(1))
    assert made.get_json("/x") == 1
    assert pauses == [2.0, 5.0, 0.8]


def test_giving_up() -> None:
    made, requests, pauses = client(httpx2.ConnectError("http://user:secret@box"), attempts=3)
    with pytest.raises(Unreachable) as unreachable:
        made.submit(b"x")
    assert str(unreachable.value) == "http://box.example: ConnectError"
    assert (len(requests), len(pauses)) == (3, 2)
    made, requests, _ = client(refusal("log-stopped"), attempts=2)
    with pytest.raises(RemoteProblem) as refused:
        made.submit(b"x")
    assert (refused.value.code, len(requests)) == ("log-stopped", 2)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404, text="<html>"),
        httpx2.Response(404, json={"code": "x"}),
        httpx2.Response(404, content=b"[" * 60_000),
        httpx2.Response(301, headers={"Location": "http://elsewhere"}),
        lambda _: httpx2.Response(500, json=problem("conflict").document("es")),
    ],
)
def test_what_is_no_answer_of_the_product(answer: Any) -> None:
    made, requests, _ = client(answer)
    with pytest.raises(Unreachable):
        made.submit(b"x")
    assert len(requests) == 1


def test_success_that_is_not_json() -> None:
    for content in (b"<html>", b"[" * 100_000, b"\xff"):
        made, _, _ = client(httpx2.Response(200, content=content))
        with pytest.raises(Unreachable):
            made.submit(b"x")


class Endless(httpx2.SyncByteStream):
    """An answer that never ends; counts what was read of it."""

    def __init__(self) -> None:
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.given += 1000
            yield b"x" * 1000


def test_endless_answers_are_cut_off() -> None:
    for status in (200, 400):
        endless = Endless()
        made, _, _ = client(httpx2.Response(status, stream=endless))
        with pytest.raises(TooLong):
            made.request("GET", "/x", limit=10_000)
        assert endless.given <= 70_000
    made, _, _ = client(lambda _: httpx2.Response(200, stream=Endless()))
    for ask, check in (
        (HttpSource(made).checkpoint, Check.NOTE),
        (lambda: HttpSource(made).blob("00", 5), Check.BLOB_DIGEST),
    ):
        with pytest.raises(CheckFailed) as failed:
            ask()
        assert failed.value.check is check


def test_slow_answers_meet_the_deadline() -> None:
    made, _, _ = client(lambda _: httpx2.Response(200, stream=Endless()), attempts=1, deadline=-1.0)
    with pytest.raises(Unreachable, match="ReadTimeout"):
        made.request("GET", "/x")


def test_packed_answers_are_not_unpacked() -> None:
    packed = gzip.compress(json.dumps("x" * 10**6).encode())
    stream = httpx2.ByteStream(packed)
    made, _, _ = client(httpx2.Response(200, stream=stream, headers={"Content-Encoding": "gzip"}))
    assert made.request("GET", "/x", limit=len(packed)) == packed


@pytest.mark.parametrize("address", ["", "box", "ftp://box", "http://", "http://[::1", "file:///etc/passwd"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(Unreachable):
        ServiceClient(address)


def test_address_does_not_show_its_password() -> None:
    assert "secret" not in ServiceClient("http://user:secret@box.example:81/x?q=1").place

"""A tiny application on the framework: every kind of refusal, limit and header."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from vemre import messages
from vemre.checks import Check
from vemre.errors import CheckFailed, KeyFileError, Refused, StoreError
from vemre.messages import RemoteProblem, Unreachable
from vemre.service.app import make_app
from vemre.service.middleware import BodyRule

PROBLEM = "application/problem+json"


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    count: int


ERRORS: dict[str, Exception] = {
    "check": CheckFailed(Check.BALLOT_POK, "the response is wrong", where="ballot/7", party="ballot-box"),
    "refused": Refused("not-cosigned-yet", log="tally", size=9, missing="auditor/2"),
    "wait": Refused("too-many-requests", retry_after=30),
    "store": StoreError("the secret database address"),
    "key": KeyFileError("the secret path"),
    "remote": RemoteProblem(messages.problem("too-large")),
    "unreachable": Unreachable("http://tally", "timeout"),
    "teapot": HTTPException(418),
    "gateway": HTTPException(502),
    "unexpected": RuntimeError("a secret in a text"),
}


@pytest.fixture
def app() -> FastAPI:
    app = make_app(
        "example", "Example", bodies={"/raw/{name}": BodyRule(1000, ("application/octet-stream", "text/plain"))}
    )

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name]

    @app.post("/things")
    async def things(thing: Thing) -> Thing:
        return thing

    @app.post("/raw/{name}")
    async def raw(name: str, request: Request) -> int:
        return len(await request.body())

    @app.get("/cached")
    async def cached() -> Response:
        return Response(b"x", headers={"Cache-Control": "public, max-age=31536000, immutable"})

    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def check_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    assert response.status_code == status == document["status"]
    assert response.headers["content-type"] == PROBLEM
    assert document["code"] == code
    assert document["type"] == f"urn:vemre:problem:{code}"
    assert document["request_id"] == response.headers["x-request-id"]
    for language in ("es", "en"):
        assert set(document[language]) == {"title", "detail", "next"}
    return document


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("check", 422, "check-ballot-pok"),
        ("refused", 409, "not-cosigned-yet"),
        ("wait", 429, "too-many-requests"),
        ("store", 503, "log-stopped"),
        ("key", 500, "internal"),
        ("remote", 503, "unavailable"),
        ("unreachable", 503, "remote-unreachable"),
        ("teapot", 400, "bad-request"),
        ("gateway", 500, "internal"),
        ("unexpected", 500, "internal"),
    ],
)
def test_error_becomes_its_problem(client: TestClient, name: str, status: int, code: str) -> None:
    response = client.get(f"/raise/{name}")
    check_problem(response, status, code)
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_failed_check_names_place_party_and_finding(client: TestClient) -> None:
    document = client.get("/raise/check").json()
    assert document["check"] == "BALLOT-POK"
    assert document["where"] == "ballot/7"
    assert document["party"] == "ballot-box"
    assert document["finding"] == "the response is wrong"


def test_language_follows_the_reader_and_both_are_there(client: TestClient) -> None:
    spanish = client.get("/raise/refused")
    english = client.get("/raise/refused", headers={"Accept-Language": "en-US"})
    assert spanish.headers["content-language"] == "es"
    assert english.headers["content-language"] == "en"
    assert spanish.json()["title"] == english.json()["es"]["title"]
    assert english.json()["title"] == spanish.json()["en"]["title"]
    assert "con 9 o más" in spanish.json()["detail"]


def test_waiting_time_is_said(client: TestClient) -> None:
    assert client.get("/raise/wait").headers["retry-after"] == "30"
    assert client.get("/raise/store").headers["retry-after"] == "2"


def test_unknown_place_and_method(client: TestClient) -> None:
    check_problem(client.get("/nowhere"), 404, "not-found")
    check_problem(client.post("/nowhere", content=b"x" * 100_000), 404, "not-found")
    answer = client.delete("/things")
    check_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    check_problem(client.get("/things/"), 404, "not-found")
    check_problem(client.get("/health%0a"), 404, "not-found")


def test_json_body(client: TestClient) -> None:
    assert client.post("/things", json={"count": 3}).json() == {"count": 3}
    document = check_problem(client.post("/things", json={"count": "3", "pin": "9876"}), 422, "invalid-fields")
    assert {field["field"] for field in document["fields"]} == {"body.count", "body.pin"}
    assert "9876" not in json.dumps(document)
    json_type = {"Content-Type": "application/json"}
    check_problem(client.post("/things", content=b"{", headers=json_type), 400, "bad-request")
    check_problem(client.post("/things", content=b"", headers=json_type), 400, "bad-request")
    check_problem(client.post("/things"), 400, "bad-request")
    check_problem(client.post("/things", content=b"[" * 50_000, headers=json_type), 400, "bad-request")
    check_problem(client.post("/things", content=b"\xff\xfe", headers=json_type), 400, "bad-request")


def test_media_type(client: TestClient) -> None:
    check_problem(client.post("/things", content=b"{}"), 415, "unsupported-media-type")
    check_problem(
        client.post("/things", content=b"{}", headers={"Content-Type": "text/plain"}), 415, "unsupported-media-type"
    )
    answer = client.post("/raw/a", content=b"{}", headers={"Content-Type": "application/json"})
    check_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == "application/octet-stream, text/plain"
    good = client.post("/raw/a", content=b"{}", headers={"Content-Type": "Text/Plain; charset=utf-8"})
    assert good.json() == 2


def test_size_limit_by_declared_length_and_while_reading(client: TestClient) -> None:
    octets = {"Content-Type": "application/octet-stream"}
    assert client.post("/raw/a", content=b"x" * 1000, headers=octets).json() == 1000
    check_problem(client.post("/raw/a", content=b"x" * 1001, headers=octets), 413, "too-large")
    json_type = {"Content-Type": "application/json"}
    check_problem(client.post("/things", content=b" " * 70_000, headers=json_type), 413, "too-large")


@pytest.mark.parametrize(("declared", "pieces"), [(b"", 3), (b"10", 3), (b"-1", 3), (b"\xb2", 3), (b"1001", 0)])
def test_size_limit_reads_no_more_than_it_must(app: FastAPI, declared: bytes, pieces: int) -> None:
    """A declared length that is too large is enough to refuse, and one that is not is not believed."""
    import asyncio

    served = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal served
        served += 1
        return {"type": "http.request", "body": b"x" * 400, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/raw/a",
        "raw_path": b"/raw/a",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"text/plain"), *([(b"content-length", declared)] if declared else [])],
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 413
    assert served == pieces


def test_security_headers(client: TestClient) -> None:
    for path in ("/health", "/nowhere", "/raise/unexpected"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
    assert client.get("/cached").headers["cache-control"] == "public, max-age=31536000, immutable"


def test_request_numbers_differ_and_are_ours(client: TestClient) -> None:
    numbers = {client.get("/health", headers={"X-Request-ID": 'evil"}'}).headers["x-request-id"] for _ in range(5)}
    assert len(numbers) == 5
    assert all(len(number) == 16 for number in numbers)


def test_health_says_when_the_service_stops(client: TestClient, app: FastAPI) -> None:
    assert client.get("/health").json() == {"status": "ok", "service": "example"}
    done: list[int] = []
    app.state.stop.on_request(lambda: done.append(1))
    app.state.stop.request("lost")
    app.state.stop.request("later")
    assert app.state.stop.reason == "lost"
    assert done == [1, 1]
    check_problem(client.get("/health"), 503, "unavailable")


def test_metrics_count_routes_never_paths(client: TestClient) -> None:
    client.get("/raise/check?token=abc")
    client.get("/secret-path")
    text = client.get("/metrics").text
    assert 'vemre_requests_total{method="GET",route="/raise/{name}",status="422"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "secret-path" not in text
    assert "abc" not in text


def test_openapi_declares_every_refusal(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status in (400, 404, 405, 409, 413, 415, 422, 429, 500, 503):
                content = operation["responses"][str(status)]["content"]
                assert list(content) == [PROBLEM]
                assert content[PROBLEM]["schema"]["$ref"] == "#/components/schemas/Problem"
    assert {"Problem", "Wording"} <= set(schema["components"]["schemas"])
    assert "HTTPValidationError" not in schema["components"]["schemas"]

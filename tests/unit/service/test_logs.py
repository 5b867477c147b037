"""No secret reaches the technical log, whichever way it comes."""

import io
import json
import logging
from typing import Any

import pytest
import structlog
from fastapi import Request
from starlette.testclient import TestClient

from vemre.service import logs
from vemre.service.app import make_app
from vemre.service.middleware import BodyRule

SECRET = "correct-horse-battery-staple"
CREDENTIAL = "K7QF-2M8T-XW4R-9ZJC-5HVN-0PDB-3SGA"


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("debug", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name",
    ["passphrase", "password", "pin_passcode", "secret", "seed", "access_token", "Authorization", "cookie", "body",
     "credential", "private_key", "key", "share", "totp", "code", "email", "phone", "clave_de_elector", "name"],
)  # fmt: skip
def test_secret_names_are_redacted(stream: io.StringIO, name: str) -> None:
    structlog.get_logger().info("event", **{name: SECRET}, nested={name: [SECRET]})
    assert SECRET not in stream.getvalue()
    assert lines(stream)[0]["event"] == "event"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"bearer {SECRET}",
        f"https://user:{SECRET}@db/vemre",
        f"GET /cast?token={SECRET} HTTP/1.1",
        f"/first#t={SECRET}",
        f"the credential {CREDENTIAL} was typed",
        f"credential {CREDENTIAL.lower()}",
        f"credential {CREDENTIAL.replace('-', ' ')}",
        f"credential {CREDENTIAL.replace('-', '')}",
        f"to {SECRET}@example.org",
    ],
)
def test_secret_texts_are_redacted(stream: io.StringIO, text: str) -> None:
    structlog.get_logger().info("event", finding=text, many=[text], deep={"a": {"b": text}})
    logging.getLogger("library").warning("said %s", text)
    written = stream.getvalue()
    for part in (SECRET, CREDENTIAL, CREDENTIAL.lower(), CREDENTIAL.replace("-", ""), CREDENTIAL.replace("-", " ")):
        assert part not in written
    assert len(lines(stream)) == 2


def test_bytes_and_objects_are_not_shown(stream: io.StringIO) -> None:
    class Holder:
        def __repr__(self) -> str:
            return SECRET

    structlog.get_logger().info("event", data=SECRET.encode(), holder=Holder(), digest="ab" * 32, size=7, flag=True)
    line = lines(stream)[0]
    assert SECRET not in stream.getvalue()
    assert line["data"] == f"[{len(SECRET)} bytes]"
    assert line["holder"] == "[Holder]"
    assert (line["digest"], line["size"], line["flag"]) == ("ab" * 32, 7, True)


def test_long_texts_are_cut(stream: io.StringIO) -> None:
    structlog.get_logger().info("event", finding="y z " * 1000)
    assert len(lines(stream)[0]["finding"]) < 600


@pytest.mark.parametrize("through", ["structlog", "structlog-true", "logging"])
def test_errors_are_logged_by_type_and_place_alone(stream: io.StringIO, through: str) -> None:
    try:
        raise ValueError(f"input was {SECRET}")
    except ValueError as error:
        match through:
            case "structlog":
                structlog.get_logger().error("failed", exc_info=error)
            case "structlog-true":
                structlog.get_logger().exception("failed")
            case _:
                logging.getLogger("library").exception("failed")
    line = lines(stream)[0]
    assert SECRET not in stream.getvalue()
    assert line["error"] == "ValueError"
    assert line["trace"][0].startswith("test_logs.py:")


def test_requests_leave_no_secret_in_the_log(stream: io.StringIO) -> None:
    app = make_app("example", "Example", bodies={"/take/{token}": BodyRule(1000, ("text/plain",))})

    @app.post("/take/{token}")
    async def take(token: str, request: Request) -> None:
        raise RuntimeError(f"{token} {(await request.body())!r} {request.headers['authorization']}")

    with TestClient(app) as client:
        answer = client.post(
            f"/take/{SECRET}?q={SECRET}",
            content=SECRET,
            headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "text/plain", "User-Agent": SECRET},
        )
    assert answer.status_code == 500
    written = lines(stream)
    assert SECRET not in stream.getvalue()
    assert SECRET not in answer.text
    request = next(line for line in written if line["event"] == "request")
    assert request["route"] == "/take/{token}"
    assert request["status"] == 500
    assert request["request_id"] == answer.headers["x-request-id"]
    assert any(line["event"] == "unexpected-error" and line["error"] == "RuntimeError" for line in written)

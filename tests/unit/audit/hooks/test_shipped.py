"""The hooks that come with VeMRE: lines of JSON, and signed requests to receivers of all kinds."""

import hashlib
import hmac
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from audit.hooks import webhook
from audit.hooks.commands import samples
from audit.hooks.document import decode, document, kind_of
from audit.hooks.interface import AuditHook, HookContext, HookError
from audit.hooks.jsonl import JsonLines
from audit.hooks.process import HookDown, HookProcess
from audit.hooks.prometheus import Prometheus
from audit.hooks.settings import HookSetting
from audit.hooks.webhook import Webhook, sign

EVENTS = samples(1_717_000_000)
FINDING = EVENTS[3]
SECRET = b"0123456789abcdef0123456789abcdef"


def context() -> HookContext:
    return HookContext("test", "Auditoría/1", CollectorRegistry())


def tell(hook: AuditHook, *events: Any) -> None:
    for event in events or EVENTS:
        getattr(hook, f"on_{kind_of(event)}")(event)


# --- jsonl ----------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("fsync", [True, False])
def test_jsonl_writes_every_event_as_one_line(fsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path = tmp_path / "events.jsonl"
    tell(JsonLines({"file": str(path), "fsync": fsync}, context()))
    tell(JsonLines({"file": str(path), "fsync": fsync}, context()))
    assert path.stat().st_mode & 0o777 == 0o600
    found = lines(path)
    assert all(isinstance(line.pop("at"), int) for line in found)
    assert [decode(line) for line in found] == EVENTS * 2
    assert len(synced) == (10 if fsync else 0)


def test_jsonl_begins_a_new_file_in_time_and_keeps_as_many_as_told(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    hook = JsonLines({"file": str(path), "max_bytes": 1_000, "keep": 2}, context())
    for _ in range(10):
        tell(hook)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]
    assert all(found.stat().st_size <= 1_000 for found in tmp_path.iterdir())
    kept = [line["event"] for name in (".2", ".1", "") for line in lines(path.with_name(path.name + name))]
    assert kept == ([kind_of(event) for event in EVENTS] * 10)[-len(kept) :]


def test_jsonl_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    process = HookProcess(HookSetting("out", "jsonl", {"file": "-"}), "test/w1")
    assert process.start().error is None
    assert process.deliver(json.dumps(document(FINDING)).encode()).error is None
    process.close(30)
    assert json.loads(capfd.readouterr().out)["event"] == "finding"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"file": 3},
        {"file": "/dev/null", "more": 1},
        {"file": "/dev/null", "keep": 0},
        {"file": "/nonexistent/file"},
        {"file": "/dev/null", "max_bytes": -1},
    ],
)
def test_jsonl_refuses_settings_that_do_not_serve(settings: dict[str, Any]) -> None:
    with pytest.raises(HookError):
        JsonLines(settings, context())


def test_jsonl_writes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(HookError):
        JsonLines({"file": str(tmp_path / "link")}, context())


def test_prometheus_has_no_settings() -> None:
    with pytest.raises(HookError):
        Prometheus({"more": 1}, context())
    tell(Prometheus({}, context()))


# --- webhook --------------------------------------------------------------------------------------------------------

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Receiver:
    """A server that keeps what is posted; `answer` gets the number of the request, from 0."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                number = len(receiver.requests)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.path, headers, body))
                answer(self, number)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/alarm"


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@contextmanager
def receiving(answer: Answer) -> Iterator[Receiver]:
    receiver = Receiver(answer)
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_bytes(SECRET + b"\n")
    return path


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(webhook.time, "sleep", made.append)
    return made


def make(url: str, secret: Path, **more: Any) -> Webhook:
    return Webhook({"url": url, "secret_file": str(secret), **more}, context())


def test_every_event_is_posted_and_signed(secret: Path) -> None:
    with receiving(status(204)) as receiver:
        hook = make(receiver.url, secret)
        tell(hook)
        hook.close()
    assert len(receiver.requests) == len(EVENTS)
    for (path, headers, body), event in zip(receiver.requests, EVENTS, strict=True):
        assert path == "/alarm"
        assert headers["content-type"] == "application/json"
        assert decode(json.loads(body)) == event
        # What the guide tells receivers to do, with nothing but the standard library.
        found = re.fullmatch(r"t=([0-9]+),v1=([0-9a-f]{64})", headers["vemre-signature"])
        assert found is not None
        expected = hmac.new(SECRET, found[1].encode() + b"." + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(expected, found[2])
        assert headers["vemre-delivery"] == hashlib.sha256(body).hexdigest()
        assert SECRET.decode() not in str(headers) + body.decode()


def test_the_signature_is_that_of_the_guide() -> None:
    assert sign(b"0123456789abcdef", 1_717_000_000, b'{"event":"finding"}') == (
        "05b9ffa839122c12068488f4e61179221e85e797edc4c69de1fb23447b08841d"
    )


def test_a_receiver_that_is_busy_is_asked_again(secret: Path, pauses: list[float]) -> None:
    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        status((503, 429, 200)[number], Retry_After=("x", "3", "0")[number])(handler, number)

    with receiving(answer) as receiver:
        hook = make(receiver.url, secret)
        tell(hook, FINDING)
        hook.close()
    assert len(receiver.requests) == 3
    assert len({headers["vemre-delivery"] for _, headers, _ in receiver.requests}) == 1
    assert pauses == [0.5, 3.0]


@pytest.mark.parametrize("wait", ["1", "999999999", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_receiver_that_never_takes_it_is_given_up(wait: str, secret: Path, pauses: list[float]) -> None:
    with receiving(status(503, Retry_After=wait)) as receiver:
        hook = make(receiver.url, secret, attempts=10)
        with pytest.raises(HookError, match=r"^not delivered: HTTP 503$"):
            tell(hook, FINDING)
        hook.close()
    assert len(receiver.requests) == 10
    assert len(pauses) == 9
    assert max(pauses) <= 8


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(code: int, secret: Path, pauses: list[float]) -> None:
    with receiving(status(200)) as other, receiving(status(code, Location=other.url)) as receiver:
        hook = make(receiver.url, secret)
        with pytest.raises(HookError, match=f"HTTP {code}"):
            tell(hook, FINDING)
        hook.close()
    assert len(receiver.requests) == 1
    assert other.requests == []
    assert pauses == []


@pytest.mark.parametrize("code", [400, 401, 404, 410, 422])
def test_a_refusal_is_final(code: int, secret: Path, pauses: list[float]) -> None:
    with receiving(status(code)) as receiver:
        hook = make(receiver.url, secret)
        with pytest.raises(HookError, match=f"HTTP {code}"):
            tell(hook, FINDING)
        hook.close()
    assert len(receiver.requests) == 1


def garbage(handler: BaseHTTPRequestHandler, _number: int) -> None:
    handler.wfile.write(b"\0\xff not HTTP\r\n\r\n")


def silence(handler: BaseHTTPRequestHandler, _number: int) -> None:
    handler.close_connection = True


def stall(handler: BaseHTTPRequestHandler, _number: int) -> None:
    threading.Event().wait(30)


@pytest.mark.parametrize("answer", [garbage, silence, stall])
def test_a_receiver_that_speaks_no_http_is_a_failure(answer: Answer, secret: Path, pauses: list[float]) -> None:
    with receiving(answer) as receiver:
        hook = make(receiver.url, secret, attempts=2, attempt_seconds=0.2)
        with pytest.raises(HookError, match=r"^not delivered: \w+$"):
            tell(hook, FINDING)
        hook.close()
    assert len(receiver.requests) == 2


def test_the_body_of_an_answer_is_not_read(secret: Path) -> None:
    """A receiver that never ends its answer would keep a reader for ever."""

    def endless(handler: BaseHTTPRequestHandler, _number: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            handler.close_connection = True

    with receiving(endless) as receiver:
        hook = make(receiver.url, secret)
        tell(hook, FINDING, FINDING)
        hook.close()
    assert len(receiver.requests) == 2


def test_a_receiver_that_drips_is_ended_with_the_process(secret: Path) -> None:
    """Each step of the network takes its time, and there is no end of them: the hook's own time ends it."""
    dripping = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, _number: int) -> None:
        dripping.set()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for number in range(100_000):
                handler.wfile.write(b"X-%d: x\r\n" % number)
                threading.Event().wait(0.02)
        except OSError:
            handler.close_connection = True

    with receiving(drip) as receiver:
        own = {"url": receiver.url, "secret_file": str(secret)}
        process = HookProcess(HookSetting("slow", "webhook", own, timeout=1.0), "test/w1")
        assert process.start().error is None
        with pytest.raises(HookDown):
            process.deliver(json.dumps(document(FINDING)).encode())
        assert dripping.is_set()
        assert not process.running


@pytest.mark.parametrize(
    "url",
    [
        "http://alarm.example/",
        "http://127.0.0.1.alarm.example/",
        "http://localhost.alarm.example/",
        "http://10.0.0.1/",
        "https://user:secret-text@alarm.example/",
        "ftp://alarm.example/",
        "file:///etc/passwd",
        "https://",
        "//alarm.example/",
        "",
        "https://[::1",
    ],
)
def test_only_https_or_this_machine(url: str, secret: Path) -> None:
    with pytest.raises(HookError) as refused:
        make(url, secret)
    assert "secret-text" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://alarm.example/x", "http://localhost:1/", "http://[::1]:1/", "http://127.8.9.1/"]
)
def test_addresses_that_serve(url: str, secret: Path) -> None:
    make(url, secret).close()


def test_a_secret_that_others_may_read_is_refused(secret: Path, tmp_path: Path) -> None:
    secret.chmod(0o640)
    with pytest.raises(HookError, match="0600"):
        make("https://alarm.example/", secret)
    secret.chmod(0o600)
    for data in (b"short\n", b"x" * 5000):
        secret.write_bytes(data)
        with pytest.raises(HookError, match="a secret has"):
            make("https://alarm.example/", secret)
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(HookError):
            make("https://alarm.example/", path)


@pytest.mark.parametrize("more", [{"attempts": 0}, {"attempts": 11}, {"attempt_seconds": 0}, {"more": 1}, {"url": 1}])
def test_settings_that_do_not_serve(more: dict[str, Any], secret: Path) -> None:
    with pytest.raises(HookError):
        Webhook({"url": "https://alarm.example/", "secret_file": str(secret), **more}, context())

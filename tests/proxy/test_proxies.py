"""The set-ups of docs/proxy, as they are printed, between a client and a service."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Issued, issue

ROOT = Path(__file__).resolve().parents[2]
NAME = "urna.example"
FROM = "127.0.0.3"
PROGRAM = """
import asyncio, hashlib, sys
from pathlib import Path
from fastapi import Request
from starlette.responses import StreamingResponse
from vemre.service.app import make_app
from vemre.service.middleware import BodyRule
from vemre.service.protection import Protection
from vemre.service.serve import serve
from vemre.service.settings import ServiceSettings

settings = ServiceSettings(data_dir=Path(sys.argv[1]), trusted_proxies=("127.0.0.1/32",))
app = make_app("example", "Example", bodies={"/digest": BodyRule(64 << 20)}, protection=Protection.of(settings))
go_on = asyncio.Event()

@app.get("/who")
def who(request: Request) -> dict[str, str]:
    return {"client": request.client.host, "scheme": request.url.scheme, "base": str(request.base_url)}

@app.post("/digest")
async def digest(request: Request) -> str:
    return hashlib.sha256(await request.body()).hexdigest()

@app.get("/stream")
async def stream() -> StreamingResponse:
    async def parts():
        yield b"first\\n"
        await go_on.wait()
        yield b"second\\n"
    # As a witness's /events says it.
    return StreamingResponse(parts(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

@app.post("/go-on")
async def release() -> None:
    go_on.set()

sys.exit(serve(lambda: app, settings))
"""


@dataclass
class Proxied:
    """A service behind a proxy that listens at `https` (and at `http`, for those who forget)."""

    https: int
    http: int
    issued: Issued

    def connect(self) -> http.client.HTTPConnection:
        """A connection that trusts the proxy's authority, from an address of its own."""
        context = ssl.create_default_context(cafile=str(self.issued.authority))
        raw = socket.create_connection(("127.0.0.1", self.https), timeout=60, source_address=(FROM, 0))
        connection = http.client.HTTPConnection(NAME, timeout=60)
        connection.sock = context.wrap_socket(raw, server_hostname=NAME)
        return connection

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Host": NAME, **(headers or {})})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def process(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, text=True, **options) as child:  # type: ignore[call-overload]
        try:
            yield child
        finally:
            child.terminate()
            child.wait(timeout=60)


def nginx(text: str, folder: Path, service: int, issued: Issued, https: int, plain: int) -> list[str]:
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
        "    listen [::]:443 ssl;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "    listen [::]:80;\n": "",
        "/etc/vemre/tls/certificate.pem": str(issued.certificate),
        "/etc/vemre/tls/key.pem": str(issued.key),
        "/var/log/nginx": str(folder),
        "127.0.0.1:7802": f"127.0.0.1:{service}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{text}}}\n"
    )
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    return [shutil.which("nginx", path=path) or "nginx", "-p", str(folder), "-e", f"{folder}/e.log", "-c", str(config)]


def caddy(text: str, folder: Path, service: int, issued: Issued, https: int, plain: int) -> list[str]:
    changes = {
        "\tservers {": f"\tadmin off\n\thttps_port {https}\n\thttp_port {plain}\n\tservers {{",
        "/etc/vemre/tls/certificate.pem": str(issued.certificate),
        "/etc/vemre/tls/key.pem": str(issued.key),
        "127.0.0.1:7802": f"127.0.0.1:{service}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    config = folder / "Caddyfile"
    config.write_text(text)
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


PROXIES: dict[str, tuple[str, Callable[..., list[str]]]] = {
    "nginx": ("nginx.conf", nginx),
    "caddy": ("Caddyfile", caddy),
}


@pytest.fixture(scope="module", params=PROXIES)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp(request.param)
    issued = issue(folder / "tls", NAME)
    file, configure = PROXIES[request.param]
    with ExitStack() as stack:
        service = stack.enter_context(
            process(sys.executable, "-c", PROGRAM, str(folder / "data"), stdout=subprocess.PIPE)
        )
        assert service.stdout is not None
        port = json.loads(service.stdout.readline())["port"]
        found = Proxied(free_port(), free_port(), issued)
        text = (ROOT / "docs" / "proxy" / file).read_text()
        command = configure(text, folder, port, issued, found.https, found.http)
        said = stack.enter_context(open(folder / "said", "wb"))
        environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        running = stack.enter_context(process(*command, stdout=said, stderr=said, env=environment))
        end = time.monotonic() + 60
        while True:
            try:
                found.connect().close()
                break
            except OSError:
                logs = b"\n".join(path.read_bytes() for path in folder.glob("*") if path.is_file())
                assert running.poll() is None, logs.decode(errors="replace")
                assert time.monotonic() < end, logs.decode(errors="replace")
                time.sleep(0.05)
        yield found


def test_service_knows_who_asks_and_that_it_was_by_https(proxied: Proxied) -> None:
    answer, data = proxied.ask("GET", "/who")
    assert json.loads(data) == {"client": FROM, "scheme": "https", "base": f"https://{NAME}/"}
    assert answer.getheader("Strict-Transport-Security") == "max-age=31536000"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.1"},
        {"X-Forwarded-For": "203.0.113.1, 127.0.0.1", "X-Forwarded-Proto": "http"},
        {"Forwarded": "for=203.0.113.1;proto=http", "X-Real-IP": "203.0.113.1"},
    ],
)
def test_forged_headers_change_nothing(proxied: Proxied, headers: dict[str, str]) -> None:
    _, data = proxied.ask("GET", "/who", headers=headers)
    found = json.loads(data)
    assert (found["client"], found["scheme"]) == (FROM, "https")


def test_answers_are_what_the_service_said(proxied: Proxied) -> None:
    answer, data = proxied.ask("GET", "/nowhere")
    assert answer.status == 404
    assert answer.getheader("Content-Type") == "application/problem+json"
    assert json.loads(data)["code"] == "not-found"
    assert answer.getheader("Cache-Control") == "no-store"
    assert str(answer.getheader("Content-Security-Policy")).startswith("default-src 'none'")
    assert answer.getheader("Content-Encoding") is None


def test_large_bodies_arrive_whole(proxied: Proxied) -> None:
    import hashlib

    body = os.urandom(1 << 20) * 16
    _, data = proxied.ask("POST", "/digest", body, {"Content-Type": "application/json"})
    assert json.loads(data) == hashlib.sha256(body).hexdigest()


def test_stream_is_passed_on_as_it_is_sent(proxied: Proxied) -> None:
    connection = proxied.connect()
    try:
        connection.request("GET", "/stream", headers={"Host": NAME})
        answer = connection.getresponse()
        assert answer.readline() == b"first\n"
        proxied.ask("POST", "/go-on")
        assert answer.read() == b"second\n"
    finally:
        connection.close()


def test_plain_http_is_sent_to_https(proxied: Proxied) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxied.http, timeout=60)
    connection.request("GET", "/who?x=1", headers={"Host": NAME})
    answer = connection.getresponse()
    assert answer.status == 308
    assert str(answer.getheader("Location")).startswith(f"https://{NAME}")
    connection.close()

"""Whatever bytes come over the wire, the service answers and is not at fault: no 500, nothing of its insides, and the
next request is served. What no client library would send is written by hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from fuzz_targets import STARTED, Target

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get")
ENDLESS: Final = {"/events"}
"""Streams, which have no answer to wait for the end of."""
NO_FAULT: Final = {503}
PARTS: Final = (
    "%00", "%ff%fe", "%c0%ae%c0%ae", "..%2f..%2fetc%2fpasswd", "%2e%2e", "9" * 400, "-1", "1e999", "0x10",
    "%F0%9F%97%B3", "\u0000", "%", "%zz", ";", "a" * 4000, "x001/000", "000.p/0", "0" * 64, "%0d%0aSet-Cookie:%20a=b",
)  # fmt: skip
BODIES: Final = {
    "nothing": b"",
    "not JSON": b"{",
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 20_000 + b"]" * 20_000,
    "deep object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "giant number": b'{"size":' + b"9" * 10_000 + b"}",
    "giant exponent": b'{"size":1e999999,"folio":-1E+400}',
    "NaN": b'{"size":NaN,"a":Infinity}',
    "broken UTF-8": b'{"text":"\xff\xfe\xc3"}',
    "lone surrogate": b'{"text":"\\ud800","user":"\\udfff","password":"\\ud800\\ud800"}',
    "zero": b'{"user":"a\\u0000b","password":"\\u0000","token":"\\u0000","folio":"\\u0000"}',
    "twice": b'{"user":"a","user":"b"}',
    "byte order": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "list": b"[]",
    "null": b"null",
    "text": b'"x"',
    "long": b'{"text":"' + b"x" * 60_000 + b'"}',
    "many": json.dumps({f"k{k}": k for k in range(5000)}).encode(),
    "form": b"a=%ff&b=%00&a=%zz&=&&csrf=" + b"%41" * 300,
}
TYPES: Final = (
    b"application/json", b"application/json; charset=utf-16", b"application/x-www-form-urlencoded", b"text/csv",
    b"application/vnd.vemre.submission", b"multipart/form-data", b"multipart/form-data; boundary=\xff",
    b"", b"\xff/\xfe", b"application/json, text/html", b"a" * 4000,
)  # fmt: skip
HEADERS: Final = (
    b"Cookie: " + b"__Host-vemre=" + b"a" * 6000,
    b"Cookie: __Host-vemre=\xff\xfe; __Host-registro=%00; =; ;;; a",
    b"Cookie: " + b"; ".join(b"c%d=1" % k for k in range(400)),
    b"Cookie: __Host-vemre=a\r\nCookie: __Host-vemre=b",
    b"Authorization: Bearer \xff\xfe\xfd",
    b"Authorization: Bearer a\r\nAuthorization: Bearer b",
    b"Authorization: Basic " + b"=" * 900,
    b"Authorization:",
    b"Accept: \xff\xfe;q=\xff, text/html;q=nan, */*;q=1e999",
    b"Accept-Language: " + b"es-MX;q=0.00000001," * 150,
    b"Accept-Language: \xc3\xb1;q=\xff",
    b"Accept-Encoding: gzip;q=abc, \x80",
    b"If-None-Match: " + b'"' * 999,
    b"Range: bytes=9999999999999999999999-, -1, x",
    b"Host: \xff\xff",
    b"Host: a@b:99999999/../",
    b"X-Forwarded-For: " + b"::1, " * 300,
    b"X-Forwarded-For: \xff, 999.999.999.999, [::",
    b"X-Forwarded-Proto: \xff\r\nForwarded: for=\xff;;;",
    b"X-Request-Id: \xff\x80" + b"x" * 3000,
    b"Origin: null\r\nOrigin: \xff",
    b"X-VeMRE: \xff",
    b"Last-Event-ID: \xff-99999999999999999999999",
    b"Expect: 100-continue\r\nX: 1",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x",
    b"Connection: \xff, close",
)
WHOLE: Final = {
    "nothing at all": b"\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "HTTP/1.0 without a host": b"GET /health HTTP/1.0\r\n\r\n",
    "HTTP/1.1 without a host": b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
    "HTTP/9.9": b"GET /health HTTP/9.9\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "absolute": b"GET http://elsewhere.example/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "absolute with a port that is none": b"GET http://a:99999999/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "authority": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "no slash": b"GET health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "zero in the path": b"GET /a\x00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "zero in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\nConnection: close\r\n\r\n",
    "a long path": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "a long query": b"GET /?" + b"a=%ff&" * 3000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 3000 + b"Connection: close\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nConnection: close\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
    "two lengths": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\n",
    "negative length": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "endless length": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "length that is none": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd",
    "chunk that is none": b"POST /records HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
    "endless chunk": b"POST /records HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"ffffffffffffffffff\r\nab\r\n",
    "chunks of one": b"POST /session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"1\r\n{\r\n" * 500 + b"0\r\n\r\n",
    "trailers": b"POST /session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"2\r\n{}\r\n0\r\nX-VeMRE: 1\r\nContent-Length: 9\r\n\r\n",
    "strange coding": b"POST /session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, x\r\nConnection: close\r\n\r\n",
    "cut off": b"POST /records HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
    "two at once": b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    + b"GET /\xff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
}


@pytest.fixture(scope="module", params=list(STARTED))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with ExitStack() as stack:
        yield STARTED[request.param](stack, tmp_path_factory.mktemp(request.param))


def exchange(target: Target, data: bytes, patience: float = 30) -> bytes:
    """What comes back before the server closes, or says nothing for so many seconds."""
    address = urlsplit(target.url)
    with socket.create_connection((address.hostname, address.port), timeout=patience) as connection:
        answer = b""
        try:
            connection.sendall(data)
            while len(answer) < 4 << 20 and (more := connection.recv(65536)):
                answer += more
        except OSError:
            pass  # It has refused already, or waits for the rest.
        return answer


def judge(what: Any, answer: bytes) -> int:
    """The status, 0 for a connection that was closed without one. Fails for what is the service's own fault."""
    assert b"Traceback" not in answer, what
    if not answer:
        return 0
    first, _, rest = answer.partition(b"\r\n")
    version, status, *_ = first.split(b" ")
    assert version.startswith(b"HTTP/1."), (what, first)
    assert int(status) < 500 or int(status) in NO_FAULT, (what, answer[:2000])
    assert b"\r\nset-cookie: a=b" not in rest.lower(), what
    return int(status)


def ask(method: str, path: str, headers: bytes = b"", body: bytes = b"", kind: bytes = b"application/json") -> bytes:
    """A request that is well formed but for what a test puts into it."""
    length = b"Content-Type: %b\r\nContent-Length: %d\r\n" % (kind, len(body)) if body else b""
    lines = b"%b %b HTTP/1.1\r\nHost: a\r\n" % (method.encode(), path.encode("latin-1"))
    return lines + length + (headers + b"\r\n" if headers else b"") + b"Connection: close\r\n\r\n" + body


def operations(target: Target) -> list[tuple[str, str]]:
    """Method and path of everything that the service has, streams left out."""
    return [one for one in target.routes if one[1] not in ENDLESS]


def filled(path: str, part: str) -> str:
    """The path with `part` in the place of each parameter."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + part + rest.partition("}")[2]
    return path


def still_there(target: Target) -> None:
    assert judge("afterwards", exchange(target, ask("GET", "/health"))) in (200, 404, 503)


def test_what_is_no_request(target: Target) -> None:
    for name, data in WHOLE.items():
        judge(name, exchange(target, data, patience=1))
    still_there(target)


def test_every_path_by_every_method(target: Target) -> None:
    for _, path in operations(target):
        for method in METHODS:
            place = filled(path, "0")
            assert judge((method, place), exchange(target, ask(method, place))), (method, place)
    still_there(target)


@pytest.mark.slow
def test_every_path_with_strange_parts_and_queries(target: Target) -> None:
    for method, path in operations(target):
        for part in PARTS:
            written = part.replace("\0", "%00")
            for place in {filled(path, written), f"{filled(path, '0')}?size={written}&{written}=1&desde={written}"}:
                judge((method, place), exchange(target, ask(method, place)))
    still_there(target)


@pytest.mark.slow
def test_every_operation_with_strange_bodies(target: Target) -> None:
    tokens = [b"", *(f"Authorization: {one['Authorization']}".encode() for one in target.headers)]
    for method, path in operations(target):
        if method in ("GET", "HEAD"):
            continue
        for name, body in BODIES.items():
            for token in tokens:
                request = ask(method, filled(path, "0" * 32), token, body)
                judge((method, path, name), exchange(target, request))
        for kind in TYPES:
            judge((method, path, kind), exchange(target, ask(method, filled(path, "0"), tokens[-1], b"{}", kind)))
    still_there(target)


@pytest.mark.slow
def test_every_operation_with_strange_headers(target: Target) -> None:
    for method, path in operations(target):
        for header in HEADERS:
            body = b"" if method in ("GET", "HEAD") else b"{}"
            judge((method, path, header), exchange(target, ask(method, filled(path, "0"), header, body)))
    still_there(target)

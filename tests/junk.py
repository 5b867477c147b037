"""Requests that nobody should send, for any application."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from starlette.testclient import TestClient

METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"])
TYPES = st.sampled_from(
    ["application/json", "text/csv", "text/plain", "application/vnd.vemre.submission", "", "x", "application/json;;="]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#?"), max_size=40
) | st.sampled_from(
    ["..", "%2e%2e", "%00", "%ff", "0" * 64, "x001/000", "entries/000.p/1", "0/x999/999", "%f0%9f%97%b3", "-1", "0x1"]
)


@st.composite
def requests(draw: st.DrawFn, paths: Sequence[str], tokens: Sequence[str], bodies: Sequence[bytes]) -> dict[str, Any]:
    """A request to one of `paths` (``METHOD /path``, with ``{}`` for junk), mostly with its method, or to none."""
    place = draw(st.sampled_from(paths) | st.sampled_from(["GET /{}", "GET //", "GET /openapi.json", "POST /{}/{}"]))
    usual_method, _, path = place.partition(" ")
    method = draw(st.just(usual_method) | st.just(usual_method) | METHODS)
    while "{}" in path:
        path = path.replace("{}", draw(PIECES), 1)
    query = draw(st.sampled_from(["", "?size={}", "?{}", "?size=1&size={}"]))
    while "{}" in query:
        query = query.replace("{}", draw(PIECES), 1)
    body = draw(st.binary(max_size=200) | JSON.map(_encode) | st.sampled_from([*bodies, b""]).flatmap(_mutated))
    token = draw(
        st.sampled_from(tokens)
        | st.sampled_from(["", "x", "\xe9" * 3])
        | st.text(st.characters(codec="latin-1"), max_size=30)
    )
    usual = {"/records": "application/vnd.vemre.submission", "/official/roll-import": "text/csv"}
    kind = draw(st.just(usual.get(path, "application/json")) | TYPES)
    headers = {"Content-Type": kind.encode(), "Authorization": b"Bearer " + token.encode("latin-1", "ignore")}
    headers = {
        name: value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"") for name, value in headers.items()
    }
    return {"method": method, "url": f"http://testserver{path}{query}", "content": body, "headers": headers}


def send(client: TestClient, request: dict[str, Any]) -> Any:
    """The answer; whatever the request is, the service answers it and is not at fault."""
    answer = client.request(**request)
    assert answer.status_code < 500 or answer.status_code == 503, f"{request['method']} {request['url']}: {answer.text}"
    # A page that cannot be shown is answered with a page.
    page = answer.headers.get("content-type", "").startswith("text/html")
    if answer.status_code >= 400 and request["method"] != "HEAD" and not page:
        document = answer.json()
        assert document["code"]
        assert document["es"]["next"]
        assert "Traceback" not in answer.text
    return answer


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def _mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes as they are, cut off, or with one of them changed."""
    cut = st.integers(0, len(data)).map(lambda end: data[:end])
    place = st.tuples(st.integers(0, max(0, len(data) - 1)), st.binary(min_size=1, max_size=1))
    return st.just(data) | cut | place.map(lambda found: data[: found[0]] + found[1] + data[found[0] + 1 :])

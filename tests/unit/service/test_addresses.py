"""Who is believed about where a request comes from."""

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from vemre.service.addresses import networks, parse_address
from vemre.service.app import make_app
from vemre.service.protection import Protection

PROXIES = ("10.0.0.0/24", "10.9.9.9/32", "fd00::/64")


def make(trusted: tuple[str, ...] = PROXIES) -> FastAPI:
    app = make_app("example", "Example", protection=Protection(trusted=networks(trusted)))

    @app.get("/who")
    async def who(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"client": request.client.host, "scheme": request.url.scheme}

    return app


APP = make()


def ask(peer: str, *headers: tuple[str, str], app: FastAPI = APP) -> dict[str, str]:
    found: dict[str, str] = TestClient(app, client=(peer, 1)).get("/who", headers=list(headers)).json()
    return found


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        # Nobody is believed who is no trusted proxy.
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.1.1", "198.51.100.1", "10.0.1.1"),
        # A trusted one is, for the address that it added.
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "10.0.0.7, 198.51.100.1", "198.51.100.1"),
        # A chain of trusted ones.
        ("10.0.0.5", "1.2.3.4, 198.51.100.1, 10.9.9.9, 10.0.0.6", "198.51.100.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.5", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.5", "[2001:db8::7]:443", "2001:db8::7"),
        # What cannot be read ends the chain.
        ("10.0.0.5", "198.51.100.1, unknown", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.1, unknown, 10.0.0.6", "10.0.0.6"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "1.2.3.4," * 500 + "198.51.100.1", "198.51.100.1"),
    ],
)
def test_client(peer: str, forwarded: str, client: str) -> None:
    assert ask(peer, ("X-Forwarded-For", forwarded))["client"] == client


def test_several_headers_are_one_list() -> None:
    headers = (("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "198.51.100.1"))
    assert ask("10.0.0.5", *headers)["client"] == "198.51.100.1"
    assert ask("10.0.0.5", *reversed(headers))["client"] == "1.2.3.4"


def test_scheme_is_what_the_nearest_proxy_says() -> None:
    assert ask("10.0.0.5", ("X-Forwarded-Proto", "https"))["scheme"] == "https"
    assert ask("10.0.0.5", ("X-Forwarded-Proto", "https, http"))["scheme"] == "http"
    assert ask("10.0.0.5", ("X-Forwarded-Proto", "gopher"))["scheme"] == "http"
    assert ask("203.0.113.9", ("X-Forwarded-Proto", "https"))["scheme"] == "http"


def test_hsts_goes_with_https_alone() -> None:
    app, https = make(), ("X-Forwarded-Proto", "https")

    def hsts(peer: str, *headers: tuple[str, str], host: str = "urna.example") -> str | None:
        client = TestClient(app, client=(peer, 1), base_url=f"http://{host}")
        found = client.get("/who", headers=list(headers)).headers.get("strict-transport-security")
        refused = client.get("/nowhere", headers=list(headers)).headers.get("strict-transport-security")
        assert refused == found
        return found

    assert hsts("10.0.0.5", https) == "max-age=31536000"
    assert hsts("10.0.0.5") is None
    assert hsts("203.0.113.9", https) is None
    # What a person runs on an own machine is not bound by what VeMRE says.
    assert hsts("10.0.0.5", https, host="localhost:7802") is None


@given(
    st.ip_addresses().map(str),
    st.lists(
        st.sampled_from(["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP"]).flatmap(
            lambda name: st.tuples(st.just(name), st.text(st.characters(min_codepoint=32, max_codepoint=126)))
        ),
        max_size=4,
    ),
)
def test_forged_headers_change_nothing(peer: str, headers: list[tuple[str, str]]) -> None:
    app = make(())
    assert ask(peer, *headers, app=app) == ask(peer, app=app)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = parse_address(text)
    assert found is None or parse_address(str(found)) == found

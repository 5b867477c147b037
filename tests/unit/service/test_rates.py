"""How often one address may ask, in a manual time."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from vemre.errors import Refused
from vemre.service import rates
from vemre.service.addresses import networks
from vemre.service.app import make_app
from vemre.service.protection import Protection
from vemre.service.rates import Counters, Limiter, class_of, counted_as, parse_address, parse_limits


class Time:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def client_at(address: str, app: Any) -> TestClient:
    return TestClient(app, client=(address, 50_000))


def limited(**limits: str) -> Any:
    app = make_app("example", "Example", protection=Protection(limits=parse_limits(limits)))

    @app.post("/session")
    async def session() -> None:
        return None

    @app.get("/page")
    async def page() -> None:
        return None

    return app


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/log/tile/0/000", "read"),
        ("GET", "/session", "read"),
        ("POST", "/session/code", "sign-in"),
        ("POST", "/access/begin", "sign-in"),
        ("DELETE", "/session", "sign-in"),
        ("POST", "/solicitudes", "apply"),
        ("POST", "/registro/solicitud", "apply"),
        ("POST", "/registro/entrar", "sign-in"),
        ("POST", "/personal/entrar", "sign-in"),
        ("POST", "/personal/solicitudes/1/aceptar", "official"),
        ("POST", "/ballots", "ballot"),
        ("POST", "/official/close", "official"),
        ("POST", "/records", "write"),
        ("BREW", "/ballots", "ballot"),
        ("GET", "/health", None),
    ],
)
def test_every_request_has_a_class(method: str, path: str, name: str | None) -> None:
    assert class_of(method, path) == name


def test_one_address_is_stopped_and_no_other() -> None:
    app = limited(**{"sign-in": "3/minute"})
    first, second = client_at("203.0.113.7", app), client_at("203.0.113.8", app)
    answers = [first.post("/session") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "too-many-requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"sign-in";q=3;w=60'
    assert refused.headers["ratelimit"].startswith('"sign-in";r=0;t=')
    assert answers[0].headers["ratelimit"].startswith('"sign-in";r=2;t=')
    assert second.post("/session").status_code == 200
    # Whoever may not sign in may still read, and no reader's answer speaks of limits.
    page = first.get("/page")
    assert page.status_code == 200
    assert "ratelimit" not in page.headers


def test_all_of_a_household_counts_as_one() -> None:
    app = limited(**{"sign-in": "1/minute"})
    assert client_at("2001:db8:1:2::1", app).post("/session").status_code == 200
    assert client_at("2001:db8:1:2:ffff::9", app).post("/session").status_code == 429
    assert client_at("2001:db8:1:3::1", app).post("/session").status_code == 200
    mapped, plain = parse_address("::ffff:203.0.113.7"), parse_address("203.0.113.7")
    assert mapped is not None and plain is not None and counted_as(mapped) == counted_as(plain)  # noqa: PT018


def test_loopback_is_not_counted_unless_told() -> None:
    app = limited(**{"sign-in": "1/minute"})
    local = client_at("127.0.0.1", app)
    assert [local.post("/session").status_code for _ in range(3)] == [200] * 3
    assert "ratelimit" not in local.post("/session").headers


def test_window_ends_and_the_longer_one_goes_on() -> None:
    time = Time()
    limiter = Limiter(parse_limits({"sign-in": "2/minute;3/hour"}), time)
    passed = lambda: all(standing.passed for standing in limiter.hit("sign-in", "x"))  # noqa: E731
    assert [passed() for _ in range(3)] == [True, True, False]
    time.now += 61
    # The third was counted by the hour, too.
    assert not passed()
    assert limiter.hit("sign-in", "x")[1].reset == 3600 - 61
    time.now += 3600
    assert passed()


def test_counters_are_bounded() -> None:
    counters = Counters(Time(), size=100)
    for number in range(1000):
        counters.incr(f"address-{number}", 60)
    assert counters.reset() == 100


def test_an_empty_limit_is_none_and_an_unknown_one_is_refused() -> None:
    app = limited(**{"sign-in": ""})
    client = client_at("203.0.113.7", app)
    assert {client.post("/session").status_code for _ in range(400)} == {200}
    for wrong in ({"sing-in": "1/minute"}, {"sign-in": "one a day"}):
        with pytest.raises(ValueError):
            parse_limits(wrong)


def test_settings_that_make_no_sense_are_named(tmp_path: Any) -> None:
    from vemre.service.settings import ServiceSettings

    for name, value in (
        ("trusted_proxies", ("10.0.0.1/8",)),
        ("rate_limit_exempt", ("here",)),
        ("rate_limits", {"sign-in": "?"}),
    ):
        settings = ServiceSettings(data_dir=tmp_path, **{name: value})
        with pytest.raises(Refused) as refused:
            Protection.of(settings)
        assert refused.value.params["fields"] == name


def test_voters_of_a_consulate_get_through() -> None:
    """Seventy people in one minute behind one address: each with a mistake, both steps of signing in, and a ballot."""
    limiter = Limiter(parse_limits({}), Time())
    for _ in range(70):
        for name in ("read",) * 20 + ("sign-in",) * 4 + ("ballot",) * 2:
            assert all(standing.passed for standing in limiter.hit(name, "203.0.113.7"))


def test_too_many_at_once_are_told_to_come_again() -> None:
    import asyncio

    async def scenario() -> list[int]:
        release = asyncio.Event()
        statuses: list[int] = []

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await release.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        guarded = rates.RateLimits(slow, Limiter(parse_limits({})), networks(["::1/128"]), at_once=2)

        async def ask(path: str = "/page") -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": None, "query_string": b""}
            await guarded(scope, None, send)  # type: ignore[arg-type]

        held = [asyncio.create_task(ask()) for _ in range(2)]
        await asyncio.sleep(0)
        await ask()
        health = asyncio.create_task(ask("/health"))
        release.set()
        await asyncio.gather(*held, health)
        await ask()
        return statuses

    assert asyncio.run(scenario()) == [503, 200, 200, 200, 200]

"""How often one address may ask for what, and how many requests are worked on at once.

Addresses are counted singly, of IPv6 by /64, since that is what one household or one attacker has. Reading is all but
free, so that auditors catch up and pages load; what costs, or could be guessed at, is counted strictly, and still so
that the voters of a whole consulate behind one address get through (docs/deployment-https.md has the sums).
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from limits import RateLimitItem, parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vemre import messages
from vemre.service import problems
from vemre.service.addresses import Address, Network, contains, parse_address

DEFAULTS: Final[Mapping[str, str]] = {
    "read": "2000/10 second",
    "sign-in": "300/minute;6000/hour",
    "apply": "60/minute;600/hour",
    "ballot": "240/minute",
    "official": "1200/minute",
    "write": "600/minute",
}
"""Limits by class: `sign-in` is what opens an account or a session, `apply` what an applicant or a party sends,
`ballot` a ballot, `official` what officials send with their token, `read` every GET, `write` everything else."""
MAX_COUNTERS: Final = 65_536
"""How many counters are kept, about 20 MB; those that end first make place."""

_UNCOUNTED: Final = frozenset({"/health", "/metrics"})
_WRITING: Final = (
    ("/session", "sign-in"),
    ("/access", "sign-in"),
    ("/registro/entrar", "sign-in"),
    ("/personal/entrar", "sign-in"),
    ("/representaciones/entrar", "sign-in"),
    ("/solicitudes", "apply"),
    ("/registro", "apply"),
    ("/partidos", "apply"),
    ("/representaciones", "apply"),
    ("/ballots", "ballot"),
    ("/official", "official"),
    ("/personal", "official"),
)


def class_of(method: str, path: str) -> str | None:
    """Which limit a request counts for; None for what operators ask."""
    if path in _UNCOUNTED:
        return None
    if method in ("GET", "HEAD", "OPTIONS"):
        return "read"
    return next((name for prefix, name in _WRITING if path.startswith(prefix)), "write")


def counted_as(address: Address) -> str:
    """What the requests of an address are counted under."""
    return f"{address.exploded[:19]}::/64" if isinstance(address, IPv6Address) else str(address)


class Counters(Storage):
    """Counters of fixed windows in memory, at most `size` of them. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.time, size: int = MAX_COUNTERS) -> None:
        super().__init__()
        self._clock = clock
        self._size = size
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """See `limits`. A counter begins with its first request."""
        now = self._clock()
        count, end = self._counts.get(key, (0, 0.0))
        if end <= now:
            self._counts.pop(key, None)
            self._make_place()
            count, end = 0, now + expiry
        self._counts[key] = (count + amount, end)
        return count + amount

    def _make_place(self) -> None:
        """The oldest counters end first, but for those of longer windows, which begin anew if they are dropped."""
        while len(self._counts) >= self._size:
            self._counts.popitem(last=False)

    def get(self, key: str) -> int:
        """See `limits`."""
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """See `limits`."""
        _, end = self._counts.get(key, (0, 0.0))
        return max(end, self._clock())

    def check(self) -> bool:
        """See `limits`."""
        return True

    def reset(self) -> int:
        """See `limits`."""
        size = len(self._counts)
        self._counts.clear()
        return size

    def clear(self, key: str) -> None:
        """See `limits`."""
        self._counts.pop(key, None)

    @property
    def base_exceptions(self) -> type[Exception]:
        """See `limits`."""
        return ValueError


@dataclass(frozen=True)
class Standing:
    """How an address stands under one limit: `remaining` requests for the next `reset` seconds."""

    name: str
    limit: RateLimitItem
    remaining: int
    reset: int
    passed: bool

    @property
    def policy(self) -> str:
        """As RateLimit-Policy says it."""
        return f'"{self.name}";q={self.limit.amount};w={self.limit.get_expiry()}'

    @property
    def state(self) -> str:
        """As RateLimit says it."""
        return f'"{self.name}";r={self.remaining};t={self.reset}'


def parse_limits(texts: Mapping[str, str]) -> dict[str, tuple[RateLimitItem, ...]]:
    """The limits of every class: the given ones over `DEFAULTS`; an empty text is no limit. Raises ValueError."""
    unknown = set(texts) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"no such limit: {', '.join(sorted(unknown))}")
    return {name: tuple(parse_many(text)) if text else () for name, text in {**DEFAULTS, **texts}.items()}


class Limiter:
    """Counts requests. For one event loop."""

    def __init__(self, limits: Mapping[str, Sequence[RateLimitItem]], clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._strategy = FixedWindowRateLimiter(Counters(clock))

    def hit(self, name: str, client: str) -> list[Standing]:
        """Count a request of a class; gives how the address stands under each of its limits."""
        found = []
        for place, limit in enumerate(self._limits[name]):
            passed = self._strategy.hit(limit, name, client)
            stats = self._strategy.get_window_stats(limit, name, client)
            reset = max(1, math.ceil(stats.reset_time - self._clock()))
            found.append(Standing(f"{name}-{place + 1}" if place else name, limit, stats.remaining, reset, passed))
        return found


class RateLimits:
    """Answers 429 to an address that asks too often, and 503 while too many requests are worked on.

    Every answer but to readers says how the address stands (draft-ietf-httpapi-ratelimit-headers-10): readers' answers
    may be kept by caches, where it would be somebody else's. `exempt` addresses are not counted.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, exempt: Sequence[Network], at_once: int) -> None:
        self._app = app
        self._limiter = limiter
        self._exempt = exempt
        self._at_once = at_once
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = class_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if name is None:
            await self._app(scope, receive, send)
            return
        if self._active >= self._at_once:
            await problems.respond(Request(scope), messages.problem("unavailable"))(scope, receive, send)
            return
        standings = self._count(name, scope)
        late = [standing for standing in standings if not standing.passed]
        if late:
            worst = max(late, key=lambda standing: standing.reset)
            headers = {"Retry-After": str(worst.reset), **_headers(standings, worst)}
            problem = messages.problem("too-many-requests")
            await problems.respond(Request(scope), problem, headers=headers)(scope, receive, send)
            return
        if standings and name != "read":
            send = _telling(send, _headers(standings, min(standings, key=lambda standing: standing.remaining)))
        self._active += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._active -= 1

    def _count(self, name: str, scope: Scope) -> list[Standing]:
        """Who has no address is in this process, and who is exempt is not counted either."""
        address = parse_address(scope["client"][0]) if scope.get("client") else None
        if address is None or contains(self._exempt, address):
            return []
        return self._limiter.hit(name, counted_as(address))


def _headers(standings: Sequence[Standing], nearest: Standing) -> dict[str, str]:
    return {
        "RateLimit-Policy": ", ".join(standing.policy for standing in standings),
        "RateLimit": nearest.state,
    }


def _telling(send: Send, told: Mapping[str, str]) -> Send:
    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in told.items():
                headers.setdefault(name, value)
        await send(message)

    return telling

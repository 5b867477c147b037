"""Where a request comes from: the address of the client, also behind a reverse proxy that is trusted.

Only a peer whose address lies in a trusted network is believed, and only for what it added itself: the right-most
address of X-Forwarded-For that is none of a trusted proxy is the client's, and the last X-Forwarded-Proto is the
scheme. Whoever else sends such headers changes nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MAX_FORWARDED: Final = 1024


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as settings name them (``10.1.0.0/16``, ``::1``). Raises ValueError, also for one with host bits."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def parse_address(text: str) -> Address | None:
    """An address, also with a port or in brackets, as proxies write it; IPv4 within IPv6 is IPv4."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def contains(trusted: Sequence[Network], address: Address | None) -> bool:
    """Whether an address lies in one of the networks."""
    return address is not None and any(address in network for network in trusted)


class Forwarding:
    """Sets client and scheme of every request, for everybody behind it, and HSTS on what is answered by HTTPS.

    `trusted` are the proxies; `hsts` how many seconds browsers are to insist on HTTPS (0: nothing is said). A name that
    ends with ``localhost`` is never told: it is shared by everything that runs on a person's machine.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network] = (), hsts: int = 0) -> None:
        self._app = app
        self._trusted = trusted
        self._hsts = f"max-age={hsts}" if hsts else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._resolve(scope)
            if self._hsts and scope.get("scheme") == "https" and not _is_localhost(scope):
                send = self._strict(send)
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope) -> None:
        peer = scope.get("client") or ("", 0)
        address = parse_address(peer[0])
        if address is None:
            return
        if contains(self._trusted, address):
            headers = Headers(scope=scope)
            hops = ",".join(headers.getlist("x-forwarded-for"))[-_MAX_FORWARDED:].split(",")
            address = self._nearest(address, hops)
            protocol = ",".join(headers.getlist("x-forwarded-proto"))[-_MAX_FORWARDED:].split(",")[-1].strip().lower()
            if protocol in ("http", "https"):
                scope["scheme"] = protocol
        scope["client"] = (str(address), 0 if str(address) != peer[0] else peer[1])

    def _nearest(self, peer: Address, hops: Sequence[str]) -> Address:
        """The first address from the right that is no trusted proxy; the last proxy before what cannot be read."""
        nearest = peer
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is None:
                return nearest
            nearest = address
            if not contains(self._trusted, address):
                return nearest
        return nearest

    def _strict(self, send: Send) -> Send:
        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.setdefault("Strict-Transport-Security", self._hsts)
            await send(message)

        return strict


def _is_localhost(scope: Scope) -> bool:
    host = Headers(scope=scope).get("host", "").partition(":")[0].lower().rstrip(".")
    return host == "localhost" or host.endswith(".localhost")

"""Fetches a page as a browser does, from one vantage point, and nothing but its own origin.

Whoever serves the page may serve another one to some. So the request says nothing that a voter's would not, and each
look is a connection of its own; answers are bounded in bytes and time, redirects are not followed.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import httpx2

from vemre.errors import Refused
from vemre.messages import Distrusted, Unreachable
from vemre.service import tls
from vemre.service.client import is_loopback

MAX_ASSET_BYTES: Final = 16 << 20
STEP_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 120.0
"""For everything that one look fetches."""
_HEADERS: Final = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36",
    "Accept": "*/*",
    "Accept-Language": "es-MX,es;q=0.9,en;q=0.8",
    "Accept-Encoding": "gzip",
}


@dataclass(frozen=True)
class Served:
    """What was answered: the status, and the bytes of an answer with status 200 (None where they are too many or cannot
    be unpacked)."""

    status: int
    data: bytes | None


class Vantage:
    """One look at the page at `url`, directly or through the proxy `via`; a context manager, for one thread."""

    def __init__(self, url: str, via: str | None = None) -> None:
        """Raises Refused("page-address-unusable"), Refused("roots-unusable")."""
        self.url, self.via = page_url(url), via
        self.place = f"{self.url.scheme}://{self.url.netloc.decode('ascii')}"
        self._http = httpx2.Client(
            headers=_HEADERS,
            timeout=STEP_SECONDS,
            follow_redirects=False,
            # What the environment says of proxies is no vantage point that anybody chose.
            trust_env=False,
            proxy=None if via is None else proxy_of(via),
            verify=tls.client_context(self.url.scheme),
        )
        self._end = time.monotonic() + LOOK_SECONDS

    def __enter__(self) -> Vantage:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Served:
        """The answer to a path of this origin. Raises Unreachable where there was none."""
        try:
            with self._http.stream("GET", self.url.copy_with(raw_path=path.encode("ascii"))) as answer:
                return Served(answer.status_code, self._read(answer) if answer.status_code == 200 else None)
        except httpx2.HTTPError as error:
            if (doubt := tls.distrust(error)) is not None:
                raise Distrusted(self.place, doubt) from None
            raise Unreachable(self.place, type(error).__name__) from None
        finally:
            self._http.cookies.clear()

    def _read(self, answer: httpx2.Response) -> bytes | None:
        packed = answer.headers.get("content-encoding", "identity").lower()
        unpack = zlib.decompressobj(31) if packed == "gzip" else None
        if unpack is None and packed not in ("identity", ""):
            return None
        data = bytearray()
        for chunk in answer.iter_raw():
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the page took too long")
            try:
                data += chunk if unpack is None else unpack.decompress(chunk, MAX_ASSET_BYTES + 1 - len(data))
            except zlib.error:
                return None
            if len(data) > MAX_ASSET_BYTES:
                return None
        return bytes(data) if unpack is None or unpack.eof else None


def page_url(text: str) -> httpx2.URL:
    """The origin of a page. Raises Refused("page-address-unusable")."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise Refused("page-address-unusable") from None
    plain = url.scheme == "http" and is_loopback(url.host)
    if not url.host or url.userinfo or url.query or url.fragment or url.path not in ("", "/"):
        raise Refused("page-address-unusable")
    if url.scheme != "https" and not plain:
        raise Refused("page-address-unusable")
    return url


def proxy_of(text: str) -> httpx2.Proxy:
    """A proxy to look through (``http://`` or ``https://``, with user and password where it asks for them).

    Raises Refused("page-proxy-unusable"), which never repeats it.
    """
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise Refused("page-proxy-unusable") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused("page-proxy-unusable")
    return httpx2.Proxy(url, ssl_context=tls.client_context(url.scheme) if url.scheme == "https" else None)


def shown_proxy(text: str | None) -> str | None:
    """A proxy as people may see it: without user and password."""
    if text is None:
        return None
    url = httpx2.URL(text)
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")

"""HTTP to a witness that is trusted in nothing: bounded answers, one deadline for the whole of each, no redirects.

The formats are those of C2SP tlog-witness, not of our own services.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

import httpx2

from vemre.log.feeding import MAX_ANSWER_BYTES
from vemre.service import tls
from vemre.service.client import is_loopback

DEADLINE_SECONDS: Final = 10.0
"""For connecting, sending, waiting and reading together."""


class NoAnswer(Exception):
    """A witness gave no answer that could be read. The text is technical and without anything that it sent."""


@dataclass(frozen=True)
class Answer:
    """What a witness answered. `retry_after` is the header as it is."""

    status: int
    body: bytes
    retry_after: str | None


class WitnessClient:
    """A connection to the witness at one submission prefix. For one event loop."""

    def __init__(self, url: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """Raises httpx2.InvalidURL, Refused("roots-unusable")."""
        self._url = url
        parsed = httpx2.URL(url)
        self._http = httpx2.AsyncClient(
            # Identity alone, so that no small answer unpacks to a large one.
            headers={"Accept-Encoding": "identity", "Content-Type": "text/plain; charset=utf-8"},
            timeout=DEADLINE_SECONDS,
            follow_redirects=False,
            trust_env=not is_loopback(parsed.host),
            verify=tls.client_context(parsed.scheme),
            transport=transport,
        )

    async def add_checkpoint(self, body: bytes) -> Answer:
        """Submit a checkpoint. Raises NoAnswer."""
        return await self._send("POST", f"{self._url}/add-checkpoint", body)

    async def latest(self, origin: str) -> bytes | None:
        """The last checkpoint of a log that the witness cosigned, not verified; None where it has none to show.

        Raises NoAnswer.
        """
        answer = await self._send("GET", f"{self._url}/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
        if answer.status not in (200, 404):
            raise NoAnswer(f"HTTP {answer.status}")
        return answer.body if answer.status == 200 else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, method: str, url: str, content: bytes | None = None) -> Answer:
        data = bytearray()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS), self._http.stream(method, url, content=content) as answer:
                async for chunk in answer.aiter_raw():
                    data += chunk
                    if len(data) > MAX_ANSWER_BYTES:
                        raise NoAnswer(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
                return Answer(answer.status_code, bytes(data), answer.headers.get("retry-after"))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            doubt = tls.distrust(error)
            raise NoAnswer(type(error).__name__ if doubt is None else f"certificate not trusted: {doubt}") from None
        finally:
            # Whatever it would have us send back and remember.
            self._http.cookies.clear()

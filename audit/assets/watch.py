"""A witness looks at the page: regularly, from each of its vantage points, against the log that it has verified.

What a server sends is not signed, so a difference convicts nobody; it is an alarm, with the bytes that were served
beside it. The page may change during an election, on the record: before the alarm the log is followed once more.
"""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.concurrency import run_in_threadpool

from audit.assets.comparing import Difference, compare
from audit.assets.fetching import Vantage, page_url, proxy_of, shown_proxy
from audit.witness.evidence import PageDifference, PageFault
from audit.witness.findings import Findings
from vemre.errors import CheckFailed, VemreError

MAX_KEPT: Final = 100
"""Findings about the page that one run keeps: whoever serves something else each time must not fill the disk."""
_JITTER: Final = 0.3
_END_SECONDS: Final = 5.0
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PageRecord:
    """The last verified `page-assets` record: its place in the ballot log, its leaf hash (hex), the list it names."""

    index: int
    leaf_hash: str
    assets: bytes


@dataclass(frozen=True)
class Look:
    """Where to look: the page's origin, and the proxy to look through."""

    url: str
    via: str | None = None

    @property
    def shown(self) -> str:
        """As people may see it."""
        return self.url if self.via is None else f"{self.url} via {shown_proxy(self.via)}"


def looks(urls: Sequence[str], vias: Sequence[str]) -> list[Look]:
    """Every page directly and through every proxy. Raises Refused for an address that is none."""
    for url in urls:
        page_url(url)
    for via in vias:
        proxy_of(via)
    return [Look(url.rstrip("/"), via) for url in urls for via in (None, *vias)]


class PageWatch:
    """Looks from all vantage points, each every `interval` seconds or so. `record` gives the verified record, `follow`
    lets the witness follow the logs once more."""

    def __init__(
        self,
        looks: Sequence[Look],
        record: Callable[[], PageRecord | None],
        follow: Callable[[], None],
        findings: Findings,
        registry: CollectorRegistry,
        interval: float,
    ) -> None:
        self._looks = looks
        self._record = record
        self._follow = follow
        self._findings = findings
        self._interval = interval
        self._kept = 0
        self._ending = threading.Event()
        self._count = Counter("vemre_page_looks", "Looks at the page.", ("vantage", "outcome"), registry=registry)
        self._differing = Gauge(
            "vemre_page_differences", "Assets that differed at the last look.", ("vantage",), registry=registry
        )

    def routes(self) -> APIRouter:
        """No routes: it looks as long as the application runs."""

        @asynccontextmanager
        async def lifespan(_app: Any) -> AsyncIterator[None]:
            threads = [threading.Thread(target=self._run, args=(look,), daemon=True) for look in self._looks]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self._ending.set()
                for thread in threads:
                    await run_in_threadpool(thread.join, _END_SECONDS)

        return APIRouter(lifespan=lifespan)

    def _run(self, look: Look) -> None:
        while not self._ending.is_set():
            try:
                self.look(look)
            except Exception as error:
                # A page that nobody foresaw must not end the watch.
                _logger.error("page-watch", vantage=look.shown, exc_info=error)
            # Nobody can be ready for it at the right moment.
            pause = self._interval * (1 + random.uniform(-_JITTER, _JITTER))  # noqa: S311
            self._ending.wait(pause)

    def look(self, look: Look) -> list[Difference] | None:
        """One look; gives what differs, None where nothing can be said: no record yet, or nobody answers."""
        record = self._record()
        if record is None:
            self._count.labels(look.shown, "no-record").inc()
            return None
        try:
            found = self._compare(look, record)
            if found:
                self._follow()
                newest = self._record() or record
                if newest != record:
                    record, found = newest, self._compare(look, newest)
        except VemreError as error:
            self._count.labels(look.shown, "unreachable").inc()
            _logger.warning("page-not-seen", vantage=look.shown, reason=str(error))
            return None
        self._count.labels(look.shown, "differs" if found else "same").inc()
        self._differing.labels(look.shown).set(len(found))
        if found:
            self._keep(look, record, found)
        return found

    def _compare(self, look: Look, record: PageRecord) -> list[Difference]:
        with Vantage(look.url, look.via) as vantage:
            try:
                return compare(record.assets, vantage.get)
            except CheckFailed as failure:
                # The list on the record is none of a page.
                return [Difference("/assets.json", failure.detail, "not compared", None)]

    def _keep(self, look: Look, record: PageRecord, found: list[Difference]) -> None:
        if self._kept >= MAX_KEPT:
            return
        first = found[0]
        paths = ", ".join(difference.path for difference in found[:20])
        fault = PageFault(
            where=f"page{first.path}={first.found[:16]}",
            detail=f"{look.shown} serves another page than entry ballot/{record.index} names: {paths}",
        )
        evidence = PageDifference(
            look.url, shown_proxy(look.via), record.index, record.leaf_hash,
            tuple((difference.path, difference.expected, difference.found) for difference in found),
        )  # fmt: skip
        if self._findings.keep(fault, evidence, served=[difference.data for difference in found]):
            self._kept += 1

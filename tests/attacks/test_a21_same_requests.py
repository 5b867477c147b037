"""A21: the length, the number or the path of requests shows the choice. Whoever watches the line sees the same for
every choice: no request from the moment the papers are shown until the ballot is cast, and then one, of one size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import voting_page
from browser import showing
from voting_page import LANGUAGES, VotingPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

CHOICES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "one": (("option-4",), ""),
    "the last": (("option-6",), ""),
    "combination of two": (("option-0", "option-1"), ""),
    "combination of three": (("option-2", "option-3", "option-5"), ""),
    "one letter": (("write-in",), "A"),
    "the longest": (("write-in",), "Z" * 60),
    "two bytes each": (("write-in",), "ñ" * 30),
    "null": (("annul",), ""),
}
RECEIPT_REQUESTS: Final = "/receipts/"
"""Asked for while auditors have not signed yet: by the clock, whatever was chosen."""


@pytest.fixture(scope="module")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VotingPage]:
    simulation = voting_page.simulated(urns=("urna-17",) * (2 * len(CHOICES) + 2))
    with voting_page.serving(tmp_path_factory.mktemp("site"), simulation) as serving:
        yield serving


@dataclass(frozen=True)
class Line:
    """What can be seen of a request from outside: never more than this."""

    method: str
    path: str
    headers: tuple[tuple[str, int], ...]
    size: int


@dataclass
class Watcher:
    """Somebody on the voter's line."""

    page: Page
    seen: list[Line] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.context.on("request", self._see)

    def _see(self, request: Request) -> None:
        body = request.post_data_buffer or b""
        headers = tuple(sorted((name, len(value)) for name, value in request.headers.items()))
        path = request.url.split("/", 3)[3]
        self.bodies.append(body)
        if RECEIPT_REQUESTS not in path:
            self.seen.append(Line(request.method, path, headers, len(body)))

    def take(self) -> list[Line]:
        """What was seen since the last time."""
        taken, self.seen = self.seen, []
        return taken


def test_the_line_shows_one_and_the_same(browser: Browser, site: VotingPage) -> None:
    before: dict[str, list[Line]] = {}
    cast: dict[str, list[Line]] = {}
    for name, (boxes, written) in CHOICES.items():
        who = site.next()
        with showing(browser, locale=LANGUAGES["es"]) as page:
            watcher = Watcher(page)
            who.come(page, site.url)
            before[name] = watcher.take()
            who.seal(page, *boxes, written=written)
            assert watcher.take() == [], name
            page.click("#cast")
            page.wait_for_selector("#tracker")
            cast[name] = watcher.take()
    first = cast["one"]
    assert [(line.method, line.path) for line in first] == [("POST", "ballots")]
    assert first[0].size > 1000
    for name, found in cast.items():
        assert found == first, name
    assert any(line.path.startswith("mirror/") for line in before["one"]), "requests of the worker are seen too"
    # Before the papers nobody has chosen anything; what is asked for is the same for all as well.
    for name, found in before.items():
        assert sorted({line.path for line in found}) == sorted({line.path for line in before["one"]}), name


@pytest.mark.parametrize("name", ["one", "null"])
def test_changing_ones_mind_and_challenging_send_nothing(browser: Browser, site: VotingPage, name: str) -> None:
    boxes, written = CHOICES[name]
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"]) as page:
        watcher = Watcher(page)
        who.come(page, site.url)
        watcher.take()
        who.seal(page, *boxes, written=written)
        page.click("#challenge")
        page.wait_for_selector("svg.qr")
        page.click("#back")
        page.click("#change-0")
        page.click("#option-5", force=True)
        page.click("#change")
        page.click("#next")
        page.click("#seal")
        page.wait_for_selector("#cast")
        page.click("#back")
        page.click("#seal")
        page.wait_for_selector("#cast")
        assert watcher.take() == []
        page.click("#cast")
        page.wait_for_selector("#tracker")
        assert len(watcher.take()) == 1
        body = json.loads(next(body for body in watcher.bodies if b'"ballot"' in body))
        assert set(body) == {"body", "log", "signature", "signer", "type", "version"}


def test_no_choice_and_no_secret_is_in_any_request(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        watcher = Watcher(page)
        who.come(page, site.url)
        who.seal(page, "write-in", written="Nombre Secretisimo")
        page.click("#cast")
        page.wait_for_selector("#tracker")
        everything = b" ".join([*watcher.bodies, *(line.path.encode() for line in watcher.take())]).lower()
        for secret in ("nombre", "secretisimo", who.credential.lower(), who.credential.replace("-", "").lower()):
            assert secret.encode() not in everything

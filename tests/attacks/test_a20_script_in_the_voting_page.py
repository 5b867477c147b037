"""A20: script in the texts of an election and in what services answer. On every step of voting it stays text, nothing
is asked of another origin, and names cannot be made to look like others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import voting_page
from browser import showing
from voting_page import LANGUAGES, VotingPage

from vemre.records import setup_bodies as s
from vemre.records.fields import Bilingual

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

HOSTILE: Final = '"><img src=//evil.example/x onerror="window.taken=1"><script>window.taken=1</script>'
TRICK: Final = "PAN\u202eNAP\u200b"
SHOWN: Final = "PAN\ufffdNAP\ufffd"


def hostile_offer() -> s.Offer:
    """An offer every text of which is an attack."""
    offer = voting_page.offer()
    contests = [
        s.Contest(
            id=contest.id,
            title=Bilingual(HOSTILE, HOSTILE),
            legend=HOSTILE,
            options=[s.Option(one.id, f"{HOSTILE}{one.id}", TRICK) for one in contest.options],
            coalitions=[s.Coalition(one.id, HOSTILE, one.members) for one in contest.coalitions],
            write_in_bytes=contest.write_in_bytes,
            blocks=contest.blocks,
        )
        for contest in offer.contests
    ]
    return s.Offer([s.Urn(urn.id, HOSTILE, urn.contests) for urn in offer.urns], contests)


@pytest.fixture(scope="module")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VotingPage]:
    simulation = voting_page.simulated(hostile_offer(), urns=("urna-17",) * 4)
    with voting_page.serving(tmp_path_factory.mktemp("site"), simulation) as serving:
        yield serving


class Watched:
    """A page that is looked at after each step."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.asked: list[str] = []
        page.context.on("request", lambda request: self.asked.append(request.url))

    def look(self, *texts: str) -> None:
        """Nothing ran, no element came of a text, and the texts stand there as they are."""
        assert self.page.evaluate("window.taken") is None
        assert self.page.locator("main img, main script").count() == 0
        found = self.page.inner_text("main")
        for text in texts:
            assert text in found, text
        assert "\u202e" not in self.page.content()
        assert [url for url in self.asked if not url.startswith((self.url, "blob:", "data:"))] == []


def test_texts_of_an_election_are_texts(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        watched = Watched(page, site.url)
        who.come(page, site.url)
        watched.look(HOSTILE)
        who.give_credential(page)
        watched.look(HOSTILE, SHOWN)
        assert HOSTILE in page.title()
        page.check("#option-0", force=True)
        page.click("#option-6", force=True)
        page.wait_for_selector(".dispute")
        watched.look(SHOWN)
        page.click("#leave")
        page.check("#option-1", force=True)
        page.click("#next")
        page.wait_for_selector("#seal")
        watched.look(HOSTILE, f"{SHOWN} + {SHOWN}")
        page.click("#seal")
        page.wait_for_selector("#cast")
        watched.look()
        page.click("#challenge")
        page.wait_for_selector("svg.qr")
        watched.look()
        page.click("#seal")
        page.click("#cast")
        page.wait_for_selector("#tracker")
        watched.look()
        assert watched.asked


def test_what_a_voter_writes_is_a_text(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    name = "<b onclick=alert(1)>x</b>"
    with showing(browser, locale=LANGUAGES["en"]) as page:
        watched = Watched(page, site.url)
        who.come(page, site.url)
        who.give_credential(page)
        voting_page.mark(page, "write-in", written=name)
        page.click("#next")
        page.wait_for_selector("#seal")
        watched.look(name)
        assert page.locator("main b").count() == 0


@pytest.mark.parametrize("code", [HOSTILE, "sign-in-failed"])
def test_words_of_a_service_are_texts(browser: Browser, site: VotingPage, code: str) -> None:
    words = {"title": HOSTILE, "detail": HOSTILE, "next": TRICK}
    document: dict[str, Any] = {"code": code, "status": 403, "es": words, "en": words}
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        watched = Watched(page, site.url)
        page.goto(site.url)

        def refuse(route: Route) -> None:
            route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(document))

        page.route("**/session", refuse)
        page.fill("#user", "x@example.org")
        page.fill("#password", "una frase")
        page.click("#enter")
        page.wait_for_selector(".problem")
        watched.look(HOSTILE, SHOWN)


def test_an_access_link_brings_no_markup_along(browser: Browser, site: VotingPage) -> None:
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        watched = Watched(page, site.url)
        page.goto(f"{site.url}/acceso#{HOSTILE}")
        page.wait_for_selector("#digits")
        assert "#" not in page.url
        page.route(
            "**/access/begin",
            lambda route: route.fulfill(json={"ticket": "x", "user": HOSTILE, "factors": ["totp", "sms"]}),
        )
        page.fill("#digits", "1234")
        page.click("#go-on")
        page.wait_for_selector("#factor-totp")
        watched.look(HOSTILE)
        evil = {"totp": {"secret": HOSTILE, "uri": "javascript:window.taken=1"}}
        page.route("**/access/factor", lambda route: route.fulfill(json=evil))
        page.check("#factor-totp")
        page.click("#go-on")
        # An address of another kind is no link; the page says that something is wrong, and does not follow it.
        page.wait_for_selector(".problem")
        watched.look()
        assert page.locator("a[href^=javascript]").count() == 0

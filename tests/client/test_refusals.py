"""Why a vote is not taken, in plain words, with what to do next; and the time before and after the vote."""

from pathlib import Path

import pytest
import voting_page
from browser import PHONE, showing
from playwright.sync_api import Browser, expect
from served import CLOSES, OPENS
from simulator import Simulator
from voting_page import LANGUAGES, VotingPage

from vemre.crypto.credential import Credential


@pytest.fixture(scope="module")
def election(pages: Path) -> tuple[Simulator, list[Credential]]:
    """Shared: nobody changes it."""
    return voting_page.simulated()


def test_not_open_yet(browser: Browser, election: tuple[Simulator, list[Credential]], tmp_path: Path) -> None:
    with voting_page.serving(tmp_path, election) as site, showing(browser, PHONE, locale=LANGUAGES["es"]) as page:
        site.box.clock.now = OPENS - 3600
        who = site.next()
        who.person.enter()
        who.sign_in(page, site.url)
        expect(page.locator("h1")).to_have_text("La votación todavía no comienza")
        expect(page.locator("dl")).to_contain_text("10 de mayo de 2027")
        page.click("#leave")
        expect(page.locator("#why-left")).to_be_visible()


def test_closed(browser: Browser, election: tuple[Simulator, list[Credential]], tmp_path: Path) -> None:
    """Before the page is opened, and between encrypting and casting."""
    with (
        voting_page.serving(tmp_path, election) as site,
        showing(browser, locale=LANGUAGES["en"], errors=True) as page,
    ):
        site.box.clock.now = CLOSES - 600
        who, other = site.next(), site.next()
        other.person.enter()
        who.come(page, site.url)
        who.seal(page, "option-4")
        assert site.box.close().status_code == 200
        page.click("#cast")
        expect(page.locator("h1")).to_have_text("Your ballot was not taken")
        expect(page.locator(".problem")).to_have_attribute("data-code", "voting-closed")
        assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('vemre-ballot')).length") == 0
        page.click("#leave")
        page.wait_for_selector("#user")
        other.sign_in(page, site.url)
        expect(page.locator("h1")).to_have_text("Voting has ended")


def test_already_voted_by_another_way(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        who.come(page, site.url)
        who.seal(page, "option-4")
        assert site.box.submit(site.box.block(who.person.voter)).status_code == 201
        page.click("#cast")
        expect(page.locator(".problem")).to_have_attribute("data-code", "credential-blocked")
        expect(page.locator(".problem")).to_contain_text("otra modalidad")
        expect(page.locator(".problem .next")).to_contain_text("llame de inmediato al centro de atención")


def test_already_voted_on_another_device(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with (
        showing(browser, locale=LANGUAGES["es"], errors=True) as first,
        showing(browser, PHONE, locale=LANGUAGES["es"], errors=True) as second,
    ):
        who.come(first, site.url)
        who.seal(first, "option-4")
        site.box.clock.now += 30
        who.sign_in(second, site.url)
        second.wait_for_selector("#credential")
        who.seal(second, "option-5")
        second.click("#cast")
        second.wait_for_selector("#tracker")
        first.click("#cast")
        # The second sign-in may have ended the first session; the kept ballot is then refused after signing in.
        first.wait_for_selector(".problem, #why-again")
        if first.locator("#why-again").count() > 0:
            site.box.clock.now += 30
            who.sign_in(first, site.url)
            first.click("#send")
        expect(first.locator(".problem")).to_have_attribute("data-code", "already-voted")
        assert first.evaluate("Object.keys(localStorage).filter(name => name.startsWith('vemre-ballot')).length") == 0


def test_who_has_voted_finds_the_receipt(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        who.seal(page, "option-4")
        page.click("#cast")
        shown = page.inner_text("#tracker")
        page.click("#leave")
        page.wait_for_selector("#user")
        site.box.clock.now += 30
        who.sign_in(page, site.url)
        expect(page.locator("h1")).to_have_text("Usted ya votó")
        assert page.inner_text("#tracker") == shown
        assert page.locator("#credential").count() == 0
        expect(page.get_by_text("Si no fue usted quien votó")).to_be_visible()

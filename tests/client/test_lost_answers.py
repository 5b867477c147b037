"""A ballot whose answer does not come: the same bytes are kept, sent again, and give the same receipt, once."""

import pytest
from browser import PHONE, showing
from playwright.sync_api import Browser, Page, Route, expect
from voting_page import LANGUAGES, Citizen, VotingPage

from vemre.crypto import tracker
from vemre.records import vote_bodies as v


def in_the_log(site: VotingPage, who: Citizen) -> list[str]:
    """The trackers of the voter's ballots."""
    credential = who.person.voter.key.public.hex()
    return [
        tracker.shown(record.leaf_hash)
        for record in site.box.entries()
        if isinstance(record.body, v.Ballot) and record.signer == credential
    ]


def lose(page: Page, *, arrives: bool) -> list[bytes]:
    """Every POST of a ballot fails; `arrives`: only its answer is lost. Gives the bodies."""
    sent: list[bytes] = []

    def act(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        if arrives:
            route.fetch()
        route.abort()

    page.context.route("**/ballots", act)
    return sent


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("after", ["button", "reload", "sign-in"])
def test_the_same_ballot_again(browser: Browser, site: VotingPage, arrives: bool, after: str) -> None:
    who = site.next()
    with showing(browser, PHONE, locale=LANGUAGES["es"], errors=True) as page:
        page.clock.install()
        who.come(page, site.url)
        who.seal(page, "option-4")
        sent = lose(page, arrives=arrives)
        page.click("#cast")
        for _ in range(5):
            # The waits between the attempts.
            page.wait_for_timeout(200)
            page.clock.run_for(15_000)
        expect(page.locator("h1")).to_have_text("El recibo no ha llegado")
        assert len(sent) == 5
        assert len(set(sent)) == 1
        page.context.unroute("**/ballots")
        if after == "reload":
            page.reload()
            expect(page.locator("h1")).to_have_text("Falta el recibo de su voto")
        if after == "sign-in":
            page.click("#sign-out")
            site.box.clock.now += 30
            who.sign_in(page, site.url)
            expect(page.locator("h1")).to_have_text("Falta el recibo de su voto")
        page.click("#send")
        expect(page.locator("h1")).to_have_text("Su voto está en la urna")
        (mine,) = in_the_log(site, who)
        assert page.inner_text("#tracker") == mine
        assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('vemre-ballot')).length") == 0
        page.reload()
        expect(page.locator("h1")).to_have_text("Usted ya votó")
        assert page.inner_text("#tracker") == mine


def test_a_short_outage_asks_nothing_of_the_voter(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"], errors=True) as page:
        who.come(page, site.url)
        who.seal(page, "annul")
        sent: list[bytes] = []

        def act(route: Route) -> None:
            sent.append(route.request.post_data_buffer or b"")
            if len(sent) == 1:
                route.fetch()
                route.abort()
            elif len(sent) == 2:
                route.fulfill(status=503, body="{}")
            else:
                route.continue_()

        page.context.route("**/ballots", act)
        page.click("#cast")
        expect(page.locator("#casting")).to_contain_text("We are trying again")
        expect(page.locator("h1")).to_have_text("Your vote is in the ballot box", timeout=20_000)
        assert len(sent) == 3
        assert len(set(sent)) == 1
        assert in_the_log(site, who) == [page.inner_text("#tracker")]


def test_a_session_that_ends_before_the_answer(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        who.come(page, site.url)
        who.seal(page, "option-6")
        site.box.clock.now += 31 * 60
        page.click("#cast")
        expect(page.locator("#why-again")).to_be_visible()
        assert in_the_log(site, who) == []
        who.sign_in(page, site.url)
        page.click("#send")
        expect(page.locator("h1")).to_have_text("Su voto está en la urna")
        assert in_the_log(site, who) == [page.inner_text("#tracker")]


def test_the_ballot_of_one_voter_is_not_shown_to_another(browser: Browser, site: VotingPage) -> None:
    """Two voters share a device; the first one's answer was lost."""
    first, second = site.next(), site.next()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        first.come(page, site.url)
        first.seal(page, "option-0")
        site.box.clock.now += 31 * 60
        page.click("#cast")
        expect(page.locator("#why-again")).to_be_visible()
        second.come(page, site.url)
        second.seal(page, "option-4")
        page.click("#cast")
        page.wait_for_selector("#tracker")
        page.click("#leave")
        assert len(in_the_log(site, second)) == 1
        assert in_the_log(site, first) == []
        site.box.clock.now += 30
        first.sign_in(page, site.url)
        page.click("#send")
        page.wait_for_selector("#tracker")
        assert in_the_log(site, first) == [page.inner_text("#tracker")]

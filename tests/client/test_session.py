"""The session's clock on the page: told, warned, prolonged, and ended with everything that it had."""

import json

import pytest
from browser import PHONE, showing
from playwright.sync_api import Browser, Page, Route, expect
from voting_page import HELP, LANGUAGES, VotingPage

MINUTE = 60_000


def test_the_warning_and_more_time(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, PHONE, locale=LANGUAGES["es"]) as page:
        page.clock.install()
        who.come(page, site.url)
        expect(page.locator("#time-left")).to_have_text("Le quedan 30 minutos.")
        assert page.locator("#extend").count() == 0
        who.give_credential(page)
        page.check("#option-4", force=True)
        page.clock.run_for(25 * MINUTE)
        expect(page.locator("#time-left")).to_have_text("Le quedan 5 minutos.")
        expect(page.locator("#urged")).to_contain_text("Su sesión está por terminar. Le quedan 5 minutos")
        site.box.clock.now += 25 * 60
        page.click("#extend")
        expect(page.locator("#time-left")).to_have_text("Le quedan 30 minutos.")
        assert page.locator("#extend").count() == 0
        assert page.is_checked("#option-4")


@pytest.mark.parametrize("where", ["paper", "sealed"])
def test_the_end_wipes_everything(browser: Browser, site: VotingPage, where: str) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        page.clock.install()
        who.come(page, site.url)
        workers = list(page.workers)
        if where == "paper":
            who.give_credential(page)
            page.check("#write-in", force=True)
            page.fill("#written", "Un nombre secreto")
        else:
            who.seal(page, "option-4")
        page.clock.run_for(30 * MINUTE + 1000)
        expect(page.locator("#why-over")).to_be_visible()
        expect(page.locator("h1")).to_have_text("Entrar a votar")
        expect(page.locator("h1")).to_be_focused()
        assert page.locator("#time-left").count() == 0
        for secret in ("Un nombre secreto", who.credential, "Jorge Álvarez"):
            assert secret not in page.content()
        # The worker, with the credential and the election, is another one.
        assert len(page.workers) == 1
        assert page.workers[0] not in workers


def test_a_session_that_the_box_has_ended_leads_to_signing_in(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"], errors=True) as page:
        who.come(page, site.url)
        site.box.clock.now += 31 * 60
        page.reload()
        expect(page.locator("#user")).to_be_visible()
        assert page.evaluate("localStorage.getItem('vemre-session')") is None


def test_a_reload_goes_on_with_the_session(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"]) as page:
        who.come(page, site.url)
        page.reload()
        expect(page.locator("#credential")).to_be_visible()
        page.click("#sign-out")
        expect(page.locator("#why-left")).to_be_visible()


def test_wrong_codes_are_told_in_one_way(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    who.person.enter()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        page.goto(site.url)
        page.click("#enter")
        expect(page.locator("#user-error")).to_contain_text("Escriba el correo")
        expect(page.locator("#user")).to_be_focused()
        page.fill("#user", "nadie@example.org")
        page.fill("#password", "una frase que no es")
        page.click("#enter")
        page.fill("#code", "12345")
        page.click("#enter")
        expect(page.locator("#code-error")).to_have_text("El código tiene 6 dígitos.")
        page.fill("#code", "123 456")
        page.click("#enter")
        expect(page.locator(".problem")).to_have_attribute("data-code", "sign-in-failed")
        page.click("#start-over")
        assert page.input_value("#user") == ""


def test_when_nobody_answers(browser: Browser, site: VotingPage) -> None:
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        page.goto(site.url)
        page.wait_for_selector("#user")
        page.route("**/session", lambda route: route.abort())
        page.fill("#user", "alguien@example.org")
        page.fill("#password", "una frase que no es")
        page.click("#enter")
        expect(page.locator(".problem")).to_have_attribute("data-code", "unreachable")
        assert page.input_value("#user") == "alguien@example.org"


def test_the_election_is_tried_again(browser: Browser, site: VotingPage) -> None:
    """A line that fails twice and a mirror that is behind do not end the voter's way."""
    who = site.next()
    who.person.enter()
    failures = {"left": 2}

    def stumble(route: Route) -> None:
        if failures["left"] > 0:
            failures["left"] -= 1
            route.abort()
        else:
            route.continue_()

    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        page.context.route("**/mirror/registry/cosigned", stumble)
        who.sign_in(page, site.url)
        expect(page.locator("#credential")).to_be_visible(timeout=20_000)
        assert failures["left"] == 0


def alter(page: Page, path: str, change: object) -> None:
    """Change an answer on its way: `change` takes its bytes."""

    def act(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=change(answer.body()))  # type: ignore[operator]

    page.context.route(path, act)


def test_an_election_that_does_not_verify_stops_the_voter(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    who.person.enter()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        alter(page, "**/mirror/tally/tile/entries/**", lambda data: data.replace(b"Elecci", b"Eleccy"))
        who.sign_in(page, site.url)
        expect(page.locator(".problem")).to_contain_text("Algo no coincide")
        assert str(page.get_attribute(".problem", "data-code")).startswith("LOG")
        assert page.locator("#credential").count() == 0


def test_a_credential_that_is_not_on_the_roll(browser: Browser, site: VotingPage) -> None:
    who = site.next()

    def another(data: bytes) -> bytes:
        key = site.box.sim.keys["authority"].public.hex()
        return json.dumps({**json.loads(data), "credential": key}).encode()

    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        alter(page, "**/session", another)
        page.reload()
        expect(page.locator(".problem")).to_have_attribute("data-code", "credential-not-on-roll")


def test_credentials_that_are_not_the_voters(browser: Browser, site: VotingPage) -> None:
    who, other = site.next(), site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        page.click("#go-on")
        expect(page.locator("#credential-error")).to_have_text("Escriba su credencial.")
        page.fill("#credential", who.credential[:20])
        expect(page.locator("#credential-state")).to_contain_text("de 28")
        page.fill("#credential", "ABCU")
        expect(page.locator("#credential-error")).to_contain_text("«U»")
        wrong = who.credential[:-1] + ("0" if who.credential[-1] != "0" else "1")
        page.fill("#credential", wrong)
        expect(page.locator("#credential-error")).to_contain_text("Hay un error al escribir")
        page.fill("#credential", other.credential)
        expect(page.locator("#credential-error")).to_contain_text("no es la de su cuenta")
        page.click("#go-on")
        expect(page.locator("#credential")).to_be_focused()
        page.fill("#credential", f"  {who.credential.lower().replace('-', ' ')} \n")
        expect(page.locator("#credential-state")).to_contain_text("bien escrita")
        page.press("#credential", "Enter")
        page.wait_for_selector(".paper")
        assert who.credential not in page.content()


def test_help_is_named_on_every_page(browser: Browser, site: VotingPage) -> None:
    with showing(browser, locale=LANGUAGES["es"]) as page:
        for path in ("/", "/acceso", "/recibo", "/reto", "/practica"):
            page.goto(site.url + path)
            expect(page.locator("footer")).to_contain_text(f"Centro de atención: {HELP}.")

"""Every state of the voter's pages, in both languages, on a telephone and a desktop: what axe finds, what a narrow or
enlarged window cuts off, what a finger misses, where the keyboard is."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import voting_page
from browser import DESKTOP, PHONE, axe, overflow, showing
from playwright.sync_api import Browser, Page, Route
from served import CLOSES, OPENS
from voting_page import LANGUAGES, Citizen, VotingPage

pytestmark = pytest.mark.slow
NARROWEST = 320
FINGER = 44
CONTROLS = "button, .button, summary, .box, .pick, main input:not(.box input):not(.pick input), textarea"
SMALL = f"""
    size => [...document.querySelectorAll('{CONTROLS}')]
        .filter(one => one.offsetParent !== null && !one.classList.contains('unseen'))
        .filter(one => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < size - 0.5)
        .map(one => one.outerHTML.slice(0, 80))
"""
FOCUS_SEEN = """
    getComputedStyle(
        document.activeElement.closest('.box')?.querySelector('.tick') ?? document.activeElement
    ).outlineStyle !== 'none'
"""


class Looker:
    """Looks at one state after another, and keeps what is wrong with them."""

    def __init__(self, page: Page, size: tuple[int, int], language: str) -> None:
        self.page, self.size, self.language = page, size, language
        self.names: list[str] = []
        self.wrong: dict[str, Any] = {}

    def look(self, name: str, ready: str) -> None:
        """The state has come once `ready` is there."""
        page = self.page
        page.wait_for_selector(ready, state="attached")
        self.names.append(name)
        found: list[Any] = [*axe(page)]
        if page.locator("h1").count() != 1:
            found.append("not one heading")
        if page.get_attribute("html", "lang") != {"es": "es-MX", "en": "en"}[self.language]:
            found.append("another language")
        if not page.title().startswith(page.inner_text("h1").strip()):
            found.append(f"title {page.title()!r}")
        if (missed := page.evaluate(SMALL, FINGER)) != []:
            found.append(("too small for a finger", missed))
        # 320 pixels are also what is left of 640 at 200 %.
        for width in (NARROWEST, self.size[0]):
            page.set_viewport_size({"width": width, "height": self.size[1]})
            if overflow(page) > 0:
                found.append(f"{overflow(page)} pixels too wide at {width}")
        if found:
            self.wrong[name] = found


@pytest.fixture(scope="module", params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def size(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=["es", "en"])
def language(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def looker(browser: Browser, size: tuple[int, int], language: str) -> Iterator[Looker]:
    """An empty page whose errors are the test's own affair: refusals are among its states."""
    dark = "dark" if (size, language) == (PHONE, "en") else "light"
    with showing(browser, size, locale=LANGUAGES[language], errors=True, color_scheme=dark) as page:
        yield Looker(page, size, language)


def answer(document: Any, status: int = 200) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, content_type="application/json", body=json.dumps(document))


def test_first_access(site: VotingPage, looker: Looker) -> None:
    who, page = site.next(), looker.page
    page.goto(f"{site.url}/acceso")
    looker.look("no link", "#no-link")
    page.goto(f"{site.url}/acceso#{who.person.link()}")
    looker.look("digits", "#digits")
    page.click("#go-on")
    looker.look("digits missing", "#digits[aria-invalid=true]")
    page.fill("#digits", "0000")
    page.click("#go-on")
    looker.look("refused", ".problem")
    page.fill("#digits", who.person.phone[-4:])
    page.click("#go-on")
    looker.look("choice of factor", "#factor-totp")
    page.click("#go-on")
    looker.look("no factor chosen", "#factor-error:not(:empty)")
    page.check("#factor-sms")
    page.click("#go-on")
    looker.look("text message", "#again")
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(f"{site.url}/acceso#{who.person.link()}")
    page.fill("#digits", who.person.phone[-4:])
    page.click("#go-on")
    page.check("#factor-totp")
    page.click("#go-on")
    looker.look("application", "#secret")
    page.fill("#password", "corta")
    looker.look("short password", "#strength:not(:empty)")
    page.click("#confirm")
    looker.look("fields that are wrong", "#code[aria-invalid=true]")
    page.fill("#password", voting_page.PASSWORD)
    page.fill("#code", "000000")
    page.click("#confirm")
    looker.look("wrong code", ".problem")
    page.route("**/access/confirm", answer({"user": who.person.user}))
    page.click("#confirm")
    looker.look("ready", "#ready")
    assert looker.wrong == {}
    assert len(looker.names) == 12


def test_signing_in(site: VotingPage, looker: Looker) -> None:
    who, page = site.next(), looker.page
    who.person.enter()
    page.goto(site.url)
    looker.look("sign-in", "#user")
    for detail in page.locator("summary").all():
        detail.click()
    looker.look("everything opened", "#user")
    page.click("#enter")
    looker.look("user missing", "#user[aria-invalid=true]")
    page.route("**/session", lambda route: route.abort())
    page.fill("#user", who.person.user)
    page.fill("#password", "x" * 12)
    page.click("#enter")
    looker.look("unreachable", ".problem")
    page.unroute("**/session")
    page.click("#enter")
    looker.look("code", "#code")
    page.fill("#code", "000000")
    page.click("#enter")
    looker.look("sign-in failed", ".problem")
    page.click("#start-over")
    page.wait_for_selector("#user")
    words = {"title": "T", "detail": "D", "next": "N"}
    page.route("**/session", answer({"code": "too-many-tries", "es": words, "en": words}, 429))
    page.fill("#user", who.person.user)
    page.fill("#password", "x" * 12)
    page.click("#enter")
    looker.look("too many tries", ".problem")
    assert looker.wrong == {}


def test_voting(site: VotingPage, looker: Looker) -> None:
    who, page = site.next("urna-09"), looker.page
    page.clock.install()
    who.come(page, site.url)
    looker.look("credential", "#credential")
    page.click("#go-on")
    looker.look("credential missing", "#credential[aria-invalid=true]")
    page.fill("#credential", who.credential[:-1] + "U")
    looker.look("credential mistyped", "#credential-error:not(:empty)")
    page.fill("#credential", who.credential)
    looker.look("credential good", "#credential-state:not(:empty)")
    page.click("#go-on")
    looker.look("paper", ".paper")
    page.click("#next")
    looker.look("blank paper", "#paper-missing:not(:empty)")
    page.check("#option-0", force=True)
    page.check("#option-1", force=True)
    looker.look("marked paper", "li.chosen")
    page.click("#option-4", force=True)
    looker.look("what does not go together", ".dispute")
    page.click("#leave")
    page.click("#write-in", force=True)
    page.click("#change")
    page.fill("#written", "\u4e2d")
    looker.look("written", "#written-error:not(:empty)")
    page.fill("#written", "Benito Juárez García")
    page.click("#next")
    looker.look("second paper", ".step:has-text('2')")
    page.check("#annul", force=True)
    page.click("#next")
    looker.look("review", "#seal")
    page.click("#seal")
    looker.look("cast or challenge", "#cast")
    page.click("#challenge")
    looker.look("challenged", "svg.qr")
    page.clock.run_for(26 * 60_000)
    looker.look("warning", "#extend")
    page.click("#seal")
    page.wait_for_selector("#cast")
    page.route("**/ballots", lambda route: route.abort())
    page.click("#cast")
    looker.look("casting", "#casting")
    for _ in range(5):
        page.wait_for_timeout(200)
        page.clock.run_for(12_000)
    looker.look("answer lost", "#send")
    page.reload()
    looker.look("to be sent again", "#send")
    page.unroute("**/ballots")
    page.route("**/ballots", answer({"receipt": "x"}))
    page.click("#send")
    looker.look("alarm", ".alarm")
    page.unroute("**/ballots")
    page.reload()
    page.click("#send")
    looker.look("receipt", "#tracker")
    page.reload()
    looker.look("voted", "#tracker")
    page.click("#leave")
    looker.look("signed out", "#why-left")
    assert looker.wrong == {}
    assert len(looker.names) == 21


def test_reasons_not_to_vote(pages: Path, tmp_path: Path, looker: Looker) -> None:
    simulation = voting_page.simulated(urns=("urna-17",) * 2)
    with voting_page.serving(tmp_path, simulation) as site:
        who, page = site.next(), looker.page
        site.box.clock.now = OPENS - 60
        who.person.enter()
        who.sign_in(page, site.url)
        looker.look("not yet", "[data-code=not-yet]")
        site.box.clock.now = CLOSES
        sign_in_again(who, page, site)
        looker.look("closed", "[data-code=closed]")
        site.box.clock.now = OPENS
        page.context.route("**/mirror/tally/cosigned", answer({"code": "not-cosigned-yet"}, 404))
        page.reload()
        looker.look("not cosigned yet", ".problem")
        page.context.unroute("**/mirror/tally/cosigned")
        page.click("#again")
        page.wait_for_selector("#credential")
        who.seal(page, "option-4")
        assert site.box.submit(site.box.block(who.person.voter)).status_code == 201
        page.click("#cast")
        looker.look("refused", ".problem")
    assert looker.wrong == {}


def sign_in_again(who: Citizen, page: Page, site: VotingPage) -> None:
    page.evaluate("localStorage.clear()")
    page.reload()
    who.sign_in(page, site.url)


def test_by_keyboard_alone(browser: Browser, site: VotingPage) -> None:
    """From the first page to the receipt without a pointer; focus is always seen, and follows the steps."""
    who = site.next()
    who.person.enter()
    with showing(browser, locale=LANGUAGES["es"], reduced_motion="reduce") as page:
        page.goto(site.url)
        page.wait_for_selector("#user")

        def focused() -> str:
            return str(page.evaluate("document.activeElement.id"))

        def tab_to(id_: str) -> None:
            for _ in range(60):
                if focused() == id_:
                    return
                page.keyboard.press("Tab")
            raise AssertionError(f"{id_} cannot be reached")

        def seen() -> bool:
            return bool(page.evaluate(FOCUS_SEEN))

        assert focused() == "heading"
        page.keyboard.press("Shift+Tab")
        tab_to("user")
        assert seen()
        page.keyboard.type(who.person.user)
        tab_to("password")
        page.keyboard.type(voting_page.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#code")
        assert focused() == "heading"
        tab_to("code")
        page.keyboard.type(who.person.code())
        page.keyboard.press("Enter")
        page.wait_for_selector("#credential")
        tab_to("credential")
        page.keyboard.type(who.credential)
        page.keyboard.press("Enter")
        page.wait_for_selector(".paper")
        assert focused() == "heading"
        tab_to("option-2")
        page.keyboard.press("Space")
        assert focused() == "option-2"
        assert seen()
        assert page.is_checked("#option-2")
        tab_to("option-6")
        page.keyboard.press("Space")
        page.wait_for_selector(".dispute")
        tab_to("change")
        assert seen()
        page.keyboard.press("Enter")
        assert focused() == "option-6"
        page.wait_for_selector("#said:has-text('Marcado: María')", state="attached")
        for target, ready in (("next", "#seal"), ("seal", "#cast"), ("cast", "#tracker")):
            tab_to(target)
            page.keyboard.press("Enter")
            page.wait_for_selector(ready)
            assert focused() == "heading"
        page.wait_for_selector("#said:has-text('Su voto está en la urna')", state="attached")

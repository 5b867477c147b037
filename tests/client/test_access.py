"""The first access in the page: by the link of the mail, with an application of codes or text messages."""

import re

import pytest
from browser import DESKTOP, PHONE, showing
from entering import PASSWORD
from playwright.sync_api import Browser, Page, expect
from voting_page import LANGUAGES, Citizen, VotingPage

from ballot.access import factors


def arrive(page: Page, site: VotingPage, who: Citizen, token: str | None = None) -> None:
    """Open the link of the mail and give the digits."""
    page.goto(f"{site.url}/acceso#{token or who.person.link()}")
    page.fill("#digits", who.person.phone[-4:])
    page.click("#go-on")


def choose(page: Page, method: str) -> None:
    page.check(f"#factor-{method}")
    page.click("#go-on")


def code_of(page: Page, site: VotingPage, steps: int = 0) -> str:
    """What an application shows that has read the secret off the page."""
    secret = page.inner_text("#secret").replace(" ", "")
    return factors.totp_code(secret, site.box.clock.now + steps * factors.STEP_SECONDS)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_with_an_application(browser: Browser, site: VotingPage, size: tuple[int, int]) -> None:
    who = site.next()
    asked: list[str] = []
    with showing(browser, size, locale=LANGUAGES["es"]) as page:
        page.on("request", lambda request: asked.append(request.url))
        arrive(page, site, who)
        expect(page.locator("h1")).to_have_text("Cómo recibir sus códigos")
        assert "#" not in page.url
        assert page.locator("input:checked").count() == 0
        page.click("#go-on")
        expect(page.locator("#factor-error")).to_be_visible()
        choose(page, "totp")
        expect(page.locator("svg.qr")).to_be_visible()
        assert str(page.get_attribute("#open-app", "href")).startswith("otpauth://totp/")
        page.fill("#password", "corta")
        expect(page.locator("#strength")).to_have_text("Faltan 7 caracteres.")
        page.click("#confirm")
        expect(page.locator("#password-error")).to_contain_text("al menos 12")
        page.fill("#password", PASSWORD)
        expect(page.locator("#strength")).to_have_text("Muy buena.")
        page.fill("#code", code_of(page, site, -1))
        page.click("#confirm")
        expect(page.locator("#ready")).to_contain_text(who.person.user)
        assert page.evaluate("sessionStorage.length") == 0
        page.click("#vote")
        page.wait_for_selector("#user")
        page.fill("#user", who.person.user)
        page.fill("#password", PASSWORD)
        page.click("#enter")
        assert asked
        assert not [url for url in asked if "acceso" in url and "?" in url]


def test_the_code_is_one_that_applications_read(browser: Browser, site: VotingPage) -> None:
    """The picture holds the same address as the link."""
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"]) as page:
        arrive(page, site, who)
        choose(page, "totp")
        href = str(page.get_attribute("#open-app", "href"))
        assert f"secret={page.inner_text('#secret').replace(' ', '')}" in href


def test_with_text_messages(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, PHONE, locale=LANGUAGES["en"]) as page:
        arrive(page, site, who)
        before = who.person.texts()
        choose(page, "sms")
        expect(page.get_by_text("We sent a code to the telephone")).to_be_visible()
        code = who.person.text_code(before)
        page.fill("#code", f"{code[:3]} {code[3:]}")
        page.fill("#password", PASSWORD)
        page.click("#confirm")
        expect(page.locator("#ready")).to_be_visible()
        site.box.clock.now += 60
        page.click("#vote")
        page.wait_for_selector("#user")
        before = who.person.texts()
        page.fill("#user", who.person.user)
        page.fill("#password", PASSWORD)
        page.click("#enter")
        expect(page.get_by_text("We sent you a code by text message")).to_be_visible()
        page.fill("#code", who.person.text_code(before))
        page.click("#enter")
        page.wait_for_selector("#credential")


def test_what_is_wrong_is_said_where_it_is_wrong(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        token = who.person.link()
        page.goto(f"{site.url}/acceso#{token}")
        page.fill("#digits", "12")
        page.click("#go-on")
        expect(page.locator("#digits-error")).to_have_text("Escriba cuatro dígitos.")
        page.fill("#digits", "0000" if who.person.phone[-4:] != "0000" else "1111")
        page.click("#go-on")
        expect(page.locator(".problem")).to_have_attribute("data-code", "access-refused")
        page.fill("#digits", who.person.phone[-4:])
        page.click("#go-on")
        choose(page, "totp")
        page.wait_for_selector("#secret")
        page.fill("#password", PASSWORD)
        page.fill("#code", "000000" if code_of(page, site) != "000000" else "111111")
        page.click("#confirm")
        expect(page.locator("#code-error")).to_have_text("El código no es correcto")
        expect(page.locator("#code")).to_be_focused()
        assert page.input_value("#password") == PASSWORD
        page.fill("#password", "contraseña123")
        page.fill("#code", code_of(page, site))
        page.click("#confirm")
        expect(page.locator("#password-error")).not_to_be_empty()
        expect(page.locator("#password")).to_be_focused()


def test_a_telephone_that_throws_the_page_away(browser: Browser, site: VotingPage) -> None:
    """The voter looks at the application of codes, and the browser loads the page anew."""
    who = site.next()
    with showing(browser, PHONE, locale=LANGUAGES["es"]) as page:
        arrive(page, site, who)
        choose(page, "totp")
        secret = page.inner_text("#secret")
        page.reload()
        expect(page.locator("#secret")).to_have_text(secret)
        page.fill("#code", code_of(page, site, -1))
        page.fill("#password", PASSWORD)
        page.click("#confirm")
        expect(page.locator("#ready")).to_be_visible()


def test_a_link_that_was_used_and_no_link(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    token = who.person.link()
    who.person.enter()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        page.goto(f"{site.url}/acceso")
        expect(page.locator("#no-link")).to_be_visible()
        arrive(page, site, who, token)
        expect(page.locator(".problem")).to_have_attribute("data-code", "access-refused")


def test_too_slow(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"], errors=True) as page:
        arrive(page, site, who)
        # What is too old is given before the time goes by.
        page.wait_for_selector("#factor-totp")
        site.box.clock.now += 3600
        choose(page, "totp")
        expect(page.locator(".problem")).to_have_attribute("data-code", re.compile("ticket-over|access-refused"))
        page.fill("#digits", who.person.phone[-4:])
        page.click("#go-on")
        expect(page.locator("h1")).to_have_text("Cómo recibir sus códigos")


def test_passwords_may_be_pasted_and_shown(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        arrive(page, site, who)
        choose(page, "totp")
        password = page.locator("#password")
        assert password.get_attribute("autocomplete") == "new-password"
        assert password.get_attribute("type") == "password"
        password.focus()
        page.keyboard.insert_text(PASSWORD)
        assert password.input_value() == PASSWORD
        page.get_by_role("button", name="Mostrar").click()
        assert password.get_attribute("type") == "text"
        page.get_by_role("button", name="Ocultar").click()
        assert password.get_attribute("type") == "password"

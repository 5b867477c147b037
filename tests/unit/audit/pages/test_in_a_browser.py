"""The status page in a real browser: with and without its script, small and large, and to assistive technology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import DESKTOP, PHONE, axe, overflow, showing
from conftest import EVENTS, HOSTILE, Witnessed, finding, log

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def fill(witnessed: Witnessed) -> None:
    """Everything that can stand on the page, and long."""
    for event in EVENTS:
        witnessed.hub(event)
    witnessed.logs = (*witnessed.logs[:2], log("tally", 17, lag=3), log("x" * 90 + "/log", 1_000_000_000))
    witnessed.keep(finding(1))
    witnessed.keep(finding(2, detail=HOSTILE + "x" * 300, where="y" * 200, party=None, provable=False))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_are_accessible_and_fit(
    browser: Browser, witnessed: Witnessed, size: tuple[int, int], scheme: str
) -> None:
    with showing(browser, size, locale="es-MX", color_scheme=scheme) as page:
        page.goto(f"{witnessed.url}/")
        page.wait_for_selector("#liveness[data-kind=good]")
        assert (axe(page), overflow(page)) == ([], 0)
        fill(witnessed)
        for path in ("", "evidence/", "evidence/0001-checkpoint/", "?lang=en"):
            page.goto(f"{witnessed.url}/{path}")
            assert (axe(page), overflow(page)) == ([], 0), path


def test_an_event_changes_the_page_without_a_hand(browser: Browser, witnessed: Witnessed) -> None:
    with showing(browser, locale="es-MX") as page:
        page.goto(f"{witnessed.url}/")
        page.wait_for_selector("#liveness[data-kind=good]")
        status = page.query_selector("#verdict")
        link = page.locator("nav a").first
        link.focus()
        found = finding()
        witnessed.keep(found)
        witnessed.hub(found)
        page.wait_for_selector("#findings .finding")
        assert status is not None
        # The element itself stays, or a screen reader would not read the news.
        assert "HALLAZGOS: 1" in status.inner_text()
        assert page.get_attribute("#verdict-frame", "data-kind") == "bad"
        assert link.evaluate("element => element === document.activeElement")
        page.click("#findings a")
        assert page.url.endswith("/evidence/0001-checkpoint/")


def test_updates_can_be_paused(browser: Browser, witnessed: Witnessed) -> None:
    with showing(browser, locale="es-MX") as page:
        page.goto(f"{witnessed.url}/")
        page.wait_for_selector("#liveness[data-kind=good]")
        page.click("#pause")
        assert page.get_attribute("#pause", "aria-pressed") == "true"
        assert page.inner_text("#liveness") == "Sin actualizar"
        witnessed.findings = (finding(),)
        witnessed.hub(finding())
        page.click("#pause")
        page.wait_for_selector("#findings .finding")
        assert page.get_attribute("#pause", "aria-pressed") == "false"


def test_what_others_wrote_runs_nowhere(browser: Browser, witnessed: Witnessed) -> None:
    fill(witnessed)
    with showing(browser) as page:
        _no_dialogs(page)
        page.goto(f"{witnessed.url}/")
        page.wait_for_selector("#liveness[data-kind=good]")
        witnessed.hub(EVENTS[2].__class__("ballot", 4, "x", "y", "<img src=x onerror=alert(1)>", "z"))
        page.wait_for_selector("text=<img src=x onerror=alert(1)>")
        assert page.locator("main img").count() == 0


def _no_dialogs(page: Page) -> None:
    def shown(_dialog: object) -> None:
        pytest.fail("a script of others ran")

    page.on("dialog", shown)


def test_without_script_the_page_is_whole(browser: Browser, witnessed: Witnessed) -> None:
    with showing(browser, java_script_enabled=False, locale="en-US") as page:
        page.goto(f"{witnessed.url}/")
        assert page.inner_text("h1").startswith("Witness of the election")
        assert not page.is_visible("#pause")
        witnessed.keep(finding())
        page.click("#refresh")
        assert "FINDINGS: 1" in page.inner_text("#verdict")
        page.click("text=Español")
        assert "HALLAZGOS: 1" in page.inner_text("#verdict")


def test_the_pages_work_by_keyboard(browser: Browser, witnessed: Witnessed) -> None:
    with showing(browser, locale="es-MX") as page:
        page.goto(f"{witnessed.url}/")
        page.wait_for_selector("#liveness[data-kind=good]")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        seen = []
        for _ in range(3):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert seen[:2] == ["refresh", "pause"]

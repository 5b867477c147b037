"""Practice in a browser: the whole way, visibly not real on every view, and nothing of it leaves the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from browser import DESKTOP, PHONE, axe, overflow, showing
from checking_page import save
from click.testing import CliRunner
from served import BallotBoxUnderTest, listening
from simulator import Simulator

from vemre.cli.main import root

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WATERMARK: Final = "getComputedStyle(document.body, '::after')"


@pytest.fixture(scope="module")
def url(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served; no election needs to have begun."""
    sim = Simulator()
    with (
        BallotBoxUnderTest(sim, tmp_path_factory.mktemp("box"), build=pages).running() as box,
        listening(box.station.app) as address,
    ):
        yield address


def in_order(page: Page) -> None:
    """The view says that it is a mock, on the screen and on paper, and is in order for everybody."""
    for media in ("print", "screen"):
        page.emulate_media(media=media)  # type: ignore[arg-type]
        assert "SIMULACRO" in page.inner_text("#notice")
        assert page.is_visible("#notice .mock")
        mark = page.evaluate(f"{WATERMARK}.content")
        assert "SIMULACRO" in mark
        assert page.evaluate(f"{WATERMARK}.position") == "fixed"
        assert float(page.evaluate(f"{WATERMARK}.opacity")) > 0
    assert "SIMULACRO" in page.title()
    assert axe(page) == []
    assert overflow(page) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("locale", "size"), [("es-MX", PHONE), ("en-US", DESKTOP)])
def test_the_whole_way(browser: Browser, url: str, locale: str, size: tuple[int, int], tmp_path: Path) -> None:
    with showing(browser, size, locale=locale) as page:
        page.goto(f"{url}/practica")
        page.wait_for_selector("#page-digest", state="attached")
        in_order(page)
        policy = save(page, "#policy", tmp_path)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.click("#begin")
        page.wait_for_selector("#use")
        in_order(page)
        page.click("#use")
        page.click("#go-on")
        for _ in range(2):
            page.wait_for_selector(".paper")
            in_order(page)
            heading = page.inner_text("h1")
            page.check("#option-0", force=True)
            page.click("#next")
            page.wait_for_function("before => document.querySelector('h1').innerText !== before", arg=heading)
        in_order(page)
        page.click("#seal")
        page.wait_for_selector("#challenge")
        in_order(page)
        shown = page.inner_text("#fingerprint")
        page.click("#challenge")
        page.wait_for_selector("#link")
        in_order(page)
        second(browser, url + str(page.get_attribute("#link", "href")), shown, size, locale)
        page.click("#seal")
        page.click("#cast")
        page.wait_for_selector("#download")
        in_order(page)
        page.wait_for_function("() => /2 (de|of) 2/.test(document.getElementById('auditors').innerText)")
        receipt = save(page, "#download", tmp_path)
        assert receipt.name.startswith("SIMULACRO-")
        number = page.inner_text("#tracker")
        link = url + str(page.get_attribute("#find", "href"))
        page.click("#leave")
        page.set_input_files("#receipt-file", receipt)
        page.wait_for_selector("#verdict[data-quorum=reached]")
        in_order(page)
        assert page.inner_text("#tracker") == number
        # What the browser makes itself: files that were handed over.
        assert [address for address in asked if not address.startswith("blob:")] == [], "nothing left the page"
    with showing(browser, size, locale=locale) as page:
        page.goto(link)
        page.wait_for_selector("#verdict[data-quorum=reached]")
        in_order(page)
        assert page.inner_text("#tracker") == number
    told = CliRunner().invoke(root, ["audit", "receipt", str(receipt), "--policy", str(policy), "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert (found["verdict"], found["quorum"], found["tracker"]) == ("valid", "reached", number)


def second(browser: Browser, link: str, shown: str, size: tuple[int, int], locale: str) -> None:
    """The ballot that was put to the test, on another device."""
    with showing(browser, size, locale=locale) as page:
        page.goto(link)
        page.fill("#fingerprint", shown)
        page.click("#check")
        page.wait_for_selector("#yes")
        in_order(page)
        assert "Candidata Inventada Uno" in page.inner_text("[data-contest=presidencia]")
        page.click("#yes")
        page.wait_for_selector("#verdict")
        in_order(page)


def test_practice_receipts_are_nothing_to_the_real_page(browser: Browser, url: str, tmp_path: Path) -> None:
    with showing(browser) as page:
        page.goto(f"{url}/practica")
        page.click("#begin")
        page.click("#use")
        page.click("#go-on")
        for _ in range(2):
            page.wait_for_selector(".paper")
            heading = page.inner_text("h1")
            page.check("#annul", force=True)
            page.click("#next")
            page.wait_for_function("before => document.querySelector('h1').innerText !== before", arg=heading)
        page.click("#seal")
        page.click("#cast")
        page.wait_for_selector("#download")
        receipt = save(page, "#download", tmp_path)
        page.goto(f"{url}/recibo")
        page.set_input_files("#receipt-file", receipt)
        page.wait_for_selector("#verdict.problem")
        assert page.is_visible("a[href='/practica']")
        receipt.write_text(receipt.read_text().replace("index 1", "index 0"))
        page.goto(f"{url}/practica")
        page.set_input_files("#receipt-file", receipt)
        page.wait_for_selector("#verdict.problem")
        in_order(page)

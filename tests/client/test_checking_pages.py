"""Find my vote, and the second device, in a browser over a real ballot box, in both languages, on phone and desktop."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
import segno
import voting_page
from browser import DESKTOP, PHONE, axe, overflow, showing
from checking_page import cast, fingerprint_of, fragment, opening, save
from click.testing import CliRunner
from served import BallotBoxUnderTest, listening
from simulator import Simulator

from vemre.cli.main import root
from vemre.crypto import tracker
from vemre.election.choice import Marks, Null, WriteIn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWS: Final = [("es-MX", PHONE), ("en-US", DESKTOP)]
HEADINGS: Final = {
    "es-MX": {
        "found": "Su voto está en la urna",
        "pending": "faltan firmas",
        "absent": "No encontramos ese recibo",
        "contradicted": "se contradicen",
        "other": "no sirve como recibo",
        "shown": "Esto se cifró",
        "alarm": "No vote en ese dispositivo",
        "good": "cifró bien",
    },
    "en-US": {
        "found": "Your vote is in the ballot box",
        "pending": "signatures are missing",
        "absent": "We did not find that receipt",
        "contradicted": "contradict each other",
        "other": "does not serve as a receipt",
        "shown": "This was encrypted",
        "alarm": "Do not vote on that device",
        "good": "encrypted well",
    },
}
CHOICES: Final = (Marks((0, 1)), Null())


@dataclass
class Polls:
    """A ballot box at `url` with one ballot in it, which both auditors have cosigned unless a test says otherwise."""

    box: BallotBoxUnderTest
    url: str
    answer: dict[str, Any]

    @property
    def tracker(self) -> str:
        return str(self.answer["tracker"])

    @property
    def link(self) -> str:
        return f"{self.url}/recibo#{self.answer['leaf_hash']}"


@pytest.fixture(scope="module")
def simulation() -> Simulator:
    return voting_page.simulated(urns=("urna-09",) * 12)[0]


@pytest.fixture(scope="module")
def polls(simulation: Simulator, pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polls]:
    folder = tmp_path_factory.mktemp("polls")
    with BallotBoxUnderTest(simulation, folder, build=pages).running() as box:
        box.open()
        answer = cast(box, simulation.voters[0], CHOICES)
        box.cosign()
        with listening(box.station.app) as url:
            yield Polls(box, url, answer)


def verdict(page: Page, locale: str, kind: str) -> None:
    """The heading says so, and the page is in order for everybody."""
    page.wait_for_selector("#verdict")
    assert HEADINGS[locale][kind] in page.inner_text("h1")
    assert axe(page) == []
    assert overflow(page) == 0


def test_the_footer_shows_the_digest_of_the_page(browser: Browser, polls: Polls) -> None:
    listed = polls.box.client.get("/assets.json").content
    with showing(browser) as page:
        for path in ("/recibo", "/reto", "/practica"):
            page.goto(polls.url + path)
            page.wait_for_selector("#page-digest", state="attached")
            shown = page.evaluate("document.getElementById('page-digest').textContent")
            assert shown == tracker.shown(hashlib.sha256(listed).digest())


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_a_vote_is_found_by_number_link_picture_and_file(
    browser: Browser, polls: Polls, locale: str, size: tuple[int, int], tmp_path: Path
) -> None:
    with showing(browser, size, locale=locale) as page:
        page.goto(f"{polls.url}/recibo")
        page.wait_for_selector("#tracker")
        assert axe(page) == []
        assert overflow(page) == 0
        page.fill("#tracker", polls.tracker.lower().replace("-", " "))
        page.click("#look")
        verdict(page, locale, "found")
        assert page.inner_text("#tracker") == polls.tracker
        text = page.inner_text("main")
        assert "auditor 1" in text
        assert "auditor 2" in text
        for name in ("PAN", "Xóchitl", "Ibáñez"):
            assert name not in page.content(), "nothing says what was voted"
        kept = save(page, "#keep", tmp_path)
        assert kept.name == f"recibo-{polls.tracker[:9]}.tlog-proof"

        page.goto("about:blank")
        page.goto(polls.link)
        verdict(page, locale, "found")

        page.click("#another")
        page.set_input_files("#receipt-file", kept)
        verdict(page, locale, "found")

        picture = io.BytesIO()
        segno.make(polls.link, error="m").save(picture, kind="png", scale=6)
        page.click("#another")
        page.set_input_files("#picture", {"name": "q.png", "mimeType": "image/png", "buffer": picture.getvalue()})
        verdict(page, locale, "found")

        other = "es" if locale == "en-US" else "en"
        page.click(f"#language-{other}")
        assert HEADINGS["es-MX" if other == "es" else "en-US"]["found"] in page.inner_text("h1")


def test_codes_of_other_places_are_not_followed(browser: Browser, polls: Polls) -> None:
    picture = io.BytesIO()
    segno.make(polls.link.replace("127.0.0.1", "evil.example"), error="m").save(picture, kind="png", scale=6)
    with showing(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{polls.url}/recibo")
        page.set_input_files("#picture", {"name": "q.png", "mimeType": "image/png", "buffer": picture.getvalue()})
        page.wait_for_function("() => document.getElementById('scan-error').textContent !== ''")
        assert page.is_visible("#look")
        assert all(address.startswith(polls.url) for address in asked)


def test_a_mistyped_number_is_told_at_once(browser: Browser, polls: Polls) -> None:
    with showing(browser) as page:
        page.goto(f"{polls.url}/recibo")
        for typed in ("", "abc", polls.tracker[:-1]):
            page.fill("#tracker", typed)
            page.click("#look")
            assert page.get_attribute("#tracker", "aria-invalid") == "true"
            assert page.inner_text("#tracker-error") != ""


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_a_receipt_is_pending_until_the_auditors_sign(
    browser: Browser, simulation: Simulator, pages: Path, tmp_path: Path, locale: str, size: tuple[int, int]
) -> None:
    with BallotBoxUnderTest(simulation, tmp_path, build=pages).running() as box:
        box.open()
        answer = cast(box, simulation.voters[1], CHOICES)
        with listening(box.station.app) as url, showing(browser, size, locale=locale) as page:
            page.goto(f"{url}/recibo#{answer['leaf_hash']}")
            verdict(page, locale, "pending")
            assert page.get_attribute("#verdict", "data-quorum") == "pending"
            box.cosign()
            page.click("#retry")
            page.wait_for_selector("#verdict[data-quorum=reached]")
            verdict(page, locale, "found")


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_what_is_not_there_is_said_after_looking_everywhere(
    browser: Browser, polls: Polls, locale: str, size: tuple[int, int], tmp_path: Path
) -> None:
    with showing(browser, size, locale=locale, errors=True) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{polls.url}/recibo")
        page.fill("#tracker", "0" * 32)
        page.click("#look")
        verdict(page, locale, "absent")
        assert not any("receipts" in address for address in asked), "nobody is told which number is looked for"
        assert save(page, "#evidence-log", tmp_path).read_bytes() == polls.box.client.get("/log/checkpoint").content
        page.goto("about:blank")
        page.goto(f"{polls.url}/recibo#{'00' * 32}")
        verdict(page, locale, "absent")


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_a_ballot_box_that_broke_its_signature_is_convicted_by_what_the_page_saves(
    browser: Browser,
    polls: Polls,
    simulation: Simulator,
    pages: Path,
    locale: str,
    size: tuple[int, int],
    tmp_path: Path,
) -> None:
    with BallotBoxUnderTest(simulation, tmp_path, build=pages).running() as box:
        box.open()
        dropped = tmp_path / "dropped.tlog-proof"
        dropped.write_text(cast(box, simulation.voters[2], CHOICES)["receipt"])
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(simulation.policy))
    with showing(browser, size, locale=locale, errors=True) as page:
        page.goto(f"{polls.url}/recibo")
        page.set_input_files("#receipt-file", dropped)
        verdict(page, locale, "contradicted")
        receipt, later = save(page, "#keep", tmp_path), save(page, "#evidence-log", tmp_path)
    assert receipt.read_bytes() == dropped.read_bytes()
    words = ["audit", "dispute", str(receipt), "--policy", str(policy), "--checkpoint", str(later), "--json"]
    told = CliRunner().invoke(root, words)
    assert told.exit_code == 0, told.output
    assert (json.loads(told.stdout)["verdict"], json.loads(told.stdout)["party"]) == ("proven", "ballot-box")


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_files_that_are_no_receipt(
    browser: Browser, polls: Polls, locale: str, size: tuple[int, int], tmp_path: Path
) -> None:
    file = tmp_path / "x.tlog-proof"
    text = polls.answer["receipt"]
    origin = polls.box.sim.log_signers["ballot"].origin
    with showing(browser, size, locale=locale) as page:
        page.goto(f"{polls.url}/recibo")
        for content in (
            "",
            "x" * 100,
            text.replace("index ", "index 1"),
            text.replace(origin, "other/log"),
        ):
            file.write_text(content)
            page.set_input_files("#receipt-file", file)
            verdict(page, locale, "other")
            page.click("#another")


# --- the second device ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_a_tested_ballot_shows_what_it_held(browser: Browser, polls: Polls, locale: str, size: tuple[int, int]) -> None:
    found = opening(polls.box.sim, polls.box.sim.voters[3], (WriteIn("Benito <b>Juárez</b>"), Marks((1,))))
    link = f"{polls.url}/reto#{fragment(found.encode(polls.box.sim.offer))}"
    with showing(browser, size, locale=locale) as page:
        page.goto(link)
        page.wait_for_selector("#fingerprint")
        assert page.url == f"{polls.url}/reto", "the address does not keep what somebody marked"
        assert axe(page) == []
        page.fill("#fingerprint", "x")
        page.click("#check")
        assert page.get_attribute("#fingerprint", "aria-invalid") == "true"
        page.fill("#fingerprint", "0" * 32)
        page.click("#check")
        page.wait_for_function("() => document.getElementById('fingerprint-error')?.textContent !== ''")
        page.fill("#fingerprint", fingerprint_of(found).lower())
        page.click("#check")
        page.wait_for_selector("#yes")
        assert HEADINGS[locale]["shown"] in page.inner_text("h1")
        assert page.inner_text("[data-contest=presidencia] .name") == "Benito <b>Juárez</b>"
        assert "Beto Sáenz" in page.inner_text("[data-contest=gubernatura]")
        assert axe(page) == []
        assert overflow(page) == 0
        page.click("#yes")
        verdict(page, locale, "good")
        page.goto("about:blank")
        page.goto(link)
        page.fill("#fingerprint", fingerprint_of(found))
        page.click("#check")
        page.click("#no")
        verdict(page, locale, "alarm")


@pytest.mark.parametrize(("locale", "size"), VIEWS)
def test_a_device_that_encrypts_something_else_is_found_out(
    browser: Browser, polls: Polls, locale: str, size: tuple[int, int]
) -> None:
    """It shows the fingerprint of what it encrypted, and opens it as what the voter marked."""
    sim, voter = polls.box.sim, polls.box.sim.voters[4]
    cheat = opening(sim, voter, (Marks((5,)), Null()))
    claimed = json.loads(cheat.encode(sim.offer))
    claimed["choices"]["presidencia"] = {"marks": ["pan"]}
    data = json.dumps(claimed, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    with showing(browser, size, locale=locale) as page:
        page.goto(f"{polls.url}/reto#{fragment(data)}")
        for attempt in range(2):
            page.fill("#fingerprint", fingerprint_of(cheat))
            page.click("#check")
            if attempt == 0:
                page.wait_for_function("() => document.getElementById('fingerprint-error')?.textContent !== ''")
        verdict(page, locale, "alarm")
        assert page.get_attribute("#verdict", "data-code") == "second-alarm-fingerprint"


def test_links_that_are_not_whole(browser: Browser, polls: Polls) -> None:
    sim = polls.box.sim
    whole = fragment(opening(sim, sim.voters[5], CHOICES).encode(sim.offer))
    with showing(browser) as page:
        page.goto(f"{polls.url}/reto")
        assert axe(page) == []
        for text in ("", "#", "hola", f"{polls.url}/reto"):
            page.fill("#link", text)
            page.click("#open")
            assert page.get_attribute("#link", "aria-invalid") == "true", text
        page.fill("#link", f"{polls.url}/reto#{whole[: len(whole) // 2 // 4 * 4]}")
        page.click("#open")
        page.fill("#fingerprint", "0" * 32)
        page.click("#check")
        page.wait_for_selector("#verdict.problem")
        assert axe(page) == []

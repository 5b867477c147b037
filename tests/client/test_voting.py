"""From signing in to the receipt: what the voter does, what the ballot box gets, what stays on the device."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from browser import DESKTOP, PHONE, showing
from entering import PASSWORD
from gallery.emblems import DOTS, FIGURES, emblem
from playwright.sync_api import Browser, Page, expect
from voting_page import LANGUAGES, Citizen, VotingPage, offer, serving, simulated

from ballot.voter.receipts import check_file
from vemre.crypto import tracker
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

MOST_ACTIONS = 8


def ballots(site: VotingPage, who: Citizen) -> list[Any]:
    """The voter's ballots in the log."""
    credential = who.person.voter.key.public.hex()
    return [
        record for record in site.box.entries() if isinstance(record.body, v.Ballot) and record.signer == credential
    ]


class Counted:
    """Everything that a voter does with a page, one by one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def click(self, selector: str) -> None:
        self.actions += 1
        self.page.click(selector)

    def mark(self, selector: str) -> None:
        self.actions += 1
        self.page.check(selector, force=True)


def test_at_most_eight_actions_from_sign_in_to_receipt(browser: Browser, site: VotingPage, tmp_path: Path) -> None:
    """An action is what is pressed or marked. What is typed goes with the press that sends it."""
    who = site.next()
    who.person.enter()
    with showing(browser, PHONE, locale=LANGUAGES["es"], accept_downloads=True) as page:
        voter = Counted(page)
        page.goto(site.url)
        page.fill("#user", who.person.user)
        page.fill("#password", PASSWORD)
        voter.click("#enter")
        page.wait_for_selector("#code")
        page.fill("#code", who.person.code())
        voter.click("#enter")
        page.fill("#credential", who.credential)
        voter.click("#go-on")
        voter.mark("#option-0")
        voter.mark("#option-1")
        voter.click("#next")
        voter.click("#seal")
        voter.click("#cast")
        expect(page.locator("h1")).to_have_text("Su voto está en la urna")
        assert voter.actions <= MOST_ACTIONS

        (ballot,) = ballots(site, who)
        assert page.inner_text("#tracker") == tracker.shown(ballot.leaf_hash)
        assert page.get_attribute("#find", "href") == f"/recibo#{ballot.leaf_hash.hex()}"
        with page.expect_download() as download:
            page.click("#download")
        saved = tmp_path / "receipt"
        download.value.save_as(saved)
        assert download.value.suggested_filename.endswith(".tlog-proof")
        checked = check_file(saved.read_bytes(), site.box.station.anchors)
        assert checked.tracker == tracker.shown(ballot.leaf_hash)


def test_what_is_marked_is_what_is_encrypted(browser: Browser, site: VotingPage) -> None:
    """Every ballot of the page is decrypted with the simulated trustees' shares."""
    who = {
        ("option-0", "option-1"): "pan+pri",
        ("option-6",): "indep",
        ("write-in",): "Benito Juárez García",
        ("annul",): "",
    }
    found = {}
    for boxes in who:
        citizen = site.next()
        with showing(browser, locale=LANGUAGES["es"]) as page:
            citizen.come(page, site.url)
            citizen.seal(page, *boxes, written=who[boxes] if boxes == ("write-in",) else "")
            page.click("#cast")
            page.wait_for_selector("#tracker")
        (ballot,) = ballots(site, citizen)
        found[boxes] = site.read(ballot)
    assert found == {
        ("option-0", "option-1"): {"presidencia": {"marks": ["pan", "pri"]}},
        ("option-6",): {"presidencia": {"marks": ["indep"]}},
        ("write-in",): {"presidencia": {"write_in": "Benito Juárez García"}},
        ("annul",): {"presidencia": "null"},
    }


def test_nothing_stays_on_the_device(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["en"]) as page:
        who.come(page, site.url)
        who.seal(page, "option-5")
        page.click("#cast")
        page.wait_for_selector("#tracker")
        assert kept(page) == ["vemre-session"]
        assert "Claudia" not in page.content()
        page.click("#leave")
        expect(page.locator("h1")).to_have_text("Sign in to vote")
        assert kept(page) == []
        assert page.context.cookies() == [] or all(
            cookie["name"] != "__Host-vemre" for cookie in page.context.cookies()
        )
        assert tracker_of(site, who) not in page.content()


def kept(page: Page) -> list[str]:
    """What the origin keeps in this browser, the choice of a language aside."""
    found: str = page.evaluate("JSON.stringify([...Object.keys(localStorage), ...Object.keys(sessionStorage)])")
    return [name for name in json.loads(found) if name != "vemre-language"]


def tracker_of(site: VotingPage, who: Citizen) -> str:
    (ballot,) = ballots(site, who)
    return tracker.shown(ballot.leaf_hash)


def test_the_auditors_signatures_come_by_themselves(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        who.seal(page, "option-2", "option-3", "option-5")
        page.click("#cast")
        expect(page.locator("#auditors")).to_contain_text("Han firmado 0 de 2")
        site.box.cosign()
        expect(page.locator("#auditors")).to_have_text("Firmaron 2 de 2.", timeout=30_000)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_several_papers_and_changes(browser: Browser, site: VotingPage, size: tuple[int, int]) -> None:
    who = site.next("urna-09")
    with showing(browser, size, locale=LANGUAGES["en"]) as page:
        who.come(page, site.url)
        who.give_credential(page)
        expect(page.locator(".step")).to_have_text("Ballot 1 of 2")
        page.click("#next")
        expect(page.locator("#paper-missing")).to_contain_text("The ballot is blank")
        expect(page.locator("#paper-missing")).to_be_focused()
        page.check("#option-4", force=True)
        page.click("#next")
        expect(page.locator(".step")).to_have_text("Ballot 2 of 2")
        page.click("#back")
        expect(page.locator("#option-4")).to_be_checked()
        page.click("#next")
        page.go_back()
        expect(page.locator(".step")).to_have_text("Ballot 1 of 2")
        page.click("#next")
        page.check("#annul", force=True)
        page.click("#next")
        expect(page.locator("h1")).to_have_text("Check your vote")
        expect(page.locator(".choice").nth(0)).to_contain_text("Jorge Álvarez de la Ü")
        expect(page.locator(".choice").nth(1)).to_contain_text("Null vote")
        page.click("#change-1")
        page.click("#option-1", force=True)
        expect(page.locator(".dispute")).to_contain_text("This is marked already: Annul my vote")
        page.click("#change")
        expect(page.locator("#option-1")).to_be_checked()
        page.click("#next")
        expect(page.locator(".choice").nth(1)).to_contain_text("Beto Sáenz")
        page.click("#seal")
        page.wait_for_selector("#cast")
        before = page.inner_text("#fingerprint")
        page.click("#back")
        expect(page.locator("h1")).to_have_text("Check your vote")
        page.click("#seal")
        page.wait_for_selector("#cast")
        assert page.inner_text("#fingerprint") != before
        page.click("#cast")
        page.wait_for_selector("#tracker")
    (ballot,) = ballots(site, who)
    assert site.read(ballot) == {"presidencia": {"marks": ["mc"]}, "gubernatura": {"marks": ["morena"]}}


def test_only_what_goes_together_can_be_marked(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        who.give_credential(page)
        assert page.locator(".paper input:checked").count() == 0
        order = page.locator(".paper .emblem").all_inner_texts()
        assert order[:7] == ["PAN", "PRI", "PVEM", "PT", "MC", "Morena", "MGÁF"]
        page.check("#option-2", force=True)
        page.check("#option-5", force=True)
        page.click("#option-0", force=True)
        expect(page.locator("#option-0")).not_to_be_checked()
        expect(page.locator(".dispute")).to_contain_text("PAN no va en coalición con PVEM, Morena")
        page.click("#leave")
        expect(page.locator("#option-0")).to_be_focused()
        assert [page.is_checked(f"#option-{i}") for i in range(7)] == [False, False, True, False, False, True, False]
        page.click("#write-in", force=True)
        expect(page.locator(".dispute")).to_contain_text("Candidatura no registrada")
        page.click("#change")
        expect(page.locator("#written")).to_be_focused()
        page.click("#next")
        expect(page.locator("#written-error")).to_contain_text("Escriba el nombre")
        page.fill("#written", "ñ" * 30)
        expect(page.locator("#written-left")).to_contain_text("Quedan 0 espacios")
        page.fill("#written", "ñ" * 31)
        expect(page.locator("#written-error")).to_contain_text("demasiado largo")
        page.fill("#written", "Ana \u4e2d")
        expect(page.locator("#written-error")).to_contain_text("no se puede usar")
        page.click("#next")
        expect(page.locator("#written")).to_be_focused()
        page.fill("#written", " Rosa Luz \u0301")
        page.fill("#written", "Rosa Luz")
        page.click("#next")
        expect(page.locator(".choice")).to_contain_text("Rosa Luz")


def test_a_language_changes_nothing_but_words(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        page.fill("#credential", who.credential[:9])
        page.click("#language-en")
        expect(page.locator("h1")).to_have_text("Your voting credential")
        expect(page.locator("#language-en")).to_be_focused()
        assert page.input_value("#credential") == who.credential[:9]
        assert page.get_attribute("html", "lang") == "en"
        who.give_credential(page)
        page.check("#write-in", force=True)
        page.fill("#written", "Ana")
        page.click("#language-es")
        expect(page.locator("h1")).to_have_text("Presidencia de los Estados Unidos Mexicanos")
        assert page.is_checked("#write-in")
        assert page.input_value("#written") == "Ana"
        page.reload()
        expect(page.locator("h1")).to_have_text("Su credencial de voto")


def test_emblems_are_shown_if_they_are_the_ones_of_the_offer(browser: Browser, pages: Path, tmp_path: Path) -> None:
    del pages  # The client has to be built.
    pictures = [emblem(number) for number in range(FIGURES)]
    options = [
        s.Option(one.id, one.name, one.party, hashlib.sha256(picture).hexdigest())
        for one, picture in zip(offer().contests[0].options, pictures, strict=True)
    ]
    simulation = simulated(offer(options), urns=("urna-17",) * 2)
    folder = tmp_path / "emblems"
    folder.mkdir()
    for number, picture in enumerate(pictures[1:]):
        (folder / str(number)).write_bytes(picture)
    with serving(tmp_path, simulation, emblem_folder=folder) as site, showing(browser, errors=True) as page:
        # Without one of them nobody has a picture: what looks better is no better.
        who = site.next()
        who.come(page, site.url)
        who.give_credential(page)
        assert page.locator(".paper .emblem img").count() == 0
        site.box.station.blobs.put(pictures[0])
        page.reload()
        who.give_credential(page)
        page.wait_for_selector(".paper .emblem img")
        assert page.evaluate("[...document.querySelectorAll('.paper .emblem img')].map(one => one.naturalWidth)") == (
            [DOTS] * FIGURES
        )
        page.check("#option-0", force=True)
        page.click("#next")
        assert page.locator(".choice .emblem img").count() == 1

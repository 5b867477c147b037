"""The voter's pages: first access, signing in, voting, receipts, the second device, practice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import voting_page
from browser import DESKTOP
from checking_page import cast, fingerprint_of, fragment, opening
from entering import PASSWORD, posts
from pages import built
from served import CLOSES, OPENS, BallotBoxUnderTest, listening
from simulator import Simulator
from voting_page import Citizen, VotingPage

from ballot.access import factors
from gallery.camera import Camera
from gallery.emblems import FIGURES, emblem
from vemre.crypto.credential import Credential
from vemre.demo import pef2024
from vemre.election.choice import Choice, Marks, Null, WriteIn
from vemre.messages import problem
from vemre.records import setup_bodies as s

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

NAMES: Final = ("consuelo", "rosario", "amparo", "refugio", "soledad", "trinidad")
CHOICES: Final[tuple[Choice, ...]] = (Marks((0,)), Null(), WriteIn("Rosario Inventada Luz"))


def election() -> tuple[Simulator, list[Credential]]:
    """An election in the shape of 2024, with invented emblems, that has reached its setup."""
    plain = pef2024.offer([entity for entity in pef2024.entities() if entity.code == "09"])
    names = [hashlib.sha256(emblem(number)).hexdigest() for number in range(FIGURES)]

    def with_emblems(contest: s.Contest) -> s.Contest:
        options = [s.Option(o.id, o.name, o.party, names[k % FIGURES]) for k, o in enumerate(contest.options)]
        return msgspec.structs.replace(contest, options=options)

    offer = s.Offer(plain.urns, [with_emblems(contest) for contest in plain.contests])
    return voting_page.simulated(offer, urns=(plain.urns[0].id,) * 14)


def answer(document: Any, status: int = 200) -> Callable[[Route], None]:
    """What a page gets in the place of the service's answer."""
    return lambda route: route.fulfill(status=status, content_type="application/json", body=json.dumps(document))


class Box(BallotBoxUnderTest):
    """A ballot box whose voters have addresses that people could have."""

    def roster(self) -> dict[str, Any]:
        roster = super().roster()
        for number, entry in enumerate(roster["entries"], 1):
            entry["contact"] = f"{NAMES[number % len(NAMES)]}{number}@example.org"
        return roster


@contextmanager
def polls(folder: Path, simulation: tuple[Simulator, list[Credential]]) -> Iterator[VotingPage]:
    """An open ballot box with its pages, and with emblems."""
    simulator, credentials = simulation
    (folder / "emblems").mkdir(parents=True)
    for number in range(FIGURES):
        (folder / "emblems" / f"{number}.png").write_bytes(emblem(number))
    settings = {"help_contact": "800 433 2000", "emblem_folder": folder / "emblems", **posts(folder)}
    with Box(simulator, folder, build=built(), **settings).running() as box:
        assert box.open().official("access-links").status_code == 200
        with listening(box.station.app) as url:
            yield VotingPage(box, url, credentials)


def take(camera: Camera, folder: Path) -> None:
    """All of it."""
    simulation = election()
    with polls(folder / "polls", simulation) as site:
        first_access(camera, site)
        sign_in(camera, site)
        credential_and_papers(camera, site)
        from_sealed_to_receipt(camera, site)
        reasons(camera, site)
        find(camera, site, folder)
        second(camera, site)
        practice(camera, site)


def voter(site: VotingPage) -> Citizen:
    """The next voter."""
    return site.next(site.box.sim.offer.urns[0].id)


# --- access ---------------------------------------------------------------------------------------------------------


def first_access(camera: Camera, site: VotingPage) -> None:
    who = voter(site)
    with camera.window() as page:
        page.goto(f"{site.url}/acceso")
        camera.take(page, "access-no-link", "#no-link")
        page.goto(f"{site.url}/acceso#{who.person.link()}")
        camera.take(page, "access-digits", "#digits")
        page.fill("#digits", "0000")
        page.click("#go-on")
        camera.take(page, "access-refused", ".problem")
        page.fill("#digits", who.person.phone[-4:])
        page.click("#go-on")
        page.check("#factor-totp")
        camera.take(page, "access-factor")
        page.click("#go-on")
        camera.take(page, "access-app", "#secret")
        page.fill("#password", "corta")
        page.click("#confirm")
        camera.take(page, "access-wrong", "#code[aria-invalid=true]")
        page.fill("#password", PASSWORD)
        page.fill("#code", "000000")
        page.click("#confirm")
        camera.take(page, "access-wrong-code", ".problem")
        secret = page.inner_text("#secret").replace(" ", "")
        page.fill("#code", factors.totp_code(secret, site.box.clock.now))
        page.click("#confirm")
        camera.take(page, "access-ready", "#ready")
    with camera.window() as page:
        who = voter(site)
        page.goto(f"{site.url}/acceso#{who.person.link()}")
        page.fill("#digits", who.person.phone[-4:])
        page.click("#go-on")
        page.check("#factor-sms")
        page.click("#go-on")
        camera.take(page, "access-sms", "#again")


def sign_in(camera: Camera, site: VotingPage) -> None:
    who = voter(site)
    who.person.enter()
    waits = problem("too-many-tries", {"minutes": 15}).document("es")
    with camera.window() as page:
        page.goto(site.url)
        camera.take(page, "sign-in", "#user")
        for detail in page.locator("summary").all():
            detail.click()
        camera.take(page, "sign-in-help", "#user")

    def tried(name: str, act: Callable[[Route], None]) -> None:
        with camera.window() as page:
            page.goto(site.url)
            page.route("**/session", act)
            page.fill("#user", who.person.user)
            page.fill("#password", PASSWORD)
            page.click("#enter")
            camera.take(page, name, ".problem")

    tried("sign-in-unreachable", lambda route: route.abort())
    tried("sign-in-wait", answer(waits, 429))
    with camera.window() as page:
        page.goto(site.url)
        page.fill("#user", who.person.user)
        page.fill("#password", PASSWORD)
        page.click("#enter")
        camera.take(page, "sign-in-code", "#code")
        page.fill("#code", "000000")
        page.click("#enter")
        camera.take(page, "sign-in-failed", ".problem")


# --- voting ---------------------------------------------------------------------------------------------------------


def credential_and_papers(camera: Camera, site: VotingPage) -> None:
    who = voter(site)
    with camera.window() as page:
        who.come(page, site.url)
        camera.take(page, "vote-credential", "#credential")
        page.fill("#credential", who.credential[:-1] + "U")
        camera.take(page, "vote-credential-wrong", "#credential-error:not(:empty)")
        page.fill("#credential", who.credential)
        page.wait_for_selector("#credential-state:not(:empty)")
        for detail in page.locator("main summary").all():
            detail.click()
        camera.take(page, "vote-credential-good")
        page.click("#go-on")
        camera.take(page, "vote-paper", ".paper")
        page.click("#next")
        camera.take(page, "vote-paper-blank", "#paper-missing:not(:empty)")
        for number in (0, 1, 2):
            page.check(f"#option-{number}", force=True)
        camera.take(page, "vote-paper-coalition", "li.chosen")
        page.click("#option-6", force=True)
        camera.take(page, "vote-paper-dispute", ".dispute")
        page.click("#leave")
        page.click("#next")
        page.wait_for_selector(".step:has-text('2')")
        page.check("#annul", force=True)
        camera.take(page, "vote-paper-null")
        page.click("#next")
        page.wait_for_selector(".step:has-text('3')")
        page.check("#write-in", force=True)
        page.fill("#written", "\u4e2d")
        camera.take(page, "vote-paper-written-wrong", "#written-error:not(:empty)")
        page.fill("#written", "Rosario Inventada Luz")
        camera.take(page, "vote-paper-written", "#written")
        page.click("#next")
        camera.take(page, "vote-review", "#seal")
        page.click("#seal")
        camera.take(page, "vote-choose", "#cast")
        page.click("#challenge")
        camera.take(page, "vote-tested", "svg.qr")
        page.click("#sign-out")
        camera.take(page, "sign-in-left", "#why-left")


def mark_all(page: Page) -> None:
    """The same mark on all three papers, and sealed."""
    for number in (1, 2, 3):
        page.wait_for_selector(f".step:has-text('{number}')")
        page.check("#option-6", force=True)
        page.click("#next")
    page.click("#seal")
    page.wait_for_selector("#cast")


def from_sealed_to_receipt(camera: Camera, site: VotingPage) -> None:
    who = voter(site)
    with camera.window() as page:
        page.clock.install()
        who.come(page, site.url)
        who.give_credential(page)
        mark_all(page)
        page.clock.run_for(26 * 60_000)
        camera.take(page, "vote-warning", "#extend")
        page.route("**/ballots", lambda route: route.abort())
        page.click("#cast")
        camera.take(page, "vote-casting", "#casting")
        for _ in range(5):
            page.wait_for_timeout(200)
            page.clock.run_for(15_000)
        camera.take(page, "vote-lost", "#send")
        page.reload()
        camera.take(page, "vote-resend", "#send")
        page.unroute("**/ballots")
        page.route("**/ballots", answer(cast(site.box, voter(site).person.voter, CHOICES)))
        page.click("#send")
        camera.take(page, "vote-alarm", ".alarm")
        page.unroute("**/ballots")
        page.reload()
        page.click("#send")
        page.wait_for_selector("#tracker")
        site.box.cosign()
        page.wait_for_timeout(200)
        page.clock.run_for(15_000)
        camera.take(page, "receipt", "#auditors")
        page.reload()
        camera.take(page, "receipt-again", "#tracker")
        site.box.clock.now += 31 * 60
        page.clock.run_for(31 * 60_000)
        camera.take(page, "sign-in-over", "#why-over")


def reasons(camera: Camera, site: VotingPage) -> None:
    who, begun = voter(site), site.box.clock.now
    # A code is good after the one before it alone: the clock goes on from here.
    site.box.clock.now = OPENS - 120
    who.person.enter()
    for name, ready, now in (("not-yet", "[data-code=not-yet]", OPENS - 60), ("closed", "[data-code=closed]", CLOSES)):
        with camera.window() as page:
            site.box.clock.now = now
            who.sign_in(page, site.url)
            camera.take(page, f"vote-{name}", ready)
    site.box.clock.now = begun + 120
    who = voter(site)
    who.person.enter()
    with camera.window() as page:
        page.context.route("**/mirror/tally/cosigned", answer({"code": "not-cosigned-yet"}, 404))
        who.sign_in(page, site.url)
        camera.take(page, "vote-not-verified", ".problem")
        page.context.unroute("**/mirror/tally/cosigned")
        page.click("#again")
        page.wait_for_selector("#credential")
        who.give_credential(page)
        mark_all(page)
        assert site.box.submit(site.box.block(who.person.voter)).status_code == 201
        page.click("#cast")
        camera.take(page, "vote-refused", ".problem")


# --- checking -------------------------------------------------------------------------------------------------------


def find(camera: Camera, site: VotingPage, folder: Path) -> None:
    simulator = site.box.sim
    found = cast(site.box, voter(site).person.voter, CHOICES)
    with camera.window() as page:
        page.goto(f"{site.url}/recibo#{found['leaf_hash']}")
        camera.take(page, "receipt-pending", "#verdict")
        site.box.cosign()
        page.click("#retry")
        camera.take(page, "receipt-found", "#verdict[data-quorum=reached]")
    with camera.window() as page:
        page.goto(f"{site.url}/recibo")
        camera.take(page, "receipt-find", "#tracker")
        page.fill("#tracker", found["tracker"][:-1])
        page.click("#look")
        camera.take(page, "receipt-mistyped", "#tracker[aria-invalid=true]")
        page.fill("#tracker", "0" * 32)
        page.click("#look")
        camera.take(page, "receipt-absent", "#verdict")
    other = folder / "other"
    with BallotBoxUnderTest(simulator, other, build=built(), **posts(other)).running() as box:
        box.open()
        kept = other / "recibo.tlog-proof"
        kept.write_text(cast(box, simulator.voters[-1], CHOICES)["receipt"])
    with camera.window() as page:
        page.goto(f"{site.url}/recibo")
        page.set_input_files("#receipt-file", kept)
        camera.take(page, "receipt-contradicted", "#verdict")
        page.goto(f"{site.url}/recibo")
        kept.write_text("x" * 100)
        page.set_input_files("#receipt-file", kept)
        camera.take(page, "receipt-other", "#verdict")
        page.goto(f"{site.url}/recibo")
        page.wait_for_selector("#tracker")
        page.clock.install()
        page.context.route("**/log/**", lambda route: route.abort())
        page.fill("#tracker", "0" * 32)
        page.click("#look")
        for _ in range(6):
            page.wait_for_timeout(200)
            page.clock.run_for(15_000)
        camera.take(page, "receipt-unreachable", "#verdict, .problem")


def second(camera: Camera, site: VotingPage) -> None:
    simulator = site.box.sim
    found = opening(simulator, simulator.voters[-1], CHOICES)
    link = f"{site.url}/reto#{fragment(found.encode(simulator.offer))}"
    with camera.window() as page:
        page.goto(f"{site.url}/reto")
        camera.take(page, "second", "#link")
        for name, button in (("good", "#yes"), ("alarm", "#no")):
            page.goto("about:blank")
            page.goto(link)
            page.wait_for_selector("#fingerprint")
            if name == "good":
                camera.take(page, "second-fingerprint")
            page.fill("#fingerprint", fingerprint_of(found))
            page.click("#check")
            page.wait_for_selector("#yes")
            if name == "good":
                camera.take(page, "second-shown")
            page.click(button)
            camera.take(page, f"second-{name}", "#verdict")


def practice(camera: Camera, site: VotingPage) -> None:
    with camera.window() as page:
        page.goto(f"{site.url}/practica")
        page.wait_for_selector("#page-digest", state="attached")
        camera.take(page, "practice", "#begin")
        page.click("#begin")
        camera.take(page, "practice-credential", "#use")
        page.click("#use")
        page.click("#go-on")
        page.wait_for_selector(".paper")
        page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        page.check("#option-0", force=True)
        camera.take(page, "practice-paper", ".paper")
        page.click("#next")
        page.wait_for_selector(".step:has-text('2')")
        page.check("#annul", force=True)
        page.click("#next")
        camera.take(page, "practice-review", "#seal")
        page.click("#seal")
        camera.take(page, "practice-choose", "#cast")
        page.click("#cast")
        page.wait_for_selector("#download")
        page.wait_for_function("() => /2 (de|of) 2/.test(document.getElementById('auditors').innerText)")
        camera.take(page, "practice-receipt", "#auditors")
        link = page.get_attribute("#find", "href")
        with camera.window() as other:
            other.goto(f"{site.url}{link}")
            camera.take(other, "practice-found", "#verdict")

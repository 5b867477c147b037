"""A citizen's whole way in a real browser, over a whole election: application, acceptance, letters, first access,
ballot, challenge, cast, receipt, find my vote; then the count holds exactly that vote.

With `VEMRE_PICTURES=FOLDER` every page is left there as a picture, for a phone and for a desktop.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from browser import DESKTOP, PHONE, axe, overflow, showing

from ballot.access import factors
from ballot.voter.receipts import check_file
from vemre.demo import pef2024, voters
from vemre.demo.children import Children
from vemre.demo.election import Demonstration
from vemre.demo.places import Places
from vemre.demo.stages import Stages
from vemre.election.choice import Choice, Marks
from vemre.election.choice_names import contests_of_urn
from vemre.election.rules.view import Anchors
from vemre.records.policy import parse_policy
from vemre.records.setup_bodies import Contest
from vemre.service.client import ServiceClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

VOTERS: Final = 5
ADDRESS: Final = "consuelo.chicago@example.org"
PHONE_NUMBER: Final = "+1 312 666 4821"
PASSWORD: Final = "los cerezos de Pilsen"
PICTURES: Final = os.environ.get("VEMRE_PICTURES")
PATIENCE: Final = 120_000


@dataclass
class Seen:
    """What the citizen saw and got."""

    pages: list[str] = field(default_factory=list)
    tracker: str = ""
    receipt: bytes = b""
    challenged: str = ""
    found: str = ""
    choices: dict[str, Choice] = field(default_factory=dict)


class Journey(Demonstration):
    """A demonstration in which one citizen more does everything by hand."""

    browser: Browser
    folder: Path
    report: dict[str, Any]

    def start(self, browser: Browser, folder: Path) -> None:
        """With which browser, and where downloads go."""
        self.browser, self.folder, self.seen = browser, folder, Seen()

    @contextmanager
    def window(self) -> Iterator[Page]:
        with showing(
            self.browser, PHONE, locale="es-MX", ignore_https_errors=True, accept_downloads=True, errors=True
        ) as page:
            page.set_default_timeout(PATIENCE)
            yield page

    def look(self, page: Page, name: str) -> None:
        """The page is in order at both sizes; pictures are taken where they are asked for."""
        for size, (width, height) in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size({"width": width, "height": height})
            assert overflow(page) <= 0, (name, size)
            if PICTURES:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                page.screenshot(path=Path(PICTURES) / f"{name}-{size}.png", full_page=True)
        assert axe(page) == [], name
        self.seen.pages.append(name)

    # --- the registry ---------------------------------------------------------------------------------------

    def enrol(self) -> None:
        super().enrol()
        citizen = replace(self.electorate.visitor, folio="", email=ADDRESS, phone=PHONE_NUMBER)
        self.electorate.roll.append(citizen)
        registry = self.pages()["registry"]
        with self.window() as page:
            page.goto(f"{registry}/")
            self.look(page, "registry")
            page.goto(f"{registry}/registro/solicitud")
            self.look(page, "application")
            page.select_option("#country", "US")
            page.select_option("#entity", citizen.entity)
            for name, value in {
                "clave_de_elector": "XXXXXX80022909M654", "cic": "123456789", "names": "Consuelo Inventada Pérez",
                "city": "Chicago", "address": "1852 W 19th St", "district": "3", "email": ADDRESS,
                "phone": PHONE_NUMBER,
            }.items():  # fmt: skip
                page.fill(f"#{name}", value)
            page.check("#modality-internet")
            send(page)
            self.look(page, "application-check")
            send(page)
            self.look(page, "application-sent")
        with self.window() as page:
            page.goto(f"{registry}/personal/entrar")
            self.look(page, "office-enter")
            page.fill("#key", self.official_token)
            send(page)
            page.goto(f"{registry}/personal")
            self.look(page, "office-queue")
            page.click("main a[href*='/personal/solicitudes/']")
            self.look(page, "office-application")
            page.click("a[href$='/aceptar']")
            self.look(page, "office-accept")
            send(page)

    # --- the ballot box -------------------------------------------------------------------------------------

    def cast(self) -> None:
        super().cast()
        token = voters.link_tokens(self.places.mail("ballot"))[ADDRESS]
        credential = self._credentials()[ADDRESS]
        ballot = self.pages()["ballot"]
        with self.window() as page:
            page.goto(f"{ballot}/acceso#{token}")
            page.wait_for_selector("#digits")
            self.look(page, "access-digits")
            page.fill("#digits", PHONE_NUMBER[-4:])
            page.click("#go-on")
            page.check("#factor-totp")
            self.look(page, "access-factor")
            page.click("#go-on")
            page.wait_for_selector("#secret")
            self.look(page, "access-password")
            secret = page.inner_text("#secret").replace(" ", "")
            page.fill("#password", PASSWORD)
            used = int(time.time())
            page.fill("#code", factors.totp_code(secret, used))
            page.click("#confirm")
            page.wait_for_selector("#ready")
            self.look(page, "access-ready")
            page.click("#vote")
            page.wait_for_selector("#user")
            self.look(page, "sign-in")
            page.fill("#user", ADDRESS)
            page.fill("#password", PASSWORD)
            page.click("#enter")
            page.wait_for_selector("#code")
            self.look(page, "sign-in-code")
            page.fill("#code", factors.totp_code(secret, next_step(used)))
            page.click("#enter")
            page.wait_for_selector("#credential")
            self.look(page, "credential")
            page.fill("#credential", credential)
            page.click("#go-on")
            self.vote(page)
        with self.window() as page:
            page.goto(f"{ballot}/practica")
            page.wait_for_selector("#begin, #use, #practice-credential")
            self.look(page, "practice")

    def vote(self, page: Page) -> None:
        """Papers, review, challenge, cast, receipt, and all of it looked at from another device."""
        offered = {contest.id: contest for contest in self.offer.contests}
        urn = self.electorate.urn_of[self.electorate.visitor.entity]
        contests = [contest.id for contest in contests_of_urn(self.offer, urn)]
        for place, contest in enumerate(contests):
            page.wait_for_selector(".paper")
            options = coalition(offered[contest])
            self.seen.choices[contest] = Marks(options)
            for option in options:
                page.check(f"#option-{option}", force=True)
            self.look(page, f"paper-{place + 1}")
            page.click("#next")
        page.wait_for_selector("#seal")
        self.look(page, "review")
        page.click("#seal")
        page.wait_for_selector("#cast")
        self.look(page, "cast-or-challenge")
        page.click("#challenge")
        page.wait_for_selector("#link")
        self.look(page, "challenged")
        link, fingerprint = page.get_attribute("#link", "href"), page.inner_text("#fingerprint")
        with self.window() as second:
            second.goto(f"{self.pages()['ballot']}{link}")
            second.wait_for_selector("#fingerprint")
            self.look(second, "second-device")
            second.fill("#fingerprint", fingerprint)
            second.click("#check")
            second.wait_for_selector("#yes")
            self.look(second, "second-device-shown")
            self.seen.challenged = second.inner_text(f"[data-contest={contests[0]}]")
            second.click("#yes")
            second.wait_for_selector("#verdict")
            self.look(second, "second-device-good")
        page.click("#seal")
        page.wait_for_selector("#cast")
        page.click("#cast")
        page.wait_for_selector("#download")
        self.look(page, "receipt")
        self.seen.tracker = page.inner_text("#tracker")
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(self.folder / "receipt")
        self.seen.receipt = (self.folder / "receipt").read_bytes()
        page.click("#leave")
        with self.window() as other:
            other.goto(f"{self.pages()['ballot']}/recibo")
            other.wait_for_selector("#tracker")
            self.look(other, "find-my-vote")
            other.fill("#tracker", self.seen.tracker)
            other.click("#look")
            other.wait_for_selector("#verdict")
            for _ in range(30):
                if other.get_attribute("#verdict", "data-quorum") == "reached":
                    break
                other.click("#retry")
                time.sleep(1)
                other.wait_for_selector("#verdict")
            self.seen.found = str(other.get_attribute("#verdict", "data-quorum"))
            self.look(other, "found")


def next_step(used: int) -> int:
    """A time whose code is another than that of `used`: each code works once, so people wait for the next."""
    while time.time() // factors.STEP_SECONDS <= used // factors.STEP_SECONDS:
        time.sleep(0.5)
    return int(time.time())


def send(page: Page) -> None:
    """Press the button of a form, and wait for where it leads."""
    with page.expect_navigation():
        page.click("main form button[type=submit], main form button")


def coalition(contest: Contest) -> tuple[int, ...]:
    """The places of the options of the first coalition, or of the first option."""
    if not contest.coalitions:
        return (0,)
    members = contest.coalitions[0].members
    return tuple(place for place, option in enumerate(contest.options) if option.id in members)


@pytest.fixture(scope="module")
def journey(browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """The election, after its end."""
    del pages  # The client has to be built.
    folder = tmp_path_factory.mktemp("journey")
    places = Places(folder / "demo")
    places.work.mkdir(parents=True, mode=0o700)
    electorate = voters.generate("journey", VOTERS, pef2024.entities(2))
    with Children(places.logs) as children:
        run = Journey(places, children, Stages(), electorate, 2)
        run.start(browser, folder)
        try:
            run.run()
            run.export()
            run.report = run.verify()
            yield run
        finally:
            run.shut()


def test_the_tally_counts_exactly_that_vote(journey: Journey) -> None:
    assert journey.report["verdict"] == "valid"
    expected: Counter[tuple[str, str, Any]] = Counter()
    offered = {contest.id: contest for contest in journey.offer.contests}
    for voter in journey.electorate.voting:
        urn = journey.electorate.urn_of[voter.entity]
        for contest in contests_of_urn(journey.offer, urn):
            choice = pef2024.generate_choice(journey.electorate.seed, voter.folio, contest)
            expected[urn, contest.id, choice] += 1
    urn = journey.electorate.urn_of[journey.electorate.visitor.entity]
    for contest_id, choice in journey.seen.choices.items():
        expected[urn, contest_id, choice] += 1
    cast = Counter({(urn, contest): 0 for urn, contest, _ in expected})
    for (urn, contest_id, _), count in expected.items():
        cast[urn, contest_id] += count
    for batch in journey.report["result"]:
        key = batch["urn"], batch["contest"]
        assert batch["rows"] == cast[key]
        options = [option.id for option in offered[batch["contest"]].options]
        assert {tuple(line["members"]): line["votes"] for line in batch["combinations"] if line["votes"]} == {
            tuple(options[place] for place in choice.options): count
            for (urn, contest_id, choice), count in expected.items()
            if (urn, contest_id) == key and isinstance(choice, Marks) and len(choice.options) > 1
        }
        single = {line["option"]: line["votes"] for line in batch["options"] if line["votes"]}
        assert single == {
            options[choice.options[0]]: count
            for (urn, contest_id, choice), count in expected.items()
            if (urn, contest_id) == key and isinstance(choice, Marks) and len(choice.options) == 1
        }


def test_the_receipt_and_every_check_are_good(journey: Journey) -> None:
    seen = journey.seen
    anchors = Anchors(parse_policy(journey.places.policy.read_bytes()))
    assert check_file(seen.receipt, anchors).tracker == seen.tracker
    assert seen.found == "reached"


def test_the_second_device_showed_what_was_marked(journey: Journey) -> None:
    contest = journey.offer.contests[0]
    parties = [contest.options[place].party or contest.options[place].name for place in coalition(contest)]
    assert all(party in journey.seen.challenged for party in parties)


def test_whom_the_demonstration_names_can_sign_in_after_the_close(journey: Journey) -> None:
    """The trial's clock has jumped over the days of the vote by now; that of an application of codes has not."""
    visitor = journey.visitor
    with journey.window() as page:
        page.goto(f"{journey.pages()['ballot']}/")
        page.fill("#user", visitor["user"])
        page.fill("#password", visitor["password"])
        page.click("#enter")
        page.wait_for_selector("#code")
        page.fill("#code", factors.totp_code(visitor["secret"], int(time.time())))
        page.click("#enter")
        page.wait_for_selector("[data-code=closed]")


def test_both_auditors_saw_the_page_that_the_log_names(journey: Journey) -> None:
    for number in (1, 2):
        with ServiceClient(journey.auditors.url(number)) as client:
            looks = client.request("GET", "/metrics").decode()
        assert 'outcome="same"' in looks
        assert 'outcome="differs"' not in looks


def test_no_letter_and_no_log_of_a_service_shows_a_secret(journey: Journey) -> None:
    credential = journey._credentials()[ADDRESS]
    for path in journey.places.logs.iterdir():
        text = path.read_text(encoding="utf-8", errors="replace")
        assert PASSWORD not in text
        assert credential not in text

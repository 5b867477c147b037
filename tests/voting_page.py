"""The voter's page over a real ballot box, and voters who use it in a browser.

The box is the one of `served.py` behind a real socket, with letters in folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from entering import PASSWORD, Person, posts
from pages import built
from served import BallotBoxUnderTest, listening
from simulator import GROUP, Simulator, Voter

from vemre.crypto.credential import Credential
from vemre.election.blocks import decode_blocks
from vemre.election.choice import Choice, Irregular, Marks, blocks_needed, decode_choice
from vemre.election.choice_names import write_choice
from vemre.params import GROUP_ORDER
from vemre.records import setup_bodies as s
from vemre.records.fields import Bilingual
from vemre.records.record import Record

if TYPE_CHECKING:
    from playwright.sync_api import Page

LEGEND: Final = "Mexicano residente en el extranjero"
FIRST: Final = Marks((0,))
"""A vote for the first option."""
HELP: Final = "800 433 2000 <i>todos los días</i>"
LANGUAGES: Final = {"es": "es-MX", "en": "en-US"}
"""The page's languages, and the browser's that ask for them."""


def offer(president: Sequence[s.Option] = ()) -> s.Offer:
    """Two urns: one of a single contest with a coalition and write-ins, one of two contests."""
    options = [
        s.Option("pan", "Xóchitl Ibáñez Ávila", "PAN"),
        s.Option("pri", "Xóchitl Ibáñez Ávila", "PRI"),
        s.Option("pvem", "Claudia Ñuño Pérez", "PVEM"),
        s.Option("pt", "Claudia Ñuño Pérez", "PT"),
        s.Option("mc", "Jorge Álvarez de la Ü", "Movimiento Ciudadano"),
        s.Option("morena", "Claudia Ñuño Pérez", "Morena"),
        s.Option("indep", "María Guadalupe de los Ángeles Fernández Montes de Oca"),
    ]
    contests = [
        s.Contest(
            id="presidencia",
            title=Bilingual("Presidencia de los Estados Unidos Mexicanos", "Presidency of the United Mexican States"),
            legend=LEGEND,
            options=list(president) or options,
            coalitions=[
                s.Coalition("fcm", "Xóchitl Ibáñez Ávila", ["pan", "pri"]),
                s.Coalition("shh", "Claudia Ñuño Pérez", ["pvem", "pt", "morena"]),
            ],
            write_in_bytes=60,
            blocks=1,
        ),
        s.Contest(
            id="gubernatura",
            title=Bilingual("Gubernatura", "Governorship"),
            legend=LEGEND,
            options=[s.Option("mc", "Ana Lía Ruiz", "MC"), s.Option("morena", "Beto Sáenz", "Morena")],
            coalitions=[],
            write_in_bytes=0,
            blocks=1,
        ),
    ]
    contests = [s.Contest(**{**_fields(contest), "blocks": blocks_needed(contest)}) for contest in contests]
    urns = [
        s.Urn("urna-17", "Morelos", ["presidencia"]),
        s.Urn("urna-09", "Ciudad de México", ["presidencia", "gubernatura"]),
    ]
    return s.Offer(urns, contests)


def _fields(contest: s.Contest) -> dict[str, Any]:
    return {name: getattr(contest, name) for name in contest.__struct_fields__}


def simulated(
    the_offer: s.Offer | None = None, urns: Sequence[str] = ("urna-17",) * 16 + ("urna-09",) * 6
) -> tuple[Simulator, list[Credential]]:
    """An election that has reached its setup, and the voters' credentials."""
    votes: list[tuple[str, tuple[Choice, ...] | None]] = [(urn, None) for urn in urns]
    sim = Simulator(votes=votes, the_offer=the_offer or offer())
    credentials = [Credential.generate(os.urandom) for _ in sim.voters]
    election = sim.view.manifest.election_id
    sim.voters[:] = [
        Voter(voter.urn, credential.signing_key(election), None)
        for voter, credential in zip(sim.voters, credentials, strict=True)
    ]
    return sim.reach("setup"), credentials


@dataclass
class Citizen:
    """A voter with letters at hand, before a browser's page."""

    person: Person
    credential: str
    urn: str

    def come(self, page: Page, url: str) -> None:
        """Make the account, sign in, and wait until the credential is asked for."""
        self.person.enter()
        self.sign_in(page, url)
        page.wait_for_selector("#credential")

    def sign_in(self, page: Page, url: str) -> None:
        """Open the page and sign in as voters do, with a code of the application."""
        page.goto(url)
        page.fill("#user", self.person.user)
        page.fill("#password", PASSWORD)
        page.click("#enter")
        page.wait_for_selector("#code")
        page.fill("#code", self.person.code())
        page.click("#enter")

    def give_credential(self, page: Page) -> None:
        """Type the credential, and go on to the first paper."""
        page.fill("#credential", self.credential)
        page.click("#go-on")
        page.wait_for_selector(".paper")

    def seal(self, page: Page, *boxes: str, written: str = "") -> None:
        """From the credential to the choice between cast and challenge, with the same marks on every paper."""
        self.give_credential(page)
        papers = 1 if self.urn == "urna-17" else 2
        for number in range(1, papers + 1):
            if papers > 1:
                page.wait_for_selector(f".step:has-text('{number}')")
            mark(page, *boxes, written=written)
            page.click("#next")
        page.click("#seal")
        page.wait_for_selector("#cast")


def mark(page: Page, *boxes: str, written: str = "") -> None:
    """Mark boxes of a paper by their ids."""
    for box in boxes:
        page.check(f"#{box}", force=True)
    if written:
        page.fill("#written", written)


class VotingPage:
    """A ballot box that listens at `url`, and its voters; every test takes the next one."""

    def __init__(self, box: BallotBoxUnderTest, url: str, credentials: Sequence[Credential]) -> None:
        self.box = box
        self.url = url
        self._credentials = credentials
        self._taken: set[int] = set()

    def next(self, urn: str = "urna-17") -> Citizen:
        """A voter of an urn who has done nothing yet."""
        voters = self.box.sim.voters
        place = next(i for i, voter in enumerate(voters) if voter.urn == urn and i not in self._taken)
        self._taken.add(place)
        return Citizen(Person(self.box, voters[place]), self._credentials[place].shown(), urn)

    def read(self, ballot: Record) -> dict[str, Any]:
        """What a ballot says, by contest: all simulated trustees together have the election's secret."""
        sim = self.box.sim
        secret = sum(polynomial[0] for polynomial in sim.polynomials.values()) % GROUP_ORDER
        contests = {contest.id: contest for contest in sim.offer.contests}
        found = {}
        for part in ballot.body.contests:
            a, b = (
                GROUP.decode(b"".join(bytes.fromhex(getattr(pair, half)) for pair in part.ciphertexts))
                for half in ("a", "b")
            )
            message = (b - GROUP.mul_by_one(a, secret)).encode()
            choice = decode_choice(contests[part.contest], decode_blocks(GROUP, message))
            assert not isinstance(choice, Irregular)
            found[part.contest] = write_choice(contests[part.contest], choice)
        return found


@contextmanager
def serving(
    folder: Path, simulation: tuple[Simulator, list[Credential]] | None = None, *, port: int = 0, **settings: Any
) -> Iterator[VotingPage]:
    """The page, over a ballot box that is open and has sent its access links. `settings` are the box's own."""
    sim, credentials = simulation or simulated()
    given = {"help_contact": HELP, **posts(folder), **settings}
    with BallotBoxUnderTest(sim, folder, build=built(), **given).running() as box:
        answer = box.open().official("access-links")
        assert answer.status_code == 200, answer.text
        with listening(box.station.app, port) as url:
            yield VotingPage(box, url, credentials)

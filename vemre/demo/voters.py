"""The generated voters of a demonstration: who is on the roll, who votes, and what.

The seed decides all of it, and no key. A voter's credential and access link come from the two services' mails; they
meet here, in the hands of the voter, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final

from vemre.demo import pef2024
from vemre.demo.pef2024 import Draws, Entity, GeneratedVoter
from vemre.election.choice_names import contests_of_urn, write_choice
from vemre.records.setup_bodies import Offer

INTERNET: Final = "internet"
_LINK: Final = re.compile(r"/acceso#([A-Za-z0-9_-]+)")
_CREDENTIAL: Final = re.compile(r"^ {4}((?:[0-9A-Z]{4}-){6}[0-9A-Z]{4})\s*$", re.MULTILINE)
_CODE: Final = re.compile(r"\b[0-9]{6}\b")


@dataclass(frozen=True)
class Electorate:
    """The roll and, of its Internet voters, those who vote (in the order in which they come), and one who does not: the
    visitor, whom whoever runs the demonstration may play."""

    seed: str
    roll: list[GeneratedVoter]
    voting: list[GeneratedVoter]
    urn_of: dict[str, str]
    visitor: GeneratedVoter

    @property
    def registered(self) -> int:
        """The number of Internet voters on the roll."""
        return sum(voter.modality == INTERNET for voter in self.roll)

    def registered_by_urn(self, offer: Offer) -> dict[str, int]:
        """What the authority counts on its own: Internet voters of every urn."""
        counts = Counter(self.urn_of[voter.entity] for voter in self.roll if voter.modality == INTERNET)
        return {urn.id: counts[urn.id] for urn in offer.urns}


def generate(seed: str, voters: int, entities: Sequence[Entity]) -> Electorate:
    """An electorate of which exactly `voters` vote, with the turnout of 2024 among those registered."""
    totals = pef2024.source()["source_totals"]
    registered = max(voters + 1, round(voters * totals["internet"] / totals["internet_votes_presidency"]))
    roll = list(pef2024.generate_roll(seed, registered, entities))
    draws = Draws(seed)
    by_internet = [voter for voter in roll if voter.modality == INTERNET]
    order = sorted(by_internet, key=lambda voter: draws.below(1 << 60, "turn", voter.folio))
    return Electorate(seed, roll, order[:voters], {entity.code: entity.urn for entity in entities}, order[voters])


# --- what came -------------------------------------------------------------------------------------------------


def mails(folder: Path) -> dict[str, list[str]]:
    """The texts of the mails in a folder, by the address they are for, the oldest of a kind first."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.eml"), key=_place):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        if body is not None:
            found.setdefault(str(mail["To"]), []).append(body.get_content())
    return found


def text_messages(folder: Path) -> dict[str, list[str]]:
    """The text messages in a folder, by number, the oldest of a kind first."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.json"), key=_place):
        message = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(message["to"], []).append(message["text"])
    return found


def link_tokens(folder: Path) -> dict[str, str]:
    """The token of the newest access link of everybody, by address."""
    return _newest(_LINK, folder)


def credentials(folder: Path) -> dict[str, str]:
    """The newest credential of everybody, by address."""
    return _newest(_CREDENTIAL, folder)


def code_in(text: str) -> str:
    """The code in a text message."""
    return str(_CODE.findall(text)[0])


def _newest(form: re.Pattern[str], folder: Path) -> dict[str, str]:
    found = {address: form.findall("\n".join(texts)) for address, texts in mails(folder).items()}
    return {address: matches[-1] for address, matches in found.items() if matches}


def _place(path: Path) -> tuple[str, int]:
    """The order of the files ``<name>-<n>``."""
    name, _, number = path.stem.rpartition("-")
    return name, int(number)


def write_voters(
    path: Path,
    electorate: Electorate,
    offer: Offer,
    found: Mapping[str, str],
    links: Mapping[str, str],
) -> None:
    """The file of those who vote, for ``vemre voter simulate``: of each the credential that was `found` in a mail, the
    token of the access link, the last digits of the telephone, and the choices."""
    lines = []
    for voter in electorate.voting:
        line: dict[str, Any] = {
            "credential": found[voter.email],
            "link": links[voter.email],
            "digits": voter.phone[-4:],
            "choices": {
                contest.id: write_choice(contest, pef2024.generate_choice(electorate.seed, voter.folio, contest))
                for contest in contests_of_urn(offer, electorate.urn_of[voter.entity])
            },
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    path.touch(mode=0o600)
    path.write_text("".join(lines), encoding="utf-8")

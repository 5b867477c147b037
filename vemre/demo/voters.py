"""The generated voters of a demonstration: who is on the roll, who votes, and what.

The seed decides all of it, and no key. A voter's credential and token come from the two outboxes, as mail would bring
them; they meet here, in the hands of the voter, and nowhere else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vemre.demo import pef2024
from vemre.demo.pef2024 import Draws, Entity, GeneratedVoter
from vemre.election.choice_names import contests_of_urn, write_choice
from vemre.records.setup_bodies import Offer

INTERNET: Final = "internet"


@dataclass(frozen=True)
class Electorate:
    """The roll and, of its Internet voters, those who vote (in the order in which they come)."""

    seed: str
    roll: list[GeneratedVoter]
    voting: list[GeneratedVoter]
    urn_of: dict[str, str]

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
    registered = max(voters, round(voters * totals["internet"] / totals["internet_votes_presidency"]))
    roll = list(pef2024.generate_roll(seed, registered, entities))
    draws = Draws(seed)
    by_internet = [voter for voter in roll if voter.modality == INTERNET]
    order = sorted(by_internet, key=lambda voter: draws.below(1 << 60, "turn", voter.folio))
    return Electorate(seed, roll, order[:voters], {entity.code: entity.urn for entity in entities})


def deliveries(outbox: Path) -> dict[str, dict[str, str]]:
    """What waits in an outbox, by the address it is for."""
    found = {}
    for path in sorted(outbox.glob("*.json")):
        delivery = json.loads(path.read_text(encoding="utf-8"))
        found[delivery["to"]] = delivery
    return found


def write_voters(
    path: Path,
    electorate: Electorate,
    offer: Offer,
    credentials: Mapping[str, Mapping[str, str]],
    tokens: Mapping[str, Mapping[str, str]],
) -> None:
    """The file of those who vote, for ``vemre voter simulate``: credential, token and choices of each."""
    lines = []
    for voter in electorate.voting:
        line: dict[str, Any] = {
            "credential": credentials[voter.email]["secret"],
            "token": tokens[voter.email]["secret"],
            "choices": {
                contest.id: write_choice(contest, pef2024.generate_choice(electorate.seed, voter.folio, contest))
                for contest in contests_of_urn(offer, electorate.urn_of[voter.entity])
            },
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    path.touch(mode=0o600)
    path.write_text("".join(lines), encoding="utf-8")

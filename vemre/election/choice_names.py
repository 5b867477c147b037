"""Choices by the ids of the offer, as people and files write them: ``{"marks": ["pan"]}``, ``{"write_in": "..."}``,
``"null"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vemre.election.choice import Choice, Marks, Null, WriteIn, invalid
from vemre.errors import Refused
from vemre.records.setup_bodies import Contest, Offer, Option

NULL = "null"


def contests_of_urn(offer: Offer, urn: str) -> list[Contest]:
    """The contests of an urn, in manifest order. Raises Refused("urn-unknown")."""
    by_id = {contest.id: contest for contest in offer.contests}
    for candidate in offer.urns:
        if candidate.id == urn:
            return [by_id[contest] for contest in candidate.contests]
    raise Refused("urn-unknown", urn=urn)


def choices_in_order(contests: list[Contest], choices: Mapping[str, Choice]) -> list[Choice]:
    """One choice per contest, in order. Raises Refused("choice-missing") where one is missing or one too many."""
    wrong = {contest.id for contest in contests} ^ set(choices)
    if wrong:
        raise Refused("choice-missing", contest=min(wrong))
    return [choices[contest.id] for contest in contests]


def write_choice(contest: Contest, choice: Choice) -> Any:
    """A choice as a JSON value."""
    if isinstance(choice, Marks):
        return {"marks": [contest.options[option].id for option in choice.options]}
    if isinstance(choice, WriteIn):
        return {"write_in": choice.text}
    return NULL


def read_choice(contest: Contest, value: object) -> Choice:
    """The choice that a JSON value names. Raises Refused("choice-unreadable"), also for what the contest forbids."""
    choice = _read(contest, value)
    if choice is None or invalid(contest, choice) is not None:
        raise Refused("choice-unreadable", contest=contest.id)
    return choice


def read_choices(contests: list[Contest], value: object) -> dict[str, Choice]:
    """An object from contest ids to choices, with every contest. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused("choice-unreadable", contest="*")
    wrong = {contest.id for contest in contests} ^ set(value)
    if wrong:
        raise Refused("choice-missing", contest=min(wrong))
    return {contest.id: read_choice(contest, value[contest.id]) for contest in contests}


def _read(contest: Contest, value: object) -> Choice | None:
    if value == NULL:
        return Null()
    if not isinstance(value, dict) or len(value) != 1:
        return None
    index_of = {option.id: index for index, option in enumerate(contest.options)}
    match value:
        case {"marks": list(ids)} if all(isinstance(id_, str) and id_ in index_of for id_ in ids):
            return Marks(tuple(sorted(index_of[id_] for id_ in ids)))
        case {"write_in": str(text)}:
            return WriteIn(text)
    return None


def option_label(option: Option) -> str:
    """How an option is written in lists: the party first, since several parties may have one candidate."""
    return f"{option.party} · {option.name}" if option.party and option.party != option.name else option.name

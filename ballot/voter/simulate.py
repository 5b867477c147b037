"""Many voters at once, for trials: each sets up an access, signs in, encrypts, casts and checks its own receipt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ballot.voter.access import Entrance
from ballot.voter.duty import VerifiedElection
from ballot.voter.session import cast
from vemre.cli import files
from vemre.crypto.credential import Credential
from vemre.election.choice_names import read_choices
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.group import Group
from vemre.messages import RemoteProblem, Unreachable
from vemre.service.client import ServiceClient
from vemre.types import Random

MAX_BYTES: Final = 1 << 30
_TEXTS: Final = ("credential", "link", "digits")
_FIELDS: Final = {*_TEXTS, "choices"}


@dataclass(frozen=True)
class SimulatedVoter:
    """A line of the voters' file: ``{"credential", "link", "digits", "choices": {contest: choice}}``.

    `link` is the access link or its token, `digits` the last four of the telephone.
    """

    credential: str
    link: str
    digits: str
    choices: Any

    def __repr__(self) -> str:
        return "SimulatedVoter(...)"


@dataclass
class Outcome:
    """What became of all of them."""

    cast: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Refusals by code."""


def read_voters(path: Path) -> list[SimulatedVoter]:
    """The voters of a file of JSON lines. Raises Refused("voters-unreadable") with the line."""
    return list(_read(files.read(path, limit=MAX_BYTES)))


def _read(data: bytes) -> Iterator[SimulatedVoter]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            value = json.loads(line)
            if set(value) != _FIELDS or not all(isinstance(value[name], str) for name in _TEXTS):
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise Refused("voters-unreadable", line=number) from None
        yield SimulatedVoter(**value)


def simulate(
    voters: list[SimulatedVoter],
    *,
    ballot_url: str,
    election: VerifiedElection,
    anchors: Anchors,
    group: Group,
    random: Random,
    concurrency: int,
    receipts: Path | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Cast for every voter, `concurrency` at a time; gives what became of them.

    Refusals are counted; an alarm (a receipt that does not verify) and a box that does not answer end it.
    """

    def one(place: int, voter: SimulatedVoter) -> None:
        key, urn = election.key_of(Credential.parse(voter.credential))
        choices = read_choices(election.contests(urn), voter.choices)
        entry = election.encrypt(group, random, key, urn, choices).cast(election.ballot_log.name)
        with ServiceClient(ballot_url) as ballot_box:
            entrance = Entrance(ballot_box)
            session, _ = entrance.session_of(entrance.enter(voter.link, voter.digits, random))
        with ServiceClient(ballot_url, token=session.bearer) as ballot_box:
            checked = cast(ballot_box, entry, anchors)
        if receipts is not None:
            files.write(receipts / f"{place:07}.tlog-proof", checked.file(), private=True)

    outcome = Outcome()
    if receipts is not None:
        receipts.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(concurrency) as pool:
        waiting = [pool.submit(one, place, voter) for place, voter in enumerate(voters, 1)]
        try:
            for done in as_completed(waiting):
                try:
                    done.result()
                    outcome.cast += 1
                except (Refused, RemoteProblem) as refusal:
                    outcome.refused[refusal.code] += 1
                advance(1)
        except (CheckFailed, Unreachable):
            pool.shutdown(cancel_futures=True)
            raise
    return outcome

"""A24: one vote by post and one on line. The ballot log is the one arbiter: of ballot and block the first counts, so
the registry takes a vote by another channel only when the block stands, and refuses whoever has voted on line."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest
from served import BallotBoxUnderTest, RegistryUnderTest, listening, roll_file, roll_line, token_of, write_logs
from simulator import CLOSES, Simulator, Voter

from vemre.crypto.credential import Credential
from vemre.election.choice import Null

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"
VOTERS = 8


@dataclass
class Election:
    """Registry and ballot box, each at an address of its own."""

    registry: RegistryUnderTest
    box: BallotBoxUnderTest
    registry_url: str
    box_url: str

    def intake(self, number: int, channel: str, **more: str) -> Any:
        """A vote by another channel comes in."""
        order = {"folio": f"F-{number:04}", "channel": channel, **more}
        return self.post(f"{self.registry_url}/official/intake", order, token_of(self.registry.data))

    def cast(self, number: int) -> Any:
        """A voter votes on line."""
        voter = self.box.sim.voters[number - 1]
        urn_contests = 2 if voter.urn == "urna-09" else 1
        entry = self.box.ballot(voter, [Null()] * urn_contests)
        headers = {"Authorization": f"Bearer {self.box.token(voter)}", "Content-Type": "application/json"}
        with httpx2.Client(trust_env=False, timeout=60) as client:
            return client.post(f"{self.box_url}/ballots", content=entry, headers=headers)

    @staticmethod
    def post(url: str, body: Any, headers: dict[str, str]) -> Any:
        with httpx2.Client(trust_env=False, timeout=60) as client:
            return client.post(url, json=body, headers=headers)

    def types_of(self, number: int) -> list[str]:
        """What the ballot log holds of a voter."""
        key = self.box.sim.voters[number - 1].key.public.hex()
        return [
            record.type
            for record in self.box.entries()
            if record.type in ("ballot", "block") and key in (record.signer, getattr(record.body, "credential", ""))
        ]


@pytest.fixture
def election(tmp_path: Path) -> Iterator[Election]:
    sim = Simulator().reach("keys")
    registry = RegistryUnderTest(sim, tmp_path)
    with registry.running():
        lines = [roll_line(number) for number in range(1, VOTERS + 1)]
        lines += [roll_line(VOTERS + 1, "17"), roll_line(VOTERS + 2, modality="post")]
        assert registry.import_roll(roll_file(*lines)).status_code == 200
        registry.official("credentials")
        assert registry.official("roll").status_code == 200
        registry.tell()
        sim.voters = []
        for number in range(1, VOTERS + 2):
            secret = Credential.parse(registry.credential_for(f"persona{number}@example.org"))
            urn = "urna-09" if number <= VOTERS else "urna-17"
            sim.voters.append(Voter(urn, secret.signing_key(ELECTION), None))
        sim.set_up()
        write_logs(sim, registry.record, ("tally", "registry"))
        roster = registry.roster().json()
    box = BallotBoxUnderTest(sim, tmp_path)
    by_credential = {entry["credential"]: entry["pseudonym"] for entry in roster["entries"]}
    box.pseudonyms = [by_credential[voter.key.public.hex()] for voter in sim.voters]
    with box.running():
        box.open()
        with listening(box.station.app) as box_url:
            registry.ballot_url = box_url
            with registry.running(), listening(registry.station.app) as url:
                yield Election(registry, box, url, box_url)


def test_vote_on_line_keeps_the_envelope_out(election: Election) -> None:
    assert election.cast(1).status_code == 201
    for channel in ("post", "in-person"):
        answer = election.intake(1, channel)
        assert (answer.status_code, answer.json()["code"]) == (409, "already-voted-online")
    assert election.types_of(1) == ["ballot"]


def test_envelope_keeps_the_vote_on_line_out(election: Election) -> None:
    taken = election.intake(1, "post")
    assert (taken.status_code, taken.json()["new"]) == (200, True)
    answer = election.cast(1)
    assert (answer.status_code, answer.json()["code"]) == (409, "credential-blocked")
    assert election.types_of(1) == ["block"]


def test_two_envelopes_of_one_voter(election: Election) -> None:
    request = "0123456789abcdef"
    first = election.intake(1, "post", request=request)
    again = election.intake(1, "post", request=request)
    assert (first.json()["new"], again.json()) == (True, {**first.json(), "new": False})
    for channel, more in (("post", {}), ("in-person", {}), ("post", {"request": "f" * 16})):
        answer = election.intake(1, channel, **more)
        assert (answer.status_code, answer.json()["code"]) == (409, "vote-already-taken")


def test_voter_without_credential_votes_by_one_other_channel(election: Election) -> None:
    number = VOTERS + 2
    assert election.intake(number, "post").json() == {"block": None, "new": True}
    assert election.intake(number, "in-person").json()["code"] == "vote-already-taken"
    assert election.intake(99, "post").json()["code"] == "not-enrolled"


def test_race_from_both_sides(election: Election) -> None:
    start = Barrier(2 * VOTERS)

    def run(act: Any, *args: Any) -> Any:
        start.wait()
        return act(*args)

    with ThreadPoolExecutor(2 * VOTERS) as pool:
        casts = [pool.submit(run, election.cast, number) for number in range(1, VOTERS + 1)]
        intakes = [pool.submit(run, election.intake, number, "post") for number in range(1, VOTERS + 1)]
        results = [(cast.result(), taken.result()) for cast, taken in zip(casts, intakes, strict=True)]
    for number, (cast, taken) in enumerate(results, 1):
        outcome = (cast.status_code, taken.status_code)
        assert outcome in ((201, 409), (409, 200)), (number, outcome)
        assert election.types_of(number) == (["ballot"] if outcome[0] == 201 else ["block"])
        refusal = taken if outcome[0] == 201 else cast
        assert refusal.json()["code"] in ("already-voted-online", "credential-blocked")


def test_two_counters_at_once_take_one_envelope(election: Election) -> None:
    start = Barrier(4)

    def run(channel: str) -> Any:
        start.wait()
        return election.intake(1, channel)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, ["post", "in-person", "post", "in-person"]))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}
    assert election.types_of(1) == ["block"]


def test_registry_that_cannot_reach_the_log_takes_nothing(election: Election) -> None:
    election.registry.ballot_url = "http://127.0.0.1:9"
    with election.registry.running():
        answer = election.registry.official("intake", {"folio": "F-0001", "channel": "post"})
        assert answer.status_code == 503
        assert election.registry.store().taken(1) is None
    assert election.cast(1).status_code == 201


def test_after_the_close_the_log_decides(election: Election) -> None:
    registry, box = election.registry, election.box
    assert election.cast(1).status_code == 201
    assert box.close().status_code == 200
    for record in box.entries():
        box.sim.admit("ballot", record)
    write_logs(box.sim, registry.record, ("ballot",))
    registry.clock.now = CLOSES
    assert election.intake(1, "post").json()["code"] == "already-voted-online"
    assert election.intake(2, "post").json() == {"block": None, "new": True}

"""The voter's client in TypeScript and this program make and accept the same bytes.

Its own tests run here too, where Node is: against the vectors, the golden record, and ballots from fixed randomness.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ballot_vectors
import client_program
import msgspec
import pytest
from client_program import Client
from differentials import differentials
from hypothesis import given
from hypothesis import strategies as st
from simulator import GROUP, Simulator, Voter

from ballot.voter.duty import VerifiedElection
from vemre.crypto import canonical, tracker
from vemre.crypto.credential import Credential
from vemre.election.challenge import Opening, check_challenge
from vemre.election.choice import Choice, Marks, Null, WriteIn
from vemre.election.choice_names import read_choices, write_choice
from vemre.election.rules import keygen
from vemre.errors import CheckFailed, Refused
from vemre.log import merkle
from vemre.log.proof import Receipt
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.record import parse

CASES: Final = Path(__file__).resolve().parents[2] / "conformance" / "cases"


@dataclass(frozen=True)
class OnDisk:
    """An election that is open, as files, with voters whose credentials are known."""

    sim: Simulator
    credentials: dict[str, list[Credential]]
    record: Path
    policy: Path

    def about(self, urn: str, number: int, choices: dict[str, Choice]) -> dict[str, str]:
        """A request about the ballot of one voter."""
        contests = {contest.id: contest for contest in self.sim.offer.contests}
        return {
            **self.paths,
            "urn": urn,
            "credential": self.credentials[urn][number].shown(),
            "choices": json.dumps({id_: write_choice(contests[id_], choice) for id_, choice in choices.items()}),
        }

    @property
    def paths(self) -> dict[str, str]:
        return {"record": str(self.record), "policy": str(self.policy)}


@pytest.fixture(scope="module")
def election(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    folder = tmp_path_factory.mktemp("client")
    sim = Simulator()
    credentials: dict[str, list[Credential]] = {}
    voters = []
    for voter in sim.voters:
        credential = Credential.generate(sim.random)
        credentials.setdefault(voter.urn, []).append(credential)
        voters.append(Voter(voter.urn, credential.signing_key(sim.view.manifest.election_id), voter.choices))
    sim.voters[:] = voters
    sim.reach("open")
    (folder / "policy.json").write_bytes(msgspec.json.encode(sim.policy))
    return OnDisk(sim, credentials, sim.write(folder / "record"), folder / "policy.json")


@pytest.mark.slow
def test_its_own_tests_and_types_pass(client: Client) -> None:  # `client`: nobody else builds at the same time
    run = client_program.run("test")
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    assert "\n# fail 0\n" in run.stdout
    assert "\n# skipped 0\n" in run.stdout
    types = client_program.run("check")
    assert types.returncode == 0, types.stdout


def test_the_vectors_are_what_this_program_makes() -> None:
    assert ballot_vectors.FILE.read_text(encoding="utf-8") == ballot_vectors.text(GROUP)


BALLOTS: Final[list[tuple[str, dict[str, Choice]]]] = [
    ("urna-09", {"presidencia": Marks((0, 1)), "gubernatura": Marks((0,))}),
    ("urna-09", {"presidencia": WriteIn("Benito Juárez"), "gubernatura": Null()}),
    ("urna-17", {"presidencia": Marks((3,))}),
    ("urna-17", {"presidencia": Null()}),
]


def test_ballots_of_the_client_are_accepted_by_every_rule(client: Client, election: OnDisk) -> None:
    sizes: dict[str, set[int]] = {}
    for number, (urn, choices) in enumerate(BALLOTS):
        made = client.good("cast", **election.about(urn, number % 2, choices))
        entry = bytes.fromhex(made["entry"])
        record = parse(entry)
        election.sim.admit("ballot", record)
        leaf = merkle.leaf_hash(entry)
        assert made["leaf"] == leaf.hex()
        assert made["tracker"] == tracker.shown(leaf)
        assert made["fingerprint"] == tracker.fingerprint(canonical.encode(json.loads(entry)["body"])).hex()
        assert made["secret"] == "00" * 16
        sizes.setdefault(urn, set()).add(len(entry))
    assert [len(size) for size in sizes.values()] == [1, 1]


def test_a_credential_of_another_urn_encrypts_nothing(client: Client, election: OnDisk) -> None:
    request = election.about("urna-17", 0, {"presidencia": Null()})
    request["credential"] = election.credentials["urna-09"][0].shown()
    assert client.ask("cast", **request) == {"refused": "credential-not-on-roll"}


@pytest.mark.parametrize(("urn", "choices"), BALLOTS)
def test_this_program_checks_challenges_of_the_client(
    client: Client, election: OnDisk, urn: str, choices: dict[str, Choice]
) -> None:
    made = client.good("challenge", **election.about(urn, 0, choices))
    opening = Opening.parse(bytes.fromhex(made["payload"]), election.sim.offer)
    check(election, opening, tracker.parse(made["fingerprint"]))
    assert opening.choices == choices
    with pytest.raises(Refused, match="challenge-failed"):
        check(election, opening, bytes(20))


def check(election: OnDisk, opening: Opening, shown: bytes) -> None:
    view = election.sim.view
    key, context = keygen.joint_key(view), view.context
    assert key is not None
    assert context is not None
    check_challenge(GROUP, context=context, joint_key=key.joint, offer=election.sim.offer, shown=shown, opening=opening)


@pytest.mark.parametrize(("urn", "choices"), BALLOTS)
def test_the_client_checks_challenges_of_this_program(
    client: Client, election: OnDisk, urn: str, choices: dict[str, Choice]
) -> None:
    view = election.sim.view
    joint, context = keygen.joint_key(view), view.context
    assert joint is not None
    assert context is not None
    verified = VerifiedElection(
        view.manifest.election_id, context, joint.joint, election.sim.offer, {}, view.anchors.logs["ballot"]
    )
    key = election.credentials[urn][0].signing_key(view.manifest.election_id)
    ballot = verified.encrypt(GROUP, election.sim.random, key, urn, choices)
    fingerprint = tracker.shown(ballot.fingerprint)
    opening = ballot.challenge()
    request = {**election.paths, "payload": opening.encode(election.sim.offer).hex(), "fingerprint": fingerprint}
    assert client.good("check-challenge", **request) == {
        "fingerprint": ballot.fingerprint.hex(),
        "contests": list(choices),
    }
    other = {**request, "fingerprint": tracker.shown(bytes(32))}
    assert client.ask("check-challenge", **other) == {"refused": "challenge-failed"}
    lie = Opening(opening.body, opening.randomness[::-1], opening.choices)
    told = client.ask("check-challenge", **{**request, "payload": lie.encode(election.sim.offer).hex()})
    assert told == {"refused": "challenge-failed"} or len(opening.randomness) == 1


def test_receipts(client: Client, election: OnDisk) -> None:
    tally = election.sim.view.ballot
    leaves = [record.leaf_hash for record in tally.records]
    tree = merkle.Tree()
    for leaf in leaves:
        tree.append(leaf)
    for auditors in ([], ["auditor/2"], ["auditor/1", "auditor/2"]):
        note = election.sim.checkpoint("ballot", auditors=auditors).encode()
        proof = tuple(merkle.inclusion_proof(0, len(leaves), tree.read))
        receipt = Receipt(0, proof, note, leaves[0]).encode()
        request = {"policy": str(election.policy), "receipt": receipt.hex(), "leaf": leaves[0].hex()}
        assert client.good("receipt", **request) == {
            "index": 0,
            "size": len(leaves),
            "auditors": auditors,
            "missing": [auditor for auditor in election.sim.auditors if auditor not in auditors],
        }
        assert client.ask("receipt", **{**request, "leaf": "00" * 32})["failed"] == "LOG"


# --- the same strings ---------------------------------------------------------------------------------------------


def same_json(client: Client, data: bytes) -> None:
    """Both refuse the bytes, or both accept them and read the same."""
    try:
        expected: dict[str, Any] = {"good": canonical.decode(data, limit=MAX_ENTRY_BYTES)}
    except CheckFailed as failure:
        expected = {"failed": str(failure.check)}
    found = client.ask("json", data=data.hex(), limit=str(MAX_ENTRY_BYTES))
    found.pop("detail", None)
    assert found == expected, data[:200]


def test_json_differentials(client: Client, election: OnDisk) -> None:
    entry = election.sim.view.tally.records[0].entry
    assert client.good("record", data=entry.hex()) == {"type": "manifest"}
    for name, data in {"itself": entry, **differentials(entry)}.items():
        same_json(client, data)
        accepted = "good" in client.ask("record", data=data.hex())
        assert accepted == (name == "itself"), name


def test_entries_of_the_corpus_are_read_alike(client: Client) -> None:
    """Every entry of the logs that the client reads, from records whose entries are broken."""
    read = 0
    for bundle in sorted(CASES.glob("CANONICAL-*/record/tally/tile/entries/000.p/*")):
        data, place = bundle.read_bytes(), 0
        while place + 2 <= len(data):
            start, place = place + 2, place + 2 + int.from_bytes(data[place : place + 2], "big")
            same_json(client, data[start:place])
            read += 1
    assert read > 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON)
def test_random_json_is_read_alike(client: Client, value: object) -> None:
    for text in (
        json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        json.dumps(value, sort_keys=True, separators=(",", ":")),
        json.dumps(value),
    ):
        same_json(client, text.encode("utf-8", "surrogatepass"))
    try:
        same_json(client, canonical.encode(value))
    except CheckFailed:
        return


@given(data=st.text(alphabet='{}[]",:\\u00e9d8nulltrue-0123456789.eE \n\tñ\x00\x7f', max_size=24))
def test_junk_is_read_alike(client: Client, data: str) -> None:
    same_json(client, data.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("depth", [15, 16, 17, 18, 5000])
def test_nesting_is_read_alike(client: Client, depth: int) -> None:
    same_json(client, b"[" * depth + b"]" * depth)
    same_json(client, b"[" * depth + b"1" + b"]" * depth)
    same_json(client, b'{"":' * depth + b"null" + b"}" * depth)


@given(
    value=st.dictionaries(
        st.sampled_from(["marks", "write_in", "more"]),
        st.lists(st.sampled_from(["pan", "pri", "mc", "morena", "nobody"]), max_size=4) | st.text(max_size=24),
        max_size=2,
    )
    | st.just("null")
)
def test_choices_are_read_alike(client: Client, election: OnDisk, value: object) -> None:
    contests = [contest for contest in election.sim.offer.contests if contest.id == "presidencia"]
    request = election.about("urna-17", 0, {"presidencia": Null()})
    try:
        read_choices(contests, {"presidencia": value})
        expected = None
    except Refused as refused:
        expected = refused.code
    request["choices"] = json.dumps({"presidencia": value})
    assert client.ask("read-choices", **request).get("refused") == expected

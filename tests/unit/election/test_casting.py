"""A voter's client: the ballot is accepted, says nothing, is used once, and can be challenged."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping

import msgspec
import pytest
from simulator import ELECTION, GROUP, Simulator

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.crypto.signing import SigningKey
from vemre.election import challenge
from vemre.election.blocks import decode_blocks
from vemre.election.casting import EncryptedBallot, encrypt_ballot
from vemre.election.challenge import Opening, check_challenge
from vemre.election.choice import Choice, Marks, Null, WriteIn, decode_choice
from vemre.election.rules import engine, keygen
from vemre.errors import CheckFailed, Refused
from vemre.group import Elements
from vemre.params import GROUP_ORDER
from vemre.records.record import parse, plain
from vemre.records.vote_bodies import Ballot

CHOICES: dict[str, Choice] = {"presidencia": WriteIn("Benito Juárez"), "gubernatura": Marks((1,))}
ALL: list[dict[str, Choice]] = [
    CHOICES,
    {"presidencia": Null(), "gubernatura": Null()},
    {"presidencia": Marks((0, 1)), "gubernatura": Marks((0,))},
    {"presidencia": WriteIn("x" * 40), "gubernatura": Marks((0,))},
]


@pytest.fixture(scope="module")
def box() -> Simulator:
    """An election whose box is open."""
    return Simulator().reach("open")


def joint(box: Simulator) -> Elements:
    key = keygen.joint_key(box.view)
    assert key is not None
    return key.joint


def encrypt(
    box: Simulator, choices: Mapping[str, Choice] = CHOICES, key: SigningKey | None = None, urn: str = "urna-09"
) -> EncryptedBallot:
    return encrypt_ballot(
        GROUP,
        os.urandom,
        context=box.view.context or b"",
        joint_key=joint(box),
        offer=box.offer,
        urn=urn,
        key=key or box.voters[0].key,
        choices=choices,
    )


def decrypt(box: Simulator, body: Ballot) -> dict[str, object]:
    """With all keys in one hand."""
    secret = sum(polynomial[0] for polynomial in box.polynomials.values()) % GROUP_ORDER
    found: dict[str, object] = {}
    for contest in body.contests:
        a = GROUP.decode(bytes.fromhex("".join(c.a for c in contest.ciphertexts)))
        b = GROUP.decode(bytes.fromhex("".join(c.b for c in contest.ciphertexts)))
        messages = b - GROUP.mul_by_one(a, secret)
        found[contest.contest] = decode_choice(
            box.view.contests[contest.contest], decode_blocks(GROUP, messages.encode())
        )
    return found


def test_the_ballot_is_accepted_and_holds_the_choices() -> None:
    box = Simulator().reach("open")
    for voter, choices in zip(box.voters, ALL[:3], strict=False):
        entry = encrypt(box, choices, voter.key).cast(box.log_signers["ballot"].origin)
        record = parse(entry)
        engine.admit(box.view, "ballot", record)
        assert record.signer == voter.key.public.hex()
        assert isinstance(record.body, Ballot)
        assert decrypt(box, record.body) == choices


def test_every_choice_gives_the_same_size(box: Simulator) -> None:
    origin = box.log_signers["ballot"].origin
    assert len({len(encrypt(box, choices).cast(origin)) for choices in ALL}) == 1


def test_two_ballots_of_one_choice_share_nothing(box: Simulator) -> None:
    first, second = (plain(encrypt(box).body)["contests"] for _ in range(2))
    values = [
        {item for contest in body for part in ("ciphertexts", "pok") for c in contest[part] for item in c.values()}
        for body in (first, second)
    ]
    assert not values[0] & values[1]


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"presidencia": Null()}, "choice-missing"),
        ({**CHOICES, "other": Null()}, "choice-missing"),
        ({**CHOICES, "gubernatura": WriteIn("a")}, "write-in-invalid"),
        ({**CHOICES, "presidencia": Marks((0, 2))}, "marks-invalid"),
    ],
    ids=str,
)
def test_choices_that_are_not_allowed(box: Simulator, choices: dict[str, Choice], code: str) -> None:
    with pytest.raises(Refused) as caught:
        encrypt(box, choices)
    assert caught.value.code == code


def test_unknown_urn(box: Simulator) -> None:
    with pytest.raises(Refused, match="urn-unknown"):
        encrypt(box, urn="urna-99")


# --- cast or challenge ---


def test_a_ballot_is_cast_or_challenged_once(box: Simulator) -> None:
    ballot = encrypt(box)
    ballot.challenge()
    for act in (lambda: ballot.cast("x"), ballot.challenge):
        with pytest.raises(Refused, match="ballot-spent"):
            act()
    ballot = encrypt(box)
    ballot.cast("x")
    for act in (lambda: ballot.cast("x"), ballot.challenge):
        with pytest.raises(Refused, match="ballot-spent"):
            act()


def test_nothing_secret_shows(box: Simulator) -> None:
    ballot = encrypt(box)
    assert repr(ballot) == f"EncryptedBallot(fingerprint={ballot.fingerprint.hex()})"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ballot)


def check(box: Simulator, opening: Opening, shown: bytes) -> None:
    check_challenge(
        GROUP,
        context=box.view.context or b"",
        joint_key=joint(box),
        offer=box.offer,
        shown=shown,
        opening=opening,
    )


@pytest.mark.parametrize("choices", ALL, ids=str)
def test_an_honest_device_passes(box: Simulator, choices: dict[str, Choice]) -> None:
    ballot = encrypt(box, choices)
    fingerprint = ballot.fingerprint
    opening = Opening.parse(ballot.challenge().encode(box.offer), box.offer)
    assert opening.choices == choices
    check(box, opening, fingerprint)
    check(box, opening, fingerprint[:20])


def exchanged(body: Ballot, part: str, other: Ballot) -> Ballot:
    """The body with one point of its second ciphertext from another."""
    first, *rest = body.contests
    points = list(first.ciphertexts)
    foreign = getattr(other.contests[0].ciphertexts[1], part)
    points[1] = msgspec.structs.replace(points[1], **{part: foreign})
    return msgspec.structs.replace(body, contests=[msgspec.structs.replace(first, ciphertexts=points), *rest])


def altered(box: Simulator) -> list[tuple[str, Opening, bytes]]:
    """What a device may try that encrypted something else."""
    ballot = encrypt(box)
    shown = ballot.fingerprint
    honest = ballot.challenge()
    other = encrypt(box).challenge()
    elsewhere = msgspec.structs.replace(honest.body, context="00" * 32)
    swapped = msgspec.structs.replace(honest.body, contests=honest.body.contests[::-1])
    shorter = msgspec.structs.replace(honest.body, contests=honest.body.contests[:1])
    r = honest.randomness
    a_changed = exchanged(honest.body, "a", other.body)
    b_changed = exchanged(honest.body, "b", other.body)
    return [
        ("presidencia", Opening(a_changed, r, CHOICES), challenge.fingerprint(a_changed)),
        ("presidencia", Opening(b_changed, r, CHOICES), challenge.fingerprint(b_changed)),
        ("gubernatura", Opening(honest.body, r, {**CHOICES, "gubernatura": Marks((0,))}), shown),
        ("presidencia", Opening(honest.body, r, {**CHOICES, "presidencia": Null()}), shown),
        ("presidencia", Opening(honest.body, (r[0] + 1, *r[1:]), CHOICES), shown),
        ("presidencia", Opening(honest.body, (r[1], r[0], *r[2:]), CHOICES), shown),
        ("gubernatura", Opening(honest.body, (*r[:2], r[2] + 1), CHOICES), shown),
        ("*", Opening(honest.body, r[:-1], CHOICES), shown),
        ("*", Opening(other.body, other.randomness, CHOICES), shown),
        ("*", Opening(honest.body, r, CHOICES), shown[:19]),
        ("*", Opening(honest.body, r, CHOICES), b""),
        ("*", Opening(elsewhere, r, CHOICES), challenge.fingerprint(elsewhere)),
        ("*", Opening(swapped, r, CHOICES), challenge.fingerprint(swapped)),
        ("*", Opening(shorter, r, CHOICES), challenge.fingerprint(shorter)),
    ]


def test_a_device_that_lies_is_found(box: Simulator) -> None:
    for contest, opening, shown in altered(box):
        with pytest.raises(Refused) as caught:
            check(box, opening, shown)
        assert caught.value.code == "challenge-failed"
        assert caught.value.params == {"contest": contest}


def test_openings_are_parsed_strictly(box: Simulator) -> None:
    data = encrypt(box).challenge().encode(box.offer)
    value = canonical.decode(data, limit=len(data))
    for bad, expected in (
        ({**value, "more": 1}, Check.CANONICAL),
        ({**value, "randomness": None}, Check.CANONICAL),
        ({**value, "randomness": ["zz"]}, Check.CANONICAL),
        ({**value, "randomness": [GROUP_ORDER.to_bytes(32, "little").hex()]}, Check.SCALAR),
        ({**value, "ballot": {}}, Check.CANONICAL),
    ):
        with pytest.raises(CheckFailed) as caught:
            Opening.parse(canonical.encode(bad), box.offer)
        assert caught.value.check is expected
    with pytest.raises(CheckFailed):
        Opening.parse(b" " + data, box.offer)
    with pytest.raises(Refused, match="choice-missing"):
        Opening.parse(canonical.encode({**value, "choices": {}}), box.offer)


def test_the_proof_is_bound_to_the_credential(box: Simulator) -> None:
    """A body made for one credential is worth nothing under another."""
    ballot = encrypt(box, key=box.voters[0].key)
    record = box.sign("ballot", box.voters[1].key.public.hex(), ballot.body, box.voters[1].key)
    with pytest.raises(CheckFailed) as caught:
        engine.admit(box.view, "ballot", record)
    assert caught.value.check is Check.BALLOT_POK
    assert ELECTION in record.log

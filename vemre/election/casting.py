"""A voter's client: choices in, an encrypted ballot out, then cast or challenged, once. Holds the voter's secrets.

Source: protocol, section 7. The client's duty [CLIENT-SETUP], to verify manifest, setup and its own credential's place
on the roll, comes before: whoever calls `encrypt_ballot` vouches for context, joint key and offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from vemre.crypto.signing import SigningKey
from vemre.election import challenge
from vemre.election.choice import Choice
from vemre.election.choice_names import contests_of_urn
from vemre.election.drafts import sign_entry
from vemre.errors import Refused
from vemre.group import Elements, Group, Scalars
from vemre.params import ELEMENT_BYTES
from vemre.proofs import ballot_pok
from vemre.proofs.prove import ballot as prove_ballot
from vemre.records.fields import Schnorr
from vemre.records.setup_bodies import Contest, Offer
from vemre.records.vote_bodies import Ballot, Ciphertext, ContestBallot
from vemre.types import Random


class EncryptedBallot:
    """A ballot that is neither cast nor challenged yet. Its representation shows no choice and no randomness."""

    __slots__ = ("_choices", "_key", "_randomness", "_spent", "body")

    def __init__(self, body: Ballot, choices: Mapping[str, Choice], randomness: Scalars, key: SigningKey) -> None:
        self.body = body
        self._choices = dict(choices)
        self._randomness = randomness
        self._key = key
        self._spent = False

    @property
    def fingerprint(self) -> bytes:
        """What the client shows before the voter decides (32 bytes)."""
        return challenge.fingerprint(self.body)

    def cast(self, log: str) -> bytes:
        """Sign with the credential: the entry for the ballot log with the origin `log`. Once, and never after
        `challenge`: Refused("ballot-spent"). To send again, send the same bytes."""
        self._spend()
        return sign_entry(self.body, log=log, signer=self._key.public.hex(), key=self._key)

    def challenge(self) -> challenge.Opening:
        """Lay the ballot open for a second device. It is never signed: Refused("ballot-spent") after `cast`."""
        self._spend()
        return challenge.Opening(self.body, tuple(self._randomness), self._choices)

    def _spend(self) -> None:
        if self._spent:
            raise Refused("ballot-spent")
        self._spent = True

    def __repr__(self) -> str:
        return f"EncryptedBallot(fingerprint={self.fingerprint.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ballot that is not cast yet holds secrets and is not pickled")


def encrypt_ballot(
    group: Group,
    random: Random,
    *,
    context: bytes,
    joint_key: Elements,
    offer: Offer,
    urn: str,
    key: SigningKey,
    choices: Mapping[str, Choice],
) -> EncryptedBallot:
    """Encrypt one choice per contest of the urn, by contest id, and prove knowledge of the randomness.

    Every ballot of an urn has the same size, whatever the choices. Raises Refused: unknown urn, a contest missing or
    too many, a choice that its contest does not allow.
    """
    contests = contests_of_urn(offer, urn)
    randomness = group.random_scalars(sum(contest.blocks for contest in contests), random)
    a, b = challenge.encrypt(group, joint_key, contests, choices, randomness)
    blocks = _blocks(contests, a.encode(), b.encode())
    statement = ballot_pok.Statement(context, urn, key.public, joint_key.encode(), blocks)
    proofs = prove_ballot.prove(group, random, statement, randomness)
    return EncryptedBallot(_body(context, urn, contests, blocks, proofs), choices, randomness, key)


def _blocks(contests: list[Contest], a: bytes, b: bytes) -> list[ballot_pok.Block]:
    places = [(contest.id, index) for contest in contests for index in range(contest.blocks)]
    spans = [slice(start, start + ELEMENT_BYTES) for start in range(0, len(a), ELEMENT_BYTES)]
    return [
        ballot_pok.Block(contest, index, a[span], b[span]) for (contest, index), span in zip(places, spans, strict=True)
    ]


def _body(
    context: bytes,
    urn: str,
    contests: list[Contest],
    blocks: list[ballot_pok.Block],
    proofs: list[ballot_pok.Proof],
) -> Ballot:
    found = []
    pairs = list(zip(blocks, proofs, strict=True))
    for contest in contests:
        mine = [(block, proof) for block, proof in pairs if block.contest == contest.id]
        found.append(
            ContestBallot(
                contest.id,
                [Ciphertext(block.a.hex(), block.b.hex()) for block, _ in mine],
                [Schnorr(proof.commitment.hex(), proof.response.hex()) for _, proof in mine],
            )
        )
    return Ballot(context.hex(), urn, found)

"""What a challenged ballot reveals, and how a second device checks it (cast or challenge, after Benaloh).

The second device has verified manifest and setup itself and takes context, joint key and offer from there; from the
first it takes only this opening, and the fingerprint from the voter's eyes. Source: protocol, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vemre.checks import Check
from vemre.crypto import canonical, tracker
from vemre.election.blocks import encode_blocks
from vemre.election.choice import Choice, encode_choice
from vemre.election.choice_names import choices_in_order, contests_of_urn, read_choices, write_choice
from vemre.errors import CheckFailed, Refused
from vemre.group import Elements, Group, Scalars
from vemre.params import ELEMENT_BYTES, GROUP_ORDER, MAX_ENTRY_BYTES, SCALAR_BYTES
from vemre.records.fields import Body, Hex32
from vemre.records.record import parse_value, plain
from vemre.records.setup_bodies import Contest, Offer
from vemre.records.vote_bodies import Ballot

MAX_BYTES = 2 * MAX_ENTRY_BYTES


@dataclass(frozen=True)
class Opening:
    """A ballot that was never signed, laid open: its body, the r of every block in ballot order, and the choices.

    It is no secret any more, and proves nothing about any other ballot."""

    body: Ballot
    randomness: tuple[int, ...]
    choices: Mapping[str, Choice]

    def encode(self, offer: Offer) -> bytes:
        """Canonical JSON ``{"ballot": body, "choices": {contest: choice}, "randomness": [hex]}``."""
        contests = contests_of_urn(offer, self.body.urn)
        return canonical.encode(
            {
                "ballot": plain(self.body),
                "choices": {contest.id: write_choice(contest, self.choices[contest.id]) for contest in contests},
                "randomness": [r.to_bytes(SCALAR_BYTES, "little").hex() for r in self.randomness],
            }
        )

    @classmethod
    def parse(cls, data: bytes, offer: Offer) -> Opening:
        """Raises CheckFailed(CANONICAL or SCALAR) for its form, Refused for choices that the offer does not know."""
        value = parse_value(data, _Opening, limit=MAX_BYTES)
        choices = read_choices(contests_of_urn(offer, value.ballot.urn), value.choices)
        randomness = tuple(int.from_bytes(bytes.fromhex(item), "little") for item in value.randomness)
        if any(r >= GROUP_ORDER for r in randomness):
            raise CheckFailed(Check.SCALAR, "a scalar of the opening is not reduced")
        return cls(value.ballot, randomness, choices)


class _Opening(Body, frozen=True):
    """The form of an opening."""

    ballot: Ballot
    choices: dict[str, Any]
    randomness: list[Hex32]


def fingerprint(body: Ballot) -> bytes:
    """What the voter notes down before casting or challenging (32 bytes; `vemre.crypto.tracker.shown` shortens it)."""
    return tracker.fingerprint(canonical.encode(plain(body)))


def encrypt(
    group: Group, joint_key: Elements, contests: list[Contest], choices: Mapping[str, Choice], randomness: Scalars
) -> tuple[Elements, Elements]:
    """All a = rG and all b = M + rY of a ballot, block by block. Raises Refused for choices that are not allowed."""
    ordered = choices_in_order(contests, choices)
    data = b"".join(encode_choice(contest, choice) for contest, choice in zip(contests, ordered, strict=True))
    messages = encode_blocks(group, data)
    return group.base_mul(randomness), messages + group.fixed_mul(joint_key, randomness)


def check_challenge(
    group: Group, *, context: bytes, joint_key: Elements, offer: Offer, shown: bytes, opening: Opening
) -> None:
    """Encrypt the revealed choices again and compare. `shown` is the fingerprint that the first device displayed: the
    32 bytes, or the 20 of the short form.

    Raises Refused("challenge-failed"), which names the contest where there is one: an alarm about the first device.
    """
    body = opening.body
    found = fingerprint(body)
    if len(shown) not in (tracker.SHOWN_BYTES, len(found)) or found[: len(shown)] != shown:
        raise Refused("challenge-failed", contest="*")
    contests = contests_of_urn(offer, body.urn)
    blocks = sum(contest.blocks for contest in contests)
    if body.context != context.hex() or len(opening.randomness) != blocks:
        raise Refused("challenge-failed", contest="*")
    if [(c.contest, len(c.ciphertexts)) for c in body.contests] != [(c.id, c.blocks) for c in contests]:
        raise Refused("challenge-failed", contest="*")
    a, b = encrypt(group, joint_key, contests, opening.choices, group.scalars(opening.randomness))
    expected = iter(zip(_hexes(a), _hexes(b), strict=True))
    for contest in body.contests:
        for ciphertext in contest.ciphertexts:
            if (ciphertext.a, ciphertext.b) != next(expected):
                raise Refused("challenge-failed", contest=contest.contest)


def _hexes(elements: Elements) -> list[str]:
    data = elements.encode()
    return [data[start : start + ELEMENT_BYTES].hex() for start in range(0, len(data), ELEMENT_BYTES)]

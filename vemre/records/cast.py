"""A ballot's record as the rules over many ballots look at it: bytes, in columns.

Source: protocol, section 7.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from vemre.group.kernel import Shape
from vemre.records.vote_bodies import Ballot

_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Cast(NamedTuple):
    """What one ballot holds, 32 bytes for each digest, element, scalar and key. Nothing of it is decoded yet."""

    context: bytes
    urn: str
    shape: Shape
    """Each contest with its numbers of ciphertexts and of proofs."""
    credential: bytes
    """The signer; empty where the record names something that is no key."""
    points: bytes
    """a and b of every ciphertext, in ballot order."""
    commitments: bytes
    """T of every proof, in ballot order."""
    responses: bytes


def cast_of(signer: str, body: Ballot) -> Cast:
    """The columns of one ballot."""
    ciphertexts = [ciphertext for contest in body.contests for ciphertext in contest.ciphertexts]
    proofs = [proof for contest in body.contests for proof in contest.pok]
    return Cast(
        context=bytes.fromhex(body.context),
        urn=body.urn,
        shape=tuple((contest.contest, len(contest.ciphertexts), len(contest.pok)) for contest in body.contests),
        credential=key_of(signer),
        points=bytes.fromhex("".join([half for ciphertext in ciphertexts for half in (ciphertext.a, ciphertext.b)])),
        commitments=bytes.fromhex("".join([proof.commitment for proof in proofs])),
        responses=bytes.fromhex("".join([proof.response for proof in proofs])),
    )


def key_of(text: str) -> bytes:
    """The key that 64 digits of lower-case hex stand for; nothing for any other text."""
    return bytes.fromhex(text) if _KEY.fullmatch(text) else b""

"""Proofs of decryption, and the combination of shares, in pieces for an executor. Source: protocol, section 10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vemre.election.blocks import open_blocks
from vemre.errors import CheckFailed
from vemre.group import Backend, load
from vemre.params import ELEMENT_BYTES
from vemre.proofs import decryption
from vemre.types import Random

PORTION: Final = 1 << 17
"""Ciphertexts whose shares are combined together in this process; bounds memory."""
PIECE: Final = {"native": 1 << 14, "reference": 1 << 8}
"""As many, where they go to an executor."""
_BOTH: Final = 2 * ELEMENT_BYTES


@dataclass(frozen=True)
class DecryptionPiece:
    """One trustee's shares of a batch and their proof, with the list that was decrypted (a, b in blob order)."""

    backend: Backend
    random: Random
    context: bytes
    urn: str
    contest: str
    trustee: int
    verification_key: bytes
    ciphertexts: bytes
    shares: bytes
    proof: decryption.Proof


def decryption_of_piece(piece: DecryptionPiece) -> bool:
    """Whether the proof holds."""
    group = load(piece.backend)
    try:
        statement = decryption.Statement(
            context=piece.context,
            urn=piece.urn,
            contest=piece.contest,
            trustee=piece.trustee,
            verification_key=group.decode(piece.verification_key),
            bases=group.decode(piece.ciphertexts).strided(0, 1, 2),
            shares=group.decode(piece.shares),
        )
        decryption.verify(group, piece.random, statement, piece.proof)
    except CheckFailed:
        return False
    return True


@dataclass(frozen=True)
class PlaintextPiece:
    """Ciphertexts of a batch (a, b) and their valid shares, of each trustee that is used."""

    backend: Backend
    ciphertexts: bytes
    shares: tuple[tuple[int, bytes], ...]


def plaintext_pieces(
    backend: Backend, ciphertexts: bytes, shares: Sequence[tuple[int, bytes]]
) -> Iterator[PlaintextPiece]:
    """A whole batch, cut."""
    size = PIECE[backend]
    for start in range(0, len(ciphertexts) // _BOTH, size):
        stop = start + size
        parts = tuple((trustee, data[ELEMENT_BYTES * start : ELEMENT_BYTES * stop]) for trustee, data in shares)
        yield PlaintextPiece(backend, ciphertexts[_BOTH * start : _BOTH * stop], parts)


def plaintexts_of_piece(piece: PlaintextPiece) -> list[bytes | None]:
    """The block of each ciphertext, None where it is no encoding. Raises CheckFailed for shares that do not decode."""
    group = load(piece.backend)
    payloads = group.decode(piece.ciphertexts).strided(1, 1, 2)
    shares = {trustee: group.decode(data) for trustee, data in piece.shares}
    return open_blocks(group, payloads, shares)

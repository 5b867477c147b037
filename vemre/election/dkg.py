"""A trustee's part in distributed key generation: its polynomial, its messages, what it makes of the others'.

Holds secrets. `deal` fixes every message of an attempt before the first is sent, so a machine that stops half-way goes
on with the same bytes. Source: protocol, section 5.1, and appendix E, item 1; the rules that the messages must satisfy
are `vemre.election.rules.keygen`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from vemre.crypto.boxes import BoxInvalid, BoxKey
from vemre.errors import KeyFileError
from vemre.group import Elements, Group
from vemre.params import GROUP_ORDER, SCALAR_BYTES
from vemre.proofs import possession, threshold
from vemre.proofs.prove import possession as prove_possession
from vemre.records import setup_bodies as s
from vemre.records.fields import Schnorr
from vemre.records.record import body_digest, plain
from vemre.types import Random


@dataclass(frozen=True)
class Ceremony:
    """What everybody knows of an attempt: its number and context, the threshold, the box keys of trustees 1..n."""

    attempt: int
    context: bytes
    threshold: int
    boxes: tuple[bytes, ...]

    @property
    def trustees(self) -> range:
        """1..n."""
        return range(1, len(self.boxes) + 1)


class Dealing:
    """One trustee's polynomial and messages in one attempt. Its representation shows no secret."""

    __slots__ = ("_coefficients", "attempt", "reveal", "shares", "trustee")

    def __init__(self, trustee: int, coefficients: Sequence[int], reveal: s.DkgReveal, shares: s.DkgShares) -> None:
        self.trustee = trustee
        self.attempt = reveal.attempt
        self._coefficients = tuple(coefficients)
        self.reveal = reveal
        self.shares = shares

    @property
    def commit(self) -> s.DkgCommit:
        """The first message: the digest of the reveal."""
        return s.DkgCommit(self.attempt, body_digest(self.reveal).hex())

    def share(self, trustee: int) -> int:
        """f_j(k), for trustee k alone."""
        value = 0
        for coefficient in reversed(self._coefficients):
            value = (value * trustee + coefficient) % GROUP_ORDER
        return value

    def answer(self, trustee: int) -> s.DkgAnswer:
        """f_j(k) in clear, upon the complaint of trustee k."""
        return s.DkgAnswer(self.attempt, f"trustee/{trustee}", _encode(self.share(trustee)).hex())

    def secrets(self) -> dict[str, Any]:
        """Everything, as plain values for the encrypted key file."""
        return {
            "coefficients": [_encode(c).hex() for c in self._coefficients],
            "reveal": plain(self.reveal),
            "shares": plain(self.shares),
            "trustee": self.trustee,
        }

    @classmethod
    def from_secrets(cls, value: Mapping[str, Any]) -> Dealing:
        """Back from a key file. Raises KeyFileError."""
        try:
            coefficients = [_decode(bytes.fromhex(item)) for item in value["coefficients"]]
            reveal = msgspec.convert(value["reveal"], s.DkgReveal)
            shares = msgspec.convert(value["shares"], s.DkgShares)
            trustee = value["trustee"]
        except (KeyError, TypeError, ValueError):
            raise KeyFileError("the state of key generation in the file is damaged") from None
        if None in coefficients or type(trustee) is not int or shares.attempt != reveal.attempt:
            raise KeyFileError("the state of key generation in the file is damaged")
        return cls(trustee, [c for c in coefficients if c is not None], reveal, shares)

    def __repr__(self) -> str:
        return f"Dealing(trustee={self.trustee}, attempt={self.attempt})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a polynomial is not pickled: key files are the one way it travels")


def deal(group: Group, random: Random, ceremony: Ceremony, trustee: int, box_key: BoxKey) -> Dealing:
    """Draw a polynomial of degree t - 1 and make all messages of the attempt. Raises vemre.crypto.boxes.BoxInvalid
    where a trustee's box key is one with which nothing can be kept secret."""
    coefficients = group.random_scalars(ceremony.threshold, random)
    commitments = group.base_mul(coefficients)
    statement = possession.Statement(ceremony.context, trustee, commitments)
    proof = prove_possession.prove(group, random, statement, coefficients[0])
    pop = Schnorr(proof.commitment.hex(), proof.response.hex())
    reveal = s.DkgReveal(ceremony.attempt, _hexes(commitments), pop)
    dealing = Dealing(trustee, tuple(coefficients), reveal, s.DkgShares(ceremony.attempt, []))
    boxes = [
        s.BoxedShare(f"trustee/{k}", box_key.seal(_encode(dealing.share(k)), public, random).hex())
        for k, public in zip(ceremony.trustees, ceremony.boxes, strict=True)
    ]
    return Dealing(trustee, tuple(coefficients), reveal, s.DkgShares(ceremony.attempt, boxes))


@dataclass(frozen=True)
class Received:
    """What one trustee got: f_j(k) of every dealer j whose share fits, and the dealers to complain about."""

    shares: Mapping[int, int] = field(repr=False)
    accused: tuple[int, ...]


def receive(
    group: Group,
    ceremony: Ceremony,
    trustee: int,
    box_key: BoxKey,
    *,
    commitments: Mapping[int, Elements],
    shares: Mapping[int, s.DkgShares],
    answers: Mapping[int, s.DkgAnswer],
) -> Received:
    """Open the boxes of all dealers, by dealer number, and check f_j(k) G = sum_m k^m A_jm.

    An answer to this trustee's own complaint stands in the place of the box, if it satisfies the equation.
    """
    good: dict[int, int] = {}
    accused = []
    for dealer in ceremony.trustees:
        expected = threshold.evaluate_commitments(group, commitments[dealer], trustee).encode()
        offered = [_opened(ceremony, dealer, trustee, box_key, shares[dealer])]
        if dealer in answers:
            offered.append(_decode(bytes.fromhex(answers[dealer].share)))
        for share in offered:
            if share is not None and group.base_mul(group.scalars([share])).encode() == expected:
                good[dealer] = share
        if dealer not in good:
            accused.append(dealer)
    return Received(good, tuple(accused))


def _opened(ceremony: Ceremony, dealer: int, trustee: int, box_key: BoxKey, shares: s.DkgShares) -> int | None:
    """The scalar in the dealer's box for this trustee, or None where there is none."""
    boxes = [bytes.fromhex(share.box) for share in shares.shares if share.to == f"trustee/{trustee}"]
    if len(boxes) != 1:
        return None
    try:
        return _decode(box_key.open(boxes[0], ceremony.boxes[dealer - 1]))
    except BoxInvalid:
        return None


class KeyShare:
    """x_k, one trustee's share of the key. Its representation shows no secret."""

    __slots__ = ("_secret", "attempt", "trustee")

    def __init__(self, attempt: int, trustee: int, secret: int) -> None:
        self.attempt = attempt
        self.trustee = trustee
        self._secret = secret

    @classmethod
    def combine(cls, ceremony: Ceremony, trustee: int, received: Received) -> KeyShare:
        """x_k = sum_j f_j(k). Raises ValueError where a dealer's share is missing."""
        if received.accused or set(received.shares) != set(ceremony.trustees):
            raise ValueError("a key share is made of the shares of all dealers")
        return cls(ceremony.attempt, trustee, sum(received.shares.values()) % GROUP_ORDER)

    @property
    def role(self) -> str:
        """``trustee/k``."""
        return f"trustee/{self.trustee}"

    def secret(self) -> int:
        """x_k, for decryption shares and the key file alone."""
        return self._secret

    def belongs_to(self, group: Group, verification_key: Elements) -> bool:
        """Whether x_k G = X_k."""
        return group.base_mul(group.scalars([self._secret])).encode() == verification_key.encode()

    def secrets(self) -> dict[str, Any]:
        """Everything, as plain values for the encrypted key file."""
        return {"attempt": self.attempt, "share": _encode(self._secret).hex(), "trustee": self.trustee}

    @classmethod
    def from_secrets(cls, value: Mapping[str, Any]) -> KeyShare:
        """Back from a key file. Raises KeyFileError."""
        try:
            attempt, trustee, secret = value["attempt"], value["trustee"], _decode(bytes.fromhex(value["share"]))
        except (KeyError, TypeError, ValueError):
            raise KeyFileError("the key share in the file is damaged") from None
        if secret is None or type(attempt) is not int or type(trustee) is not int:
            raise KeyFileError("the key share in the file is damaged")
        return cls(attempt, trustee, secret)

    def __repr__(self) -> str:
        return f"KeyShare(trustee={self.trustee}, attempt={self.attempt})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key share is not pickled: key files are the one way it travels")


def _encode(scalar: int) -> bytes:
    return scalar.to_bytes(SCALAR_BYTES, "little")


def _decode(data: bytes) -> int | None:
    """A canonical scalar, or None."""
    value = int.from_bytes(data, "little")
    return value if len(data) == SCALAR_BYTES and value < GROUP_ORDER else None


def _hexes(elements: Elements) -> list[str]:
    data = elements.encode()
    return [data[start : start + SCALAR_BYTES].hex() for start in range(0, len(data), SCALAR_BYTES)]

"""The voter's credential: 128 random bits, their written form, and the Ed25519 key that they give.

Source: protocol, section 6.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vemre.crypto import crockford
from vemre.crypto.signing import SEED_BYTES, SigningKey
from vemre.errors import Refused
from vemre.types import Random

SECRET_BYTES: Final = 16
SECRET_SYMBOLS: Final = 26
CHECK_SYMBOLS: Final = 2
ELECTION_ID_CHARACTERS: Final = 36

_CHECK_BITS: Final = CHECK_SYMBOLS * crockford.SYMBOL_BITS
_CHECK_DOMAIN: Final = b"VEMRE-1/credential-check"
_KEY_INFO: Final = b"VEMRE-1/credential"


class Credential:
    """The 16 secret bytes. Its representation, its copies by pickle and its errors never show them."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError for another length."""
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a credential has {SECRET_BYTES} bytes")
        self._secret = bytes(secret)

    @classmethod
    def generate(cls, random: Random) -> Credential:
        """A fresh credential; `random` is the system's source (`os.urandom`)."""
        return cls(random(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> Credential:
        """The credential that a voter typed: capitals or not, with or without hyphens and spaces, I and L for 1, O
        for 0. Raises Refused("credential-mistyped"), which does not repeat what was typed."""
        symbols = crockford.normalise(text)
        if len(symbols) != SECRET_SYMBOLS + CHECK_SYMBOLS:
            raise Refused("credential-mistyped")
        try:
            number = crockford.decode(symbols[:SECRET_SYMBOLS])
            check = crockford.decode(symbols[SECRET_SYMBOLS:])
            secret = number.to_bytes(SECRET_BYTES, "big")
        except (ValueError, OverflowError):
            raise Refused("credential-mistyped") from None
        if not hmac.compare_digest(_check(secret).to_bytes(2, "big"), check.to_bytes(2, "big")):
            raise Refused("credential-mistyped")
        return cls(secret)

    def shown(self) -> str:
        """26 symbols and 2 check symbols, in seven groups of four. A secret: for the delivery to the voter alone."""
        number = int.from_bytes(self._secret, "big")
        check = crockford.encode(_check(self._secret), CHECK_SYMBOLS)
        return crockford.grouped(crockford.encode(number, SECRET_SYMBOLS) + check)

    def signing_key(self, election_id: str) -> SigningKey:
        """The Ed25519 key of this credential in the election with this id (a UUID in its 36 characters)."""
        salt = election_id.encode("ascii")
        if len(salt) != ELECTION_ID_CHARACTERS:
            raise ValueError(f"an election id has {ELECTION_ID_CHARACTERS} characters")
        derivation = HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=salt, info=_KEY_INFO)
        return SigningKey.from_seed(derivation.derive(self._secret))

    def __repr__(self) -> str:
        return "Credential(secret)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled: its written form is the one way it travels")


def _check(secret: bytes) -> int:
    """The first ten bits of the check digest, against typing errors."""
    digest = hashlib.sha256(_CHECK_DOMAIN + secret).digest()
    return int.from_bytes(digest[:2], "big") >> (16 - _CHECK_BITS)

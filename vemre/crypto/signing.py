"""Ed25519 signing keys: the secret half, kept apart from verification.

Source: protocol, section 3; RFC 8032. PyNaCl (libsodium) signs in constant time.
"""

from __future__ import annotations

from typing import Final, NoReturn

import nacl.bindings

from vemre.types import Random

SEED_BYTES: Final = 32


class SigningKey:
    """An Ed25519 key pair. Its representation, its copies by pickle and its errors never show the seed."""

    __slots__ = ("_public", "_secret")

    def __init__(self, seed: bytes) -> None:
        """`seed` is 32 secret bytes. Raises ValueError for another length."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"an Ed25519 seed has {SEED_BYTES} bytes")
        self._public, self._secret = nacl.bindings.crypto_sign_seed_keypair(seed)

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of a stored or derived 32-byte seed."""
        return cls(seed)

    @classmethod
    def generate(cls, random: Random) -> SigningKey:
        """A fresh key; `random` is the system's source (`os.urandom`)."""
        return cls(random(SEED_BYTES))

    @property
    def public(self) -> bytes:
        """The 32-byte public key."""
        return self._public

    def seed(self) -> bytes:
        """The 32 secret bytes, for the encrypted key file alone."""
        return self._secret[:SEED_BYTES]

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of `message`; deterministic."""
        return nacl.bindings.crypto_sign(message, self._secret)[:64]

    def __repr__(self) -> str:
        return f"SigningKey(public={self._public.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled: key files are the one way it travels")

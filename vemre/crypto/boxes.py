"""Boxes in which trustees send each other their parts of the key: X25519, XSalsa20 and Poly1305 by PyNaCl.

Source: protocol, section 5.1 c and appendix A (a box is nonce || ciphertext).
"""

from __future__ import annotations

from typing import Final, NoReturn

import nacl.exceptions
from nacl.public import Box, PrivateKey, PublicKey

from vemre.errors import VemreError
from vemre.types import Random

KEY_BYTES: Final = PrivateKey.SIZE
NONCE_BYTES: Final = Box.NONCE_SIZE
MESSAGE_BYTES: Final = 32
BOX_BYTES: Final = NONCE_BYTES + 16 + MESSAGE_BYTES


class BoxInvalid(VemreError):
    """A box that does not open, or a box key with which nothing can be kept secret."""


class BoxKey:
    """An X25519 key pair. Its representation, its copies by pickle and its errors never show the secret."""

    __slots__ = ("_private",)

    def __init__(self, secret: bytes) -> None:
        """`secret` is 32 secret bytes. Raises ValueError for another length."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a box key has {KEY_BYTES} bytes")
        self._private = PrivateKey(secret)

    @classmethod
    def generate(cls, random: Random) -> BoxKey:
        """A fresh key; `random` is the system's source (`os.urandom`)."""
        return cls(random(KEY_BYTES))

    @property
    def public(self) -> bytes:
        """The 32-byte public key."""
        return bytes(self._private.public_key)

    def secret(self) -> bytes:
        """The 32 secret bytes, for the encrypted key file alone."""
        return bytes(self._private)

    def seal(self, message: bytes, to: bytes, random: Random) -> bytes:
        """A box of 32 bytes (an encoded scalar) for the public key `to`. Raises BoxInvalid for a key of small order."""
        if len(message) != MESSAGE_BYTES:
            raise ValueError(f"a box holds {MESSAGE_BYTES} bytes")
        return bytes(self._with(to).encrypt(message, random(NONCE_BYTES)))

    def open(self, box: bytes, sender: bytes) -> bytes:
        """The 32 bytes that the holder of the public key `sender` put in. Raises BoxInvalid."""
        if len(box) != BOX_BYTES:
            raise BoxInvalid(f"a box of {len(box)} bytes, not {BOX_BYTES}")
        try:
            return self._with(sender).decrypt(box)
        except nacl.exceptions.CryptoError:
            raise BoxInvalid("the box does not open") from None

    def _with(self, public: bytes) -> Box:
        try:
            return Box(self._private, PublicKey(public))
        except (nacl.exceptions.CryptoError, RuntimeError, ValueError):
            raise BoxInvalid("a public key with which no box can be made") from None

    def __repr__(self) -> str:
        return f"BoxKey(public={self.public.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a box key is not pickled: key files are the one way it travels")

"""The keys that sign checkpoints: the log's own, and the witnesses'.

Kept apart from `note`, `cosignature` and `checkpoint`, which verify and hold no secret.
Source: docs/spec/log.md; C2SP signed-note, tlog-cosignature.
"""

from __future__ import annotations

from typing import Final, NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from vemre.crypto.signing import SigningKey
from vemre.log.checkpoint import Checkpoint
from vemre.log.cosignature import cosigned_text, cosigned_tree
from vemre.log.note import KeyType, Note, SignatureLine, Vkey

ML_DSA_SEED_BYTES: Final = 32


class LogSigner:
    """A log's identity: it signs checkpoints of its own origin and nothing else."""

    def __init__(self, origin: str, key: SigningKey) -> None:
        self._key = key
        self.vkey = Vkey(origin, KeyType.ED25519, key.public)

    @property
    def origin(self) -> str:
        """The log's origin, which is also the name of its key."""
        return self.vkey.name

    def sign(self, size: int, root: bytes) -> bytes:
        """The signed checkpoint, without cosignatures. The caller has made `size` and `root` durable before."""
        text = Checkpoint(self.origin, size, root).text()
        line = SignatureLine(self.origin, self.vkey.key_id, self._key.sign(text.encode()))
        return Note(text, (line,)).encode()


class Cosigner(Protocol):
    """A witness key of either type."""

    vkey: Vkey

    def cosign(self, checkpoint: Checkpoint, timestamp: int) -> SignatureLine:
        """The cosignature at `timestamp`, POSIX seconds. Whoever calls has checked the checkpoint."""


class Ed25519Cosigner:
    """A witness key of type 0x04. Never the key of a log, and one key for one witness."""

    def __init__(self, name: str, key: SigningKey) -> None:
        self._key = key
        self.vkey = Vkey(name, KeyType.COSIGNATURE, key.public)

    def cosign(self, checkpoint: Checkpoint, timestamp: int) -> SignatureLine:
        """See `Cosigner`."""
        signature = self._key.sign(cosigned_text(checkpoint, timestamp))
        return SignatureLine(self.vkey.name, self.vkey.key_id, timestamp.to_bytes(8, "big") + signature)


class MLDSACosigner:
    """A witness key of type 0x06, from a 32-byte seed. Signatures are hedged, so no two are equal."""

    __slots__ = ("_key", "vkey")

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.vkey = Vkey(name, KeyType.ML_DSA_44, self._key.public_key().public_bytes_raw())

    def cosign(self, checkpoint: Checkpoint, timestamp: int) -> SignatureLine:
        """See `Cosigner`."""
        signature = self._key.sign(cosigned_tree(self.vkey.name, checkpoint, timestamp))
        return SignatureLine(self.vkey.name, self.vkey.key_id, timestamp.to_bytes(8, "big") + signature)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a witness key is not pickled: key files are the one way it travels")

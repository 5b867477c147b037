"""Cosignatures: what a witness says about a checkpoint, and when.

Ed25519 cosignature/v1 (type 0x04) covers the whole note text; the ML-DSA-44 one (type 0x06) covers the origin, the
size and the root. The first eight bytes of either are the time. Source: docs/spec/log.md; C2SP tlog-cosignature
v1.0.1 and v1.1.0-rc.1; FIPS 204 (pure, empty context).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vemre.crypto import ed25519
from vemre.log.encoding import MAX_SIZE, malformed
from vemre.log.note import KeyType, Vkey

if TYPE_CHECKING:
    from vemre.log.checkpoint import Checkpoint

_TIMESTAMP_BYTES: Final = 8


def verify_cosignature(key: Vkey, checkpoint: Checkpoint, signature: bytes) -> int:
    """Check a witness's cosignature; gives its time in POSIX seconds. Raises CheckFailed(NOTE)."""
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
    rest = signature[_TIMESTAMP_BYTES:]
    if len(signature) < _TIMESTAMP_BYTES or timestamp > MAX_SIZE:
        raise malformed(f"cosignature of {key.name}: no time, or one over 2^63-1")
    match key.type:
        case KeyType.COSIGNATURE:
            _verify_ed25519(key, cosigned_text(checkpoint, timestamp), rest)
        case KeyType.ML_DSA_44:
            if timestamp == 0:
                raise malformed(f"cosignature of {key.name}: no time")
            _verify_ml_dsa(key, cosigned_tree(key.name, checkpoint, timestamp), rest)
        case _:
            raise malformed(f"key {key.name}: does not cosign")
    return timestamp


def cosigned_text(checkpoint: Checkpoint, timestamp: int) -> bytes:
    """The message of an Ed25519 cosignature. It does not name the witness: one key is one witness."""
    return f"cosignature/v1\ntime {timestamp}\n{checkpoint.text()}".encode()


def cosigned_tree(cosigner: str, checkpoint: Checkpoint, timestamp: int) -> bytes:
    """The message of an ML-DSA-44 cosignature of a whole tree (start 0, end `size`). Raises CheckFailed(NOTE)."""
    return b"".join(
        (
            b"subtree/v1\n\0",
            _short_text(cosigner, "cosigner name"),
            timestamp.to_bytes(8, "big"),
            _short_text(checkpoint.origin, "origin"),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short_text(text: str, name: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise malformed(f"{name}: over 255 bytes")
    return bytes([len(data)]) + data


def _verify_ed25519(key: Vkey, message: bytes, signature: bytes) -> None:
    try:
        ed25519.verify(key.public, message, signature)
    except ed25519.SignatureInvalid as error:
        raise malformed(f"cosignature of {key.name}: {error}") from None


def _verify_ml_dsa(key: Vkey, message: bytes, signature: bytes) -> None:
    # A large module, loaded where it is needed alone.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise malformed(f"cosignature of {key.name}: the signature does not verify") from None

"""An observer's own key: it says what the observer saw, and counts for no quorum."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vemre.crypto.keyfile import KeyFile
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.log.note import Vkey, check_key_name
from vemre.log.signer import Ed25519Cosigner
from vemre.storage import keyfiles
from vemre.types import Random

KEY_FILE: Final = "observer.key"
KIND: Final = "observer"


def exists(folder: Path) -> bool:
    """Whether the folder has a key."""
    return (folder / KEY_FILE).exists()


def create(folder: Path, name: str | None, passphrase: bytes, random: Random, *, insecure: bool) -> Ed25519Cosigner:
    """Make the key. Without a `name` it is called after itself: ``observer-`` and eight hex digits.

    Raises Refused("witness-name-unusable"), KeyFileError where there is one already, OSError.
    """
    key = SigningKey.generate(random)
    chosen = name or f"observer-{key.public.hex()[:8]}"
    try:
        check_key_name(chosen)
    except CheckFailed:
        raise Refused("witness-name-unusable") from None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    cosigner = Ed25519Cosigner(chosen, key)
    public = {"witness": str(cosigner.vkey)}
    keyfiles.create(
        folder / KEY_FILE, KeyFile(KIND, public, {"witness": key.seed().hex()}, insecure), passphrase, random
    )
    return cosigner


def load(folder: Path, passphrase: bytes, *, allow_insecure: bool) -> Ed25519Cosigner:
    """The key. Raises KeyFileError and OSError."""
    key = keyfiles.load(folder / KEY_FILE, passphrase, KIND, allow_insecure=allow_insecure)
    try:
        name = Vkey.parse(key.public["witness"]).name
        return Ed25519Cosigner(name, SigningKey.from_seed(bytes.fromhex(key.secret["witness"])))
    except (KeyError, TypeError, ValueError, CheckFailed):
        raise KeyFileError("the key file does not hold what an observer needs") from None

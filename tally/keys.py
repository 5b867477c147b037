"""Key files of the people around the tally: trustees, mixers, the authority. Beside each, the acts that it prepared.

`<file>.acts/` holds submissions that were made and perhaps not received yet: what is in them is for the log anyhow. The
key file names them by their digests, so that after any interruption the same bytes go out again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from vemre.crypto.boxes import BoxKey
from vemre.crypto.keyfile import KeyFile
from vemre.crypto.signing import SigningKey
from vemre.errors import KeyFileError
from vemre.service.verified import Verified
from vemre.storage import keyfiles
from vemre.storage.blobs import write_durably
from vemre.types import Random

Kind = Literal["trustee", "mixer", "authority"]
_ACT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,159}")
_MAX_ACT: Final = 1 << 31
_VERIFIED: Final = "verified"


def create(
    path: Path, kind: Kind, role: str, name: str, passphrase: bytes, random: Random, *, insecure: bool
) -> dict[str, str]:
    """Make the keys of a role; gives their public halves. Raises KeyFileError where there is a file, OSError."""
    sign = SigningKey.generate(random)
    public = {"role": role, "name": name, "sign": sign.public.hex()}
    secret: dict[str, Any] = {"sign": sign.seed().hex()}
    if kind == "trustee":
        box = BoxKey.generate(random)
        public["box"] = box.public.hex()
        secret["box"] = box.secret().hex()
    if kind == "authority":
        del public["name"]
    keyfiles.create(path, KeyFile(kind, public, secret, insecure), passphrase, random)
    return public


@dataclass
class RoleFile:
    """An opened key file and the way to put it back."""

    path: Path
    key: KeyFile
    passphrase: bytes
    random: Random

    @classmethod
    def open(cls, path: Path, kind: Kind, passphrase: bytes, random: Random, *, allow_insecure: bool) -> RoleFile:
        """Raises KeyFileError and OSError."""
        key = keyfiles.load(path, passphrase, kind, allow_insecure=allow_insecure)
        return cls(path, key, passphrase, random)

    @property
    def role(self) -> str:
        """The role id, such as ``trustee/2``."""
        role = self.key.public.get("role")
        if not isinstance(role, str):
            raise KeyFileError("the key file names no role")
        return role

    @property
    def sign(self) -> SigningKey:
        """The key that signs the role's records. Raises KeyFileError."""
        return SigningKey.from_seed(secret_bytes(self.key.secret, "sign"))

    @property
    def verified(self) -> Verified | None:
        """What the role verified before, sealed with its secrets. Raises KeyFileError."""
        value = self.key.secret.get(_VERIFIED)
        try:
            return None if value is None else Verified.from_plain(value)
        except ValueError:
            raise KeyFileError("the file says in no known way what was verified") from None

    def note_verified(self, verified: Verified | None) -> None:
        """Keep what the role verified, durably. Raises OSError."""
        if verified is not None:
            self.save({**self.key.secret, _VERIFIED: verified.plain()})

    def save(self, secret: Mapping[str, Any]) -> None:
        """Replace the secrets, but for what was verified unless that is given; returns once that is durable. Does
        nothing where they are the same. Raises OSError."""
        if _VERIFIED in self.key.secret:
            secret = {_VERIFIED: self.key.secret[_VERIFIED], **secret}
        if dict(secret) == dict(self.key.secret):
            return
        key = replace(self.key, secret=secret)
        keyfiles.replace(self.path, key, self.passphrase, self.random)
        self.key = key

    def destroy(self, secret: Mapping[str, Any]) -> None:
        """As `save`, and the bytes of the old file are overwritten, as far as the medium honours that."""
        with open(self.path, "r+b") as old:
            size = os.fstat(old.fileno()).st_size
            self.save(secret)
            # The name now belongs to the new file; this is the old one.
            old.write(self.random(size))
            old.flush()
            os.fsync(old.fileno())

    # --- prepared acts --------------------------------------------------------------------------------------------

    def put_act(self, name: str, data: bytes) -> str:
        """Keep a prepared act; gives its digest for the key file, which is to be saved after."""
        path = self._act(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_durably(path, data)
        return hashlib.sha256(data).hexdigest()

    def get_act(self, name: str, digest: str) -> bytes | None:
        """A prepared act, or None where its file is gone or is not the one that the key file names."""
        try:
            with open(self._act(name), "rb") as file:
                data = file.read(_MAX_ACT)
        except FileNotFoundError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def _act(self, name: str) -> Path:
        if not _ACT_NAME.fullmatch(name):
            raise ValueError("not the name of an act")
        return self.path.with_name(f"{self.path.name}.acts") / name


def secret_bytes(secret: Mapping[str, Any], name: str) -> bytes:
    """32 bytes of a key file's secrets. Raises KeyFileError."""
    try:
        data = bytes.fromhex(secret[name])
    except (KeyError, TypeError, ValueError):
        raise KeyFileError(f"the key file holds no usable `{name}`") from None
    if len(data) != 32:
        raise KeyFileError(f"the key file holds no usable `{name}`")
    return data

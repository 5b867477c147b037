"""Encrypted key files: everything secret that a role keeps, in one JSON object.

A file is canonical JSON and a line feed::

    {"ciphertext": hex, "kdf": {"memory", "name": "argon2id", "passes"}, "kind", "nonce": hex, "public": {...},
     "salt": hex, "vemre-key": 1}

`ciphertext` is a SecretBox (XSalsa20, Poly1305) of the canonical JSON of the secrets, under

    HKDF-SHA-256(ikm = Argon2id(passphrase, salt), salt = empty, info = "VEMRE-1/key-file" || header, 32 bytes)

where the header is the canonical JSON of the object without `ciphertext`: what can be read without the passphrase
cannot be changed without it. A file with ``"insecure": true`` is for demonstrations: its passphrase is empty, it says
so, and it opens only for callers that allow it by name.

The file itself is read and written by `vemre.storage.keyfiles`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

import nacl.exceptions
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from vemre.crypto import canonical
from vemre.errors import CheckFailed, KeyFileError
from vemre.types import Random

MAX_BYTES: Final = 16 << 20
"""Longest key file: a trustee's grows with the batches that it has decrypted."""

_FORMAT: Final = 1
_DOMAIN: Final = b"VEMRE-1/key-file"
_FIELDS: Final = {"ciphertext", "kdf", "kind", "nonce", "public", "salt", "vemre-key"}
# A file from elsewhere must not make its reader spend more than this.
_MAX_MEMORY: Final = 1 << 30
_MAX_PASSES: Final = 16


@dataclass(frozen=True)
class Kdf:
    """Cost of Argon2id (one lane): `memory` in bytes, `passes` over it."""

    memory: int
    passes: int


STRONG: Final = Kdf(memory=256 << 20, passes=3)
"""libsodium's MODERATE: about a second. Key files are opened seldom and may be stolen with the machine."""
WEAK: Final = Kdf(memory=argon2id.MEMLIMIT_MIN, passes=argon2id.OPSLIMIT_MIN)
"""The least there is: for insecure files, which nothing protects, and for tests."""


@dataclass(frozen=True)
class Stretched:
    """What Argon2id made of a passphrase. Whoever has opened a file keeps it for as long as the passphrase, so that not
    every change of the file costs a second; with each goes a fresh nonce, hence another key."""

    salt: bytes
    kdf: Kdf
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, passphrase: bytes, salt: bytes, kdf: Kdf) -> Stretched:
        """At the cost of `kdf`."""
        key = argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, opslimit=kdf.passes, memlimit=kdf.memory)
        return cls(salt, kdf, key)


@dataclass(frozen=True)
class KeyFile:
    """An opened key file. `secret` and `stretched` stand in no representation."""

    kind: str
    public: Mapping[str, Any]
    secret: Mapping[str, Any] = field(repr=False)
    insecure: bool = False
    stretched: Stretched | None = field(default=None, repr=False, compare=False)
    """Of the file that it was opened from, where it was."""


def seal(key: KeyFile, passphrase: bytes, random: Random, *, kdf: Kdf = STRONG) -> bytes:
    """The bytes of a key file. `key.public` and `key.secret` are values of canonical JSON.

    What was opened is sealed again under its own salt and cost; else for an insecure key the passphrase and `kdf` are
    not used. Raises KeyFileError for an empty passphrase, or where
    the file would be too long.
    """
    if key.insecure:
        passphrase, kdf = b"", WEAK
    elif not passphrase:
        raise KeyFileError("the passphrase is empty")
    stretched = key.stretched or Stretched.of(passphrase, random(argon2id.SALTBYTES), kdf)
    header: dict[str, Any] = {
        "kdf": {"memory": stretched.kdf.memory, "name": "argon2id", "passes": stretched.kdf.passes},
        "kind": key.kind,
        "nonce": random(SecretBox.NONCE_SIZE).hex(),
        "public": dict(key.public),
        "salt": stretched.salt.hex(),
        "vemre-key": _FORMAT,
    }
    if key.insecure:
        header["insecure"] = True
    box = SecretBox(_file_key(header, stretched))
    sealed = box.encrypt(canonical.encode(dict(key.secret)), bytes.fromhex(header["nonce"]))
    data = canonical.encode({**header, "ciphertext": sealed.ciphertext.hex()}) + b"\n"
    if len(data) > MAX_BYTES:
        raise KeyFileError("the key file is too long")
    return data


def open_sealed(data: bytes, passphrase: bytes, kind: str, *, allow_insecure: bool = False) -> KeyFile:
    """The key file in `data`, which must be of `kind`.

    Raises KeyFileError: damaged, of another kind, insecure where that is not allowed, or a wrong passphrase.
    """
    header, ciphertext = _parse(data)
    if header["kind"] != kind:
        raise KeyFileError(f"the file is of another kind, not {kind}")
    insecure = "insecure" in header
    if insecure and not allow_insecure:
        raise KeyFileError("the file is marked insecure: it is for demonstrations")
    kdf = Kdf(header["kdf"]["memory"], header["kdf"]["passes"])
    stretched = Stretched.of(b"" if insecure else passphrase, bytes.fromhex(header["salt"]), kdf)
    box = SecretBox(_file_key(header, stretched))
    try:
        secret = canonical.decode(box.decrypt(ciphertext, bytes.fromhex(header["nonce"])), limit=MAX_BYTES)
    except (nacl.exceptions.CryptoError, CheckFailed):
        raise KeyFileError("wrong passphrase, or the file was changed") from None
    if not isinstance(secret, dict):
        raise KeyFileError("the file holds no secrets")
    return KeyFile(kind, header["public"], secret, insecure, stretched)


def read_public(data: bytes) -> tuple[str, Mapping[str, Any], bool]:
    """(kind, public part, insecure) of a key file, without its passphrase and so without proof. Raises KeyFileError."""
    header, _ = _parse(data)
    return header["kind"], header["public"], "insecure" in header


def _file_key(header: Mapping[str, Any], stretched: Stretched) -> bytes:
    info = _DOMAIN + canonical.encode(dict(header))
    return HKDF(algorithm=SHA256(), length=SecretBox.KEY_SIZE, salt=None, info=info).derive(stretched.key)


def _parse(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and ciphertext, of the right form."""
    try:
        value = canonical.decode(data.removesuffix(b"\n"), limit=MAX_BYTES)
    except CheckFailed:
        raise KeyFileError("not a key file, or a damaged one") from None
    if not isinstance(value, dict) or not data.endswith(b"\n") or set(value) - {"insecure"} != _FIELDS:
        raise KeyFileError("not a key file, or a damaged one")
    header = {name: item for name, item in value.items() if name != "ciphertext"}
    well_formed = (
        value["vemre-key"] == _FORMAT
        and value["vemre-key"] is not True
        and value.get("insecure", True) is True
        and isinstance(value["kind"], str)
        and isinstance(value["public"], dict)
        and _is_hex(value["nonce"], SecretBox.NONCE_SIZE)
        and _is_hex(value["salt"], argon2id.SALTBYTES)
        and _is_hex(value["ciphertext"], None)
        and _is_kdf(value["kdf"])
    )
    if not well_formed:
        raise KeyFileError("not a key file, or a damaged one")
    return header, bytes.fromhex(value["ciphertext"])


def _is_hex(value: object, size: int | None) -> TypeGuard[str]:
    if not isinstance(value, str) or value.strip("0123456789abcdef") or len(value) % 2:
        return False
    return size is None or len(value) == 2 * size


def _is_kdf(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != {"memory", "name", "passes"} or value["name"] != "argon2id":
        return False
    memory, passes = value["memory"], value["passes"]
    return (
        type(memory) is int
        and type(passes) is int
        and argon2id.MEMLIMIT_MIN <= memory <= _MAX_MEMORY
        and argon2id.OPSLIMIT_MIN <= passes <= _MAX_PASSES
    )

"""Key files on disk: 0600, written whole or not at all, replaced atomically.

A role's state (which lists it has decrypted, how far key generation went) lives in its key file, and it is replaced
*before* the act that it allows is sent: a machine that loses its power must not do an act twice in two ways.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from vemre.crypto import keyfile
from vemre.crypto.keyfile import STRONG, Kdf, KeyFile
from vemre.errors import KeyFileError
from vemre.types import Random

_MODE: Final = 0o600


def create(path: Path, key: KeyFile, passphrase: bytes, random: Random, *, kdf: Kdf = STRONG) -> None:
    """Write a new key file. Raises KeyFileError where there is one (keys are never overwritten), and OSError."""
    data = keyfile.seal(key, passphrase, random, kdf=kdf)
    try:
        _write_new(path, data)
    except FileExistsError:
        raise KeyFileError("there is a key file already, and a key is never overwritten") from None
    _sync_folder(path.parent)


def replace(path: Path, key: KeyFile, passphrase: bytes, random: Random, *, kdf: Kdf = STRONG) -> None:
    """Put a key file's new state in the place of the old one: after a crash there is either, whole. Raises OSError."""
    data = keyfile.seal(key, passphrase, random, kdf=kdf)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_new(aside, data)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def load(path: Path, passphrase: bytes, kind: str, *, allow_insecure: bool = False) -> KeyFile:
    """Open a key file. Raises KeyFileError (see `vemre.crypto.keyfile.open_sealed`; also where others than its owner
    may read or change it) and OSError."""
    return keyfile.open_sealed(read(path), passphrase, kind, allow_insecure=allow_insecure)


def read(path: Path) -> bytes:
    """The bytes of a key file that only its owner may use. Raises KeyFileError and OSError."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError("not a regular file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError("others may use the file: take their permissions away (chmod 600)")
        data = file.read(keyfile.MAX_BYTES + 1)
    if len(data) > keyfile.MAX_BYTES:
        raise KeyFileError("the file is too long for a key file")
    return data


def _write_new(path: Path, data: bytes) -> None:
    """A new file with exactly these bytes, durable; nothing is left behind where it cannot be written whole."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

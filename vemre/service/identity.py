"""Who a service is: the two keys of its role, made once for one election, and the token of its officials.

`create` makes the data folder of a new service; `load` opens it on every start. The public halves go to the authority,
who puts them into the manifest and the policy.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vemre.crypto.keyfile import KeyFile
from vemre.crypto.signing import SigningKey
from vemre.errors import KeyFileError, Refused
from vemre.log.signer import LogSigner
from vemre.service import official
from vemre.service.settings import ServiceSettings
from vemre.storage import keyfiles, schema
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import WRITERS, LogName, Random

KEY_FILE: Final = "service.key"
OFFICIAL: Final = "official"
"""The token of the officials: ``official.token`` for them to take away, ``official.sha256`` for the service."""

_ELECTION_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Identity:
    """A service's keys. `insecure` says that nothing protects them."""

    name: LogName
    election_id: str
    sign: SigningKey
    log: LogSigner
    insecure: bool = False

    @property
    def role(self) -> str:
        """The role that signs: ``ballot-box`` for the log ``ballot``."""
        return WRITERS[self.name]

    def public(self) -> dict[str, str]:
        """What the manifest and the policy say of this service."""
        return {
            "role": self.role,
            "election_id": self.election_id,
            "sign": self.sign.public.hex(),
            "log": str(self.log.vkey),
        }


def kind_of(name: LogName) -> str:
    """The kind of a service's key file."""
    return f"service/{WRITERS[name]}"


def key_path(settings: ServiceSettings) -> Path:
    """Where the key file is."""
    return settings.key_file or settings.data_dir / KEY_FILE


def create(
    settings: ServiceSettings, name: LogName, election_id: str, passphrase: bytes, random: Random, *, insecure: bool
) -> Identity:
    """Make the keys, the token, and the database with an empty log, in `settings.data_dir`.

    Raises Refused("election-id-unusable"), KeyFileError where there are keys already, StoreError where there is a log
    already, OSError.
    """
    if not _ELECTION_ID.fullmatch(election_id):
        raise Refused("election-id-unusable")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    origin = f"{settings.origin_host}/{election_id}/{name}"
    log_key = SigningKey.generate(random)
    identity = Identity(name, election_id, SigningKey.generate(random), LogSigner(origin, log_key), insecure)
    secret = {"sign": identity.sign.seed().hex(), "log": log_key.seed().hex()}
    key = KeyFile(kind_of(name), identity.public(), secret, insecure)
    keyfiles.create(key_path(settings), key, passphrase, random)
    create_token(settings.data_dir, OFFICIAL, random)
    engine = open_engine(settings.database)
    try:
        schema.upgrade(engine)
        LogStore.create(engine, identity.log)
    finally:
        engine.dispose()
    return identity


def load(settings: ServiceSettings, name: LogName, passphrase: bytes, *, allow_insecure: bool) -> Identity:
    """The keys of an existing service. Raises KeyFileError and OSError."""
    key = keyfiles.load(key_path(settings), passphrase, kind_of(name), allow_insecure=allow_insecure)
    try:
        sign, log = (SigningKey.from_seed(bytes.fromhex(key.secret[part])) for part in ("sign", "log"))
        origin = str(key.public["log"]).partition("+")[0]
        return Identity(name, str(key.public["election_id"]), sign, LogSigner(origin, log), key.insecure)
    except (KeyError, TypeError, ValueError):
        raise KeyFileError("the key file does not hold what this service needs") from None


def create_token(folder: Path, name: str, random: Random) -> str:
    """A new token, as ``<name>.token`` (0600, to be taken away) and ``<name>.sha256`` (what stays)."""
    token = official.new_token(random)
    for suffix, text in ((".token", token), (".sha256", official.digest(token).hex())):
        descriptor = os.open(folder / f"{name}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
    return token


def token_digest(folder: Path, name: str) -> bytes:
    """What the service keeps of a token. Raises OSError and Refused("file-unusable")."""
    path = folder / f"{name}.sha256"
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        raise Refused("file-unusable", file=str(path), reason="not a digest") from None

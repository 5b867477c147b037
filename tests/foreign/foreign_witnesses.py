"""Other people's witnesses as processes on this machine, each with a fresh key, each knowing one log."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from go_programs import free_port, running, wait_for
from ssh_agent import agent

from vemre.crypto.signing import SigningKey
from vemre.log.encoding import format_base64
from vemre.log.note import KeyType, Vkey, key_id


@dataclass(frozen=True)
class ForeignWitness:
    """Where it answers, and its key."""

    url: str
    vkey: Vkey

    @property
    def line(self) -> str:
        """Its line in a file of witnesses."""
        return f"witness {self.vkey.name} {self.vkey} {self.url}\n"


@contextmanager
def omniwitness(programs: Path, folder: Path, log: Vkey) -> Iterator[ForeignWitness]:
    """github.com/transparency-dev/witness, with its SQLite storage."""
    name, key, port = "omni.example/w", SigningKey.generate(os.urandom), free_port()
    folder.mkdir()
    # The key file has the form of a note's signing key, whatever it signs later.
    identity = key_id(name, KeyType.ED25519, key.public).hex()
    secret = format_base64(bytes([KeyType.ED25519]) + key.seed())
    (folder / "key").write_text(f"PRIVATE+KEY+{name}+{identity}+{secret}")
    (folder / "logs.yaml").write_text(f'Logs:\n  - Origin: "{log.name}"\n    PublicKey: "{log}"\n')
    command = [
        programs / "omniwitness", "--listen", f"127.0.0.1:{port}", "--metrics_listen", "", "--logtostderr",
        "--private_key_path", folder / "key", "--db_file", folder / "witness.sqlite3",
        "--additional_logs", folder / "logs.yaml",
    ]  # fmt: skip
    with running(command, port, folder / "output") as url:
        yield ForeignWitness(url, Vkey(name, KeyType.COSIGNATURE, key.public))


@contextmanager
def litewitness(programs: Path, folder: Path, log: Vkey) -> Iterator[ForeignWitness]:
    """filippo.io/torchwood/cmd/litewitness, whose key is in an ssh-agent."""
    name, key, port = "lite.example/w", SigningKey.generate(os.urandom), free_port()
    folder.mkdir()
    database = folder / "witness.sqlite3"
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory() as short, agent(Path(short) / "agent", key) as socket:
        command = [
            programs / "litewitness", "-name", name, "-db", database, "-ssh-agent", socket,
            "-key", hashlib.sha256(key.public).hexdigest(), "-listen", f"127.0.0.1:{port}",
        ]  # fmt: skip
        with running(command, port, folder / "output") as url:
            wait_for(database.exists)
            # What its own tool, witnessctl, does.
            with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
                empty = format_base64(hashlib.sha256(b"").digest())
                connection.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (log.name, empty))
                connection.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (log.name, str(log)))
            yield ForeignWitness(url, Vkey(name, KeyType.COSIGNATURE, key.public))


WITNESSES = {"omniwitness": omniwitness, "litewitness": litewitness}

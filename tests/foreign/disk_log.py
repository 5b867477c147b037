"""A log on disk, as we write it for others."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.signer import LogSigner
from vemre.service.export import static_files


@dataclass(frozen=True)
class DiskLog:
    """`folder` holds its checkpoint and tiles."""

    folder: Path
    entries: list[bytes]
    signer: LogSigner

    @classmethod
    def write(cls, folder: Path, origin: str, key: int, entries: list[bytes]) -> DiskLog:
        """Write it; `key` chooses the log's key."""
        signer = LogSigner(origin, SigningKey.from_seed(sha256(b"%d" % key).digest()))
        log = cls(folder, entries, signer)
        for path, data in static_files(entries):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint").write_bytes(signer.sign(len(entries), log.root(len(entries))))
        return log

    @property
    def vkey(self) -> str:
        return str(self.signer.vkey)

    def root(self, size: int) -> bytes:
        """The root of its first entries."""
        return merkle.root(merkle.leaf_hash(entry) for entry in self.entries[:size])

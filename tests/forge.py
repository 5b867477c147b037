"""The adversary's workshop: alters an election record and signs it anew with the keys of those who made it.

A forger takes a record apart, changes one thing, and puts it together again so that everything that can be made
consistent with the given keys is consistent: record signatures, references by leaf hash, cited checkpoints, the
context, tiles and cosigned checkpoints. What a test then sees refused is the one rule that was broken.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from vemre.crypto import canonical
from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.log.tiles import decode_bundle, encode_bundle, encode_tile, tiles
from vemre.params import NAME

LOGS = ("registry", "ballot", "tally")
CITED = {
    "setup": {"registry": "registry"},
    "open": {"tally": "tally"},
    "marks": {"ballot": "ballot"},
    "tally-input": {"ballot": "ballot", "registry": "registry"},
    "shuffle": {"gate": "tally"},
    "decryption": {"gate": "tally"},
    "result": {"gate": "tally"},
    "opinion": {"registry": "registry", "ballot": "ballot", "tally": "tally"},
    "certification": {"gate": "tally"},
}
WRITER = {"registry": "registry", "ballot": "ballot-box", "tally": "tally"}


@dataclass
class Keys:
    """Seeds of everyone: `roles` by role id, `credentials` by public key (hex), `logs`, `witnesses` (name, seed)."""

    roles: dict[str, bytes]
    logs: dict[str, bytes]
    witnesses: list[tuple[str, bytes]]
    credentials: dict[str, bytes] = field(default_factory=dict)

    def key_of(self, signer: str) -> SigningKey | None:
        seed = self.roles.get(signer) or self.credentials.get(signer)
        return None if seed is None else SigningKey.from_seed(seed)

    @classmethod
    def read(cls, path: Path) -> Keys:
        """`keys.json` as the demonstration leaves it."""
        data = json.loads(path.read_text())
        return cls(
            roles={role: bytes.fromhex(keys["sign"]) for role, keys in data["roles"].items()},
            logs={name: bytes.fromhex(seed) for name, seed in data["logs"].items()},
            witnesses=[(w["name"], bytes.fromhex(w["seed"])) for w in data["witnesses"]],
            credentials={public: bytes.fromhex(seed) for public, seed in data.get("credentials", {}).items()},
        )


@dataclass
class Forgery:
    """A record taken apart: `logs` hold parsed entries (dictionaries), `blobs` bytes by digest."""

    logs: dict[str, list[dict[str, Any]]]
    blobs: dict[str, bytes]
    keys: Keys
    time: int = 1_800_000_000

    @classmethod
    def open(cls, record: Path, keys: Keys) -> Forgery:
        logs = {name: [json.loads(entry) for entry in read_entries(record / name)] for name in LOGS}
        blobs = {path.name: path.read_bytes() for path in (record / "blob").iterdir()}
        return cls(logs, blobs, keys)

    def find(self, log: str, type_: str, nth: int = 0) -> int:
        """Index of the nth record of a type."""
        return [i for i, entry in enumerate(self.logs[log]) if entry["type"] == type_][nth]

    def body(self, log: str, type_: str, nth: int = 0) -> dict[str, Any]:
        """The body of the nth record of a type, to be changed."""
        body: dict[str, Any] = self.logs[log][self.find(log, type_, nth)]["body"]
        return body

    def insert(self, log: str, index: int, type_: str, signer: str, body: dict[str, Any]) -> None:
        """A new record at a place of a log."""
        origin = self.logs[log][0]["log"]
        entry = {"body": body, "log": origin, "signature": "", "signer": signer, "type": type_, "version": 1}
        self.logs[log].insert(index, entry)

    def resign_signer(self, signer: str) -> None:
        """Mark all records of a signer for a new signature (its key has changed)."""
        for log in self.logs.values():
            for entry in log:
                if entry["signer"] == signer:
                    entry["signature"] = ""

    def put_blob(self, data: bytes) -> dict[str, Any]:
        """Adds a blob; gives its reference."""
        digest = sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"sha256": digest, "size": len(data)}

    def write(self, target: Path, *, resign: bool = True, keep: Iterable[str] = (), context: bool = True) -> Path:
        """Write the altered record. With `resign`, everything that depends on a change is made consistent again;
        signers in `keep` keep their old signatures."""
        if resign:
            self._resign(set(keep), context)
        entries = {name: [canonical.encode(entry) for entry in log] for name, log in self.logs.items()}
        shutil.rmtree(target, ignore_errors=True)
        for name in filter(self._original.get, LOGS):
            write_log(target / name, entries[name], self._checkpoint(name, entries[name], len(entries[name])))
        (target / "blob").mkdir(parents=True)
        for digest, data in self.blobs.items():
            (target / "blob" / digest).write_bytes(data)
        return target

    # --- making it consistent again -----------------------------------------------------------------------

    def __post_init__(self) -> None:
        self._original = copy.deepcopy(self.logs)
        self._was = {id(entry): index for log in self.logs.values() for index, entry in enumerate(log)}

    def _resign(self, keep: set[str], context: bool) -> None:
        """Re-issue all records in an order in which each stands after what it refers to."""
        renamed: dict[str, str] = {}
        entries: dict[str, list[bytes]] = {name: [] for name in LOGS}
        total = sum(map(len, self.logs.values()))
        while (before := sum(map(len, entries.values()))) < total:
            for name in LOGS:
                for entry in self.logs[name][len(entries[name]) :]:
                    if not self._ready(entry, entries):
                        break
                    self._reissue(name, entry, entries, renamed, keep, context)
                    entries[name].append(canonical.encode(entry))
                    was = self._was.get(id(entry))
                    if was is not None:
                        old = canonical.encode(self._original[name][was])
                        renamed[merkle.leaf_hash(old).hex()] = merkle.leaf_hash(entries[name][-1]).hex()
            if before == sum(map(len, entries.values())):
                raise AssertionError("the records cite one another in a circle")

    def _cited_size(self, body: dict[str, Any], field_: str, cited: str) -> int:
        """The size that a cited checkpoint has after entries were added or taken away."""
        size = SignedCheckpoint.parse(body[field_]).checkpoint.size
        return max((i + 1 for i, e in enumerate(self.logs[cited]) if self._was.get(id(e), size) < size), default=0)

    def _ready(self, entry: dict[str, Any], entries: dict[str, list[bytes]]) -> bool:
        fields = CITED.get(entry["type"], {}).items()
        return all(self._cited_size(entry["body"], field_, cited) <= len(entries[cited]) for field_, cited in fields)

    def _reissue(
        self,
        name: str,
        entry: dict[str, Any],
        entries: dict[str, list[bytes]],
        renamed: dict[str, str],
        keep: set[str],
        context: bool,
    ) -> None:
        body = entry["body"]
        if entry["type"] == "setup":
            body["manifest_digest"] = sha256(canonical.encode(self.logs["tally"][0]["body"])).hexdigest()
        entry["body"] = body = _replace(body, renamed)
        for field_, cited in CITED.get(entry["type"], {}).items():
            size = self._cited_size(body, field_, cited)
            root = merkle.root(merkle.leaf_hash(entry) for entry in entries[cited][:size])
            if SignedCheckpoint.parse(body[field_]).checkpoint.root != root:
                body[field_] = self._checkpoint(cited, entries[cited][:size], size).decode()
        if entry["type"] == "setup" and context:
            # Ballots follow where their credentials' keys are known.
            renamed[_context(self._original[name][self._was[id(entry)]]["body"])] = _context(body)
        was = self._was.get(id(entry))
        key = self.keys.key_of(entry["signer"])
        if key is not None and entry["signer"] not in keep and (was is None or self._original[name][was] != entry):
            sign(entry, key)

    def _checkpoint(self, name: str, entries: list[bytes], size: int) -> bytes:
        origin = self._original[name][0]["log"]
        root = merkle.root(merkle.leaf_hash(entry) for entry in entries[:size])
        signed = LogSigner(origin, SigningKey.from_seed(self.keys.logs[name])).sign(size, root)
        note = SignedCheckpoint.parse(signed).note
        checkpoint = Checkpoint(origin, size, root)
        lines = [
            Ed25519Cosigner(witness, SigningKey.from_seed(seed)).cosign(checkpoint, self.time)
            for witness, seed in self.keys.witnesses
        ]
        return note.with_lines(lines).encode()


def _context(setup: dict[str, Any]) -> str:
    return sha256(f"{NAME}/setup".encode() + canonical.encode(setup)).hexdigest()


def sign(entry: dict[str, Any], key: SigningKey) -> None:
    """Sign an entry in place."""
    unsigned = {name: value for name, value in entry.items() if name != "signature"}
    entry["signature"] = key.sign(b"VEMRE-1/record\n" + canonical.encode(unsigned)).hex()


def _replace(value: Any, renamed: dict[str, str]) -> Any:
    if isinstance(value, str):
        return renamed.get(value, value)
    if isinstance(value, list):
        return [_replace(inner, renamed) for inner in value]
    if isinstance(value, dict):
        return {name: _replace(inner, renamed) for name, inner in value.items()}
    return value


def read_entries(log: Path) -> list[bytes]:
    """All entries of a static log."""
    if not (log / "checkpoint").exists():
        return []
    size = SignedCheckpoint.parse((log / "checkpoint").read_bytes()).checkpoint.size
    entries: list[bytes] = []
    for tile in tiles(size):
        if tile.path.startswith("tile/entries/"):
            entries += decode_bundle((log / tile.path).read_bytes(), tile.width)
    return entries


def write_log(log: Path, entries: list[bytes], checkpoint: bytes) -> None:
    """A static log with exactly the files of its size."""
    hashes: dict[int, list[bytes]] = {0: [merkle.leaf_hash(entry) for entry in entries]}
    level = 0
    while len(hashes[level]) >= 256:
        row = hashes[level]
        hashes[level + 1] = [merkle.perfect_root(row[i : i + 256]) for i in range(0, len(row) // 256 * 256, 256)]
        level += 1
    for tile in tiles(len(entries)):
        path = log / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        start, stop = tile.start, tile.start + tile.width
        if tile.path.startswith("tile/entries/"):
            path.write_bytes(encode_bundle(entries[start:stop]))
        else:
            path.write_bytes(encode_tile(hashes[tile.level][start:stop]))
    log.mkdir(parents=True, exist_ok=True)
    (log / "checkpoint").write_bytes(checkpoint)

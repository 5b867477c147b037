"""Where records of the corpus are made: files in memory, and the keys to sign whatever is written into them."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import elections
import forge
import msgspec
from simulator import STAGES, Simulator

from vemre.checks import Check
from vemre.log import merkle
from vemre.log.note import SignatureLine
from vemre.log.signer import Ed25519Cosigner
from vemre.log.tiles import decode_bundle, tiles

TIME = 1_800_000_000
"""When the witnesses of altered checkpoints saw them."""


@dataclass
class Draft:
    """A record in the making: its files by path, its policy, and the election whose keys sign."""

    files: dict[str, bytes]
    policy: dict[str, Any]
    election: Simulator

    # --- logs ---------------------------------------------------------------------------------------------------

    def entries(self, log: str) -> list[bytes]:
        """The entries of a log."""
        note = self.files.get(f"{log}/checkpoint")
        if note is None:
            return []
        bundles = [tile for tile in tiles(int(note.split(b"\n")[1])) if tile.path.startswith("tile/entries/")]
        return [entry for tile in bundles for entry in decode_bundle(self.files[f"{log}/{tile.path}"], tile.width)]

    def replace_log(self, log: str, entries: Sequence[bytes]) -> None:
        """Put other entries into a log, with the tiles and the checkpoint that belong to them."""
        checkpoint = self.checkpoint(log, entries)
        self.files = {path: data for path, data in self.files.items() if not path.startswith(f"{log}/")}
        with tempfile.TemporaryDirectory() as folder:
            forge.write_log(Path(folder) / log, list(entries), checkpoint)
            self.files.update(read_files(Path(folder)))

    def checkpoint(self, log: str, entries: Sequence[bytes]) -> bytes:
        """The signed and cosigned checkpoint over these entries."""
        return self.note(log, self.text(log, len(entries), merkle.root(merkle.leaf_hash(entry) for entry in entries)))

    # --- notes --------------------------------------------------------------------------------------------------

    def origin(self, log: str) -> str:
        """The origin of a log."""
        return self.election.log_signers[log].origin  # type: ignore[index]

    def text(self, log: str, size: object = None, root: bytes | str | None = None) -> str:
        """The text of a checkpoint: by default the one that the log has."""
        origin, now_size, now_root = self.files[f"{log}/checkpoint"].decode().split("\n")[:3]
        if isinstance(root, bytes):
            root = forge.Checkpoint(origin, 0, root).text().split("\n")[2]
        return f"{origin}\n{now_size if size is None else size}\n{now_root if root is None else root}\n"

    def log_line(self, log: str, text: str) -> str:
        """The log's line under any text at all."""
        signer = self.election.log_signers[log]  # type: ignore[index]
        key = forge.SigningKey.from_seed(self.election.log_seeds[log])  # type: ignore[index]
        return str(SignatureLine(signer.origin, signer.vkey.key_id, key.sign(text.encode())))

    def witness_line(self, witness: Ed25519Cosigner, text: str, time: int = TIME) -> str:
        """A witness's line under any text at all."""
        message = f"cosignature/v1\ntime {time}\n{text}".encode()
        signature = time.to_bytes(8, "big") + witness._key.sign(message)
        return str(SignatureLine(witness.vkey.name, witness.vkey.key_id, signature))

    def witnesses(self) -> list[Ed25519Cosigner]:
        """The auditors' witnesses."""
        return [self.election.witnesses[role] for role in self.election.auditors]

    def lines(self, log: str, text: str) -> list[str]:
        """The lines of the log and of all witnesses."""
        return [self.log_line(log, text), *(self.witness_line(witness, text) for witness in self.witnesses())]

    def note(self, log: str, text: str, lines: Sequence[str] | None = None) -> bytes:
        """A note with this text and these lines, by default everybody's."""
        return f"{text}\n{''.join(self.lines(log, text) if lines is None else lines)}".encode()

    def set_note(self, log: str, text: str, lines: Sequence[str] | None = None) -> None:
        """Replace the checkpoint of a log."""
        self.files[f"{log}/checkpoint"] = self.note(log, text, lines)


def read_files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def draft_of(election: Simulator) -> Draft:
    """The record of an election."""
    with tempfile.TemporaryDirectory() as folder:
        files = read_files(election.write(Path(folder) / "record"))
    return Draft(files, json.loads(msgspec.json.encode(election.view.anchors.policy)), election)


@cache
def plain(stage: str | None) -> Draft:
    """The election of `elections.plain` up to a stage. Shared: take a `copy`."""
    return draft_of(elections.plain(stage))


def copy(draft: Draft) -> Draft:
    """A draft to be altered."""
    return Draft(dict(draft.files), json.loads(json.dumps(draft.policy)), draft.election)


def forged(base: Draft, change: Callable[[forge.Forgery], None]) -> Draft:
    """A change of records, signed anew by everybody whom it concerns. Blobs that nothing names any more are dropped."""
    with tempfile.TemporaryDirectory() as folder:
        record = write_files(Path(folder) / "record", base.files)
        (record / "blob").mkdir(exist_ok=True)
        forgery = forge.Forgery.open(record, base.election.forge_keys())
        change(forgery)
        altered = Draft(read_files(forgery.write(Path(folder) / "forged")), base.policy, base.election)
    named = {digest for log in forge.LOGS for entry in altered.entries(log) for digest in _DIGEST.findall(entry)}
    unnamed = [path for path in altered.files if path.startswith("blob/") and path[5:].encode() not in named]
    for path in unnamed:
        if path in base.files:
            del altered.files[path]
    return altered


_DIGEST = re.compile(rb"[0-9a-f]{64}")

Verdict = tuple[str | None, str | None]
"""The check that failed and the party that is named; both None for a valid record."""


def shortest(
    change: Callable[[forge.Forgery], None], expected: tuple[Check, str], judge: Callable[[Draft], Verdict]
) -> Draft:
    """The change, made to the shortest beginning of the election that shows what it breaks."""
    for stage in (None, *STAGES):
        try:
            altered = forged(plain(stage), change)
        except (LookupError, StopIteration, AssertionError):
            continue
        if judge(altered) == expected:
            return altered
    raise AssertionError(f"nothing shows {expected}: {change.__doc__}")

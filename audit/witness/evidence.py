"""What convicts, and the judging of it: pure, and without trust in whoever brings the evidence.

Two kinds prove something by signatures alone. A **split**: two checkpoints with the log's own signature that no one
log can have both had. A **violation**: entries that the logs signed, among which one breaks a rule of the protocol.
Everything else that a witness keeps (a tile that did not match, a blob that was not served) is its word.
Format: docs/spec/witness.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from audit.verify.folder import RecordSource
from vemre.checks import Check
from vemre.election.rules import cited, engine
from vemre.election.rules.view import Anchors, LogView, View
from vemre.errors import CheckFailed, VemreError
from vemre.group import Group
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.encoding import format_base64, parse_hash
from vemre.log.note import Vkey
from vemre.log.tiles import ENTRIES, TILE_WIDTH, decode_bundle, tile_at
from vemre.records.bundle import blob_refs
from vemre.records.record import parse
from vemre.types import LOG_NAMES, WRITERS, LogName, Random

FORMAT: Final = "vemre-evidence-1"
EVIDENCE_FILE: Final = "evidence.json"
SERVED: Final = "served"
"""In the folder of a difference of the page: what was served."""
RECORD: Final = "record"
"""In the folder of a violation: the signed entries and their blobs, as a record on disk."""
MAX_PROOF_HASHES: Final = 64


class NotProven(VemreError):
    """The evidence proves nothing; the text says why, in technical English."""


@dataclass(frozen=True)
class Conviction:
    """What is proven. `log` is the origin of the log whose signature convicts; check, where and party are as in reports
    (docs/spec/checks.md)."""

    log: str
    check: Check
    where: str | None
    party: str | None
    detail: str

    def as_json(self) -> dict[str, str | None]:
        return {
            "log": self.log, "check": self.check.value, "where": self.where, "party": self.party,
            "detail": self.detail,
        }  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Two signed checkpoints of one log. Where their sizes differ, `proof` shows which root the newer one gives to the
    size of the older one (`merkle.prefix_proof`)."""

    origin: str
    older: bytes
    newer: bytes
    proof: tuple[bytes, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": "split",
            "log": self.origin,
            "older": self.older.decode(),
            "newer": self.newer.decode(),
            "proof": [format_base64(value) for value in self.proof],
        }


@dataclass(frozen=True)
class Part:
    """The beginning of one log: its first `size` entries (in the record beside), and the signed checkpoint `note` of
    at least that size with the proof that they are its beginning (`merkle.consistency_proof`)."""

    size: int
    note: bytes
    proof: tuple[bytes, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"size": self.size, "note": self.note.decode(), "proof": [format_base64(value) for value in self.proof]}


@dataclass(frozen=True)
class Violation:
    """Beginnings of the election's logs. A log that has not begun is left out."""

    logs: Mapping[LogName, Part]

    def as_json(self) -> dict[str, Any]:
        return {"kind": "violation", "logs": {name: part.as_json() for name, part in self.logs.items()}}


@dataclass(frozen=True)
class Observation:
    """What a witness saw that proves nothing: the checkpoints that it had, by origin."""

    seen: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"kind": "observation", "seen": dict(self.seen)}


@dataclass(frozen=True)
class PageDifference:
    """The voter's page was another than the record names: `differences` are (path, expected, found), as in
    `audit.assets.comparing`; the bytes that were served lie beside it, ``served/NNNN.bin`` in the same order."""

    url: str
    via: str | None
    index: int
    leaf_hash: str
    differences: tuple[tuple[str, str, str], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": "page",
            "url": self.url,
            "via": self.via,
            "record": {"log": "ballot", "index": self.index, "leaf_hash": self.leaf_hash},
            "differences": [
                {"path": path, "expected": expected, "served": found} for path, expected, found in self.differences
            ],
        }


Evidence = Split | Violation | Observation | PageDifference


class PageCheck(StrEnum):
    """What a witness checks beside the protocol: it leaves no trace in a record."""

    PAGE_ASSETS = "PAGE-ASSETS"


@dataclass(frozen=True)
class PageFault:
    """The page differs. Named like a `CheckFailed`, of whom findings are otherwise about."""

    where: str
    detail: str
    check: PageCheck = PageCheck.PAGE_ASSETS
    party: str = "ballot-box"


def parse_evidence(value: Any) -> Evidence:
    """The evidence in the JSON object of an evidence file. Raises NotProven where it is none."""
    try:
        if value["format"] != FORMAT:
            raise NotProven("not evidence of this format")
        match value["kind"]:
            case "split":
                proof = _hashes(value["proof"])
                return Split(_text(value["log"]), _text(value["older"]).encode(), _text(value["newer"]).encode(), proof)
            case "violation":
                return Violation({name: _part(value["logs"][name]) for name in LOG_NAMES if name in value["logs"]})
            case "observation":
                return Observation({_text(name): _text(note) for name, note in value["seen"].items()})
            case "page":
                found = [(_text(d["path"]), _text(d["expected"]), _text(d["served"])) for d in value["differences"]]
                place, via = value["record"], value["via"]
                shown = None if via is None else _text(via)
                index, leaf = int(place["index"]), _text(place["leaf_hash"])
                return PageDifference(_text(value["url"]), shown, index, leaf, tuple(found))
    except (KeyError, TypeError, ValueError, AttributeError, CheckFailed):
        raise NotProven("the evidence file is malformed") from None
    raise NotProven("evidence of an unknown kind")


def judge(
    evidence: Evidence,
    logs: Mapping[str, Vkey],
    anchors: Anchors | None,
    record: RecordSource | None,
    group: Group,
    random: Random,
) -> Conviction:
    """What the evidence proves against the logs of these keys (by origin). Raises NotProven.

    A violation is judged against the policy `anchors`, on the `record` beside it; `random` must be a CSPRNG.
    """
    match evidence:
        case Split():
            log = logs.get(evidence.origin)
            if log is None:
                raise NotProven("no trusted key for this log")
            return judge_split(evidence, log, _writer(evidence.origin, anchors))
        case Violation():
            if anchors is None or record is None:
                raise NotProven("a violation needs the policy and the record beside the evidence")
            return judge_violation(evidence, record, anchors, group, random)
        case PageDifference():
            raise NotProven("what a server sends bears no signature: it tells what a witness was served")
    raise NotProven("an observation: it tells what a witness saw, and convicts nobody")


def judge_split(split: Split, log: Vkey, party: str | None = None) -> Conviction:
    """Whether the two checkpoints contradict each other. Raises NotProven."""
    older, newer = (_signed(note, log) for note in (split.older, split.newer))

    def conviction(detail: str) -> Conviction:
        where = None if party is None else f"{next(n for n in LOG_NAMES if WRITERS[n] == party)}/checkpoint"
        return Conviction(log.name, Check.CHECKPOINT, where, party, detail)

    for found in (older, newer):
        if found.size == 0 and found.root != merkle.EMPTY_ROOT:
            return conviction("size 0 is signed with another root than the empty tree's")
    if older.size > newer.size:
        raise NotProven("the older checkpoint is larger than the newer one")
    if older.size == newer.size:
        if older.root == newer.root:
            raise NotProven("both checkpoints say the same")
        return conviction(f"two roots are signed for {older.size} entries")
    if older.size == 0:
        raise NotProven("the empty log is the beginning of every log")
    try:
        root = merkle.prefix_root(older.size, newer.size, split.proof, newer.root)
    except CheckFailed as failure:
        raise NotProven(failure.detail) from None
    if root == older.root:
        raise NotProven("the newer log continues the older one")
    return conviction(f"the log signed for {newer.size} entries does not continue the one signed for {older.size}")


def judge_violation(
    violation: Violation, record: RecordSource, anchors: Anchors, group: Group, random: Random
) -> Conviction:
    """Whether entries that the logs signed break a rule. Raises NotProven."""
    entries = {name: _entries(name, violation.logs.get(name), record, anchors) for name in LOG_NAMES}
    try:
        view = View(
            anchors, record.blob, group, random, logs={name: _parsed(name, entries[name]) for name in LOG_NAMES}
        )
        if not view.tally.records:
            raise NotProven("the tally log is not there")
        if cited.beyond(view):
            # Whoever leaves entries out must not make the rest look wrong.
            raise NotProven("a record cites entries that are not there")
        engine.verify(view)
    except CheckFailed as failure:
        if (failure.where or "").startswith("blob/"):
            raise NotProven(f"a blob is missing or is another: {failure.where}") from None
        return Conviction(_log_of(failure, anchors), failure.check, failure.where, failure.party, failure.detail)
    raise NotProven("every rule holds")


def _entries(name: LogName, part: Part | None, record: RecordSource, anchors: Anchors) -> list[bytes]:
    """The entries of one log, once it is shown that the log signed them. Raises NotProven."""
    if part is None:
        return []
    signed = _signed(part.note, anchors.logs[name])
    found: list[bytes] = []
    frontier = merkle.Frontier()
    try:
        for index in range(-(-part.size // TILE_WIDTH)):
            tile = tile_at(ENTRIES, index, part.size)
            assert tile is not None
            for entry in decode_bundle(record.read(name, tile.path), tile.width):
                found.append(entry)
                frontier.append(merkle.leaf_hash(entry))
        merkle.verify_consistency(part.size, signed.size, frontier.root(), signed.root, part.proof)
    except FileNotFoundError:
        raise NotProven(f"entries of the {name} log are missing") from None
    except CheckFailed as failure:
        raise NotProven(f"{name}: {failure.detail}") from None
    return found


def _parsed(name: LogName, entries: Sequence[bytes]) -> LogView:
    log = LogView(name)
    for index, entry in enumerate(entries):
        try:
            found = parse(entry)
            blob_refs(found.body)
        except CheckFailed as failure:
            raise CheckFailed(failure.check, failure.detail, where=log.where(index), party=log.writer) from None
        log.append(found)
    return log


def _signed(note: bytes, log: Vkey) -> Checkpoint:
    """The checkpoint that the log signed. Raises NotProven."""
    try:
        signed = SignedCheckpoint.parse(note)
        signed.log_line(log)
    except CheckFailed as failure:
        raise NotProven(f"not a checkpoint that the log signed: {failure.detail}") from None
    if signed.checkpoint.origin != log.name:
        raise NotProven("a checkpoint of another log")
    return signed.checkpoint


def _log_of(failure: CheckFailed, anchors: Anchors) -> str:
    """The origin of the log in which the place of a failure lies: its key signed that entry."""
    name = (failure.where or "").partition("/")[0]
    return next((anchors.logs[log].name for log in LOG_NAMES if log == name), "")


def _writer(origin: str, anchors: Anchors | None) -> str | None:
    if anchors is None:
        return None
    return next((WRITERS[name] for name in LOG_NAMES if anchors.logs[name].name == origin), None)


def _part(value: Any) -> Part:
    size = value["size"]
    if type(size) is not int or size < 0:
        raise NotProven("a size that is none")
    return Part(size, _text(value["note"]).encode(), _hashes(value["proof"]))


def _hashes(values: Any) -> tuple[bytes, ...]:
    if type(values) is not list or len(values) > MAX_PROOF_HASHES:
        raise NotProven("not a list of hashes")
    return tuple(parse_hash(_text(value), "proof") for value in values)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise NotProven("not a text")
    value.encode()
    return value

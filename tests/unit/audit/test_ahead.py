"""Decoding ahead of the rules: the same elements sooner, whatever the tally log promises."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.verify.ahead import Ahead
from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre import group
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed
from vemre.log.tiles import decode_bundle, encode_bundle
from vemre.records.policy import parse_policy

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
SOURCE = RecordFolder(GOLDEN / "record")
GROUP = group.load()
Body = dict[str, Any]


def of_type(name: str) -> Iterator[Body]:
    text = SOURCE.checkpoint("tally")
    assert text is not None
    size = int(text.split(b"\n")[1])
    for entry in decode_bundle(SOURCE.read("tally", f"tile/entries/000.p/{size}"), size):
        record = json.loads(entry)
        if record["type"] == name:
            yield record["body"]


SHUFFLES = [body for body in of_type("shuffle") if body["proof"] is not None]
DECRYPTIONS = [body for body in of_type("decryption") if body["rows"]]


def points_of_proof(body: Body) -> int:
    wide = body["output"]["size"] // 64 // body["rows"]
    return int(3 * body["rows"] + 2 * wide + 3)


def test_lists_and_the_elements_of_proofs_are_what_their_bytes_say() -> None:
    with Ahead(SOURCE, GROUP, most=1 << 12) as ahead:
        asked = [(body["output"], body["output"]["size"] // 32) for body in SHUFFLES]
        asked += [(body["proof"], points_of_proof(body)) for body in SHUFFLES]
        asked += [(body["shares"], body["shares"]["size"] // 32) for body in DECRYPTIONS]
        found = [(ref, count, ahead.take(ref["sha256"], count)) for ref, count in asked]
    # One that another asked for before it was begun is not given, and one list may stand for two batches.
    given = [(ref, count, elements) for ref, count, elements in found if elements is not None]
    assert given
    for ref, count, elements in given:
        assert elements.encode() == SOURCE.blob(ref["sha256"])[: 32 * count]


def test_what_was_taken_is_gone_and_what_nobody_announced_is_not_there() -> None:
    body = SHUFFLES[0]
    count = body["output"]["size"] // 32
    with Ahead(SOURCE, GROUP) as ahead:
        assert ahead.take(body["output"]["sha256"], count + 1) is None
        assert ahead.take("0" * 64, 1) is None
        ahead.take(body["proof"]["sha256"], points_of_proof(body))
        assert ahead.take(body["proof"]["sha256"], points_of_proof(body)) is None


def test_the_report_is_the_same(tmp_path: Path) -> None:
    anchors = Anchors(parse_policy((GOLDEN / "policy.json").read_bytes()))
    with Ahead(SOURCE, GROUP) as ahead:
        taken: list[bool] = []

        def take(digest: str, count: int) -> Any:
            found = ahead.take(digest, count)
            taken.append(found is not None)
            return found

        report = verify_record(SOURCE, anchors, GROUP, os.urandom, ahead=take)
    assert report.as_json() == verify_record(SOURCE, anchors, GROUP, os.urandom).as_json()
    assert report.valid
    assert any(taken)


def test_no_more_waits_for_the_rules_than_is_allowed() -> None:
    """Whatever is decoded and not asked for takes memory, so the rest is not begun until something is taken."""
    first = SHUFFLES[0]
    count = first["output"]["size"] // 32
    decoded: list[int] = []

    class Counting(RecordFolder):
        def blob(self, digest: str) -> bytes:
            data = super().blob(digest)
            decoded.append(len(data) // 32)
            return data

    with Ahead(Counting(GOLDEN / "record"), GROUP, most=count) as ahead:
        assert ahead.take("0" * 64, 1) is None
    assert sum(decoded) <= count


class Hostile(RecordFolder):
    """The golden record with another tally log in front of the hints."""

    def __init__(self, entries: list[bytes], size: bytes | None = None) -> None:
        super().__init__(GOLDEN / "record")
        self._entries = entries
        self._size = size if size is not None else b"%d" % len(entries)
        self.asked: list[str] = []

    def checkpoint(self, log: Any) -> bytes | None:
        return b"origin\n" + self._size + b"\nroot\n"

    def read(self, log: Any, path: str) -> bytes:
        return encode_bundle(self._entries)

    def blob(self, digest: str) -> bytes:
        self.asked.append(digest)
        return super().blob(digest)


def shuffle(output: Any = None, proof: Any = None, rows: Any = 2) -> bytes:
    body = {**SHUFFLES[0], "rows": rows}
    body["output"] = body["output"] if output is None else output
    body["proof"] = body["proof"] if proof is None else proof
    return json.dumps({"type": "shuffle", "body": body}).encode()


@pytest.mark.parametrize(
    "entries",
    [
        [b"\xff"],
        [b"[" * 50_000],
        [b"[]"],
        [b"{}"],
        [shuffle(rows=0)],
        [shuffle(rows=-3)],
        [shuffle(rows=1e400)],
        [shuffle(rows="x")],
        [shuffle(output={"sha256": "../../policy.json", "size": 64})],
        [shuffle(output={"sha256": "0" * 63 + "\n", "size": 64})],
        [shuffle(output={"sha256": 7, "size": 64})],
        [shuffle(output={"sha256": "0" * 64, "size": 1 << 70})],
        [shuffle(output=[])],
    ],
)
def test_hints_that_make_no_sense_are_none(entries: list[bytes]) -> None:
    source = Hostile(entries)
    with Ahead(source, GROUP) as ahead:
        assert ahead.take("0" * 64, 2) is None
    assert all(len(digest) == 64 and digest.isalnum() for digest in source.asked)


@pytest.mark.parametrize("size", [b"", b"x", b"-1", b"9" * 5000, b"9" * 30])
def test_a_checkpoint_that_makes_no_sense_gives_no_hints(size: bytes) -> None:
    with Ahead(Hostile([], size), GROUP) as ahead:
        assert ahead.take("0" * 64, 1) is None


def test_what_does_not_decode_or_is_not_there_is_left_to_the_rules() -> None:
    scalars = SHUFFLES[0]["proof"]
    count = scalars["size"] // 32
    with pytest.raises(CheckFailed):
        GROUP.decode(SOURCE.blob(scalars["sha256"]))
    source = Hostile([shuffle(output=scalars), shuffle(output={"sha256": "0" * 64, "size": 64})])
    with Ahead(source, GROUP) as ahead:
        assert ahead.take(scalars["sha256"], count) is None
        assert ahead.take("0" * 64, 2) is None


def test_a_wrong_length_of_the_bytes_is_left_to_the_rules() -> None:
    output = SHUFFLES[0]["output"]
    source = Hostile([shuffle(output={**output, "size": output["size"] + 3200})])
    with Ahead(source, GROUP) as ahead:
        assert ahead.take(output["sha256"], output["size"] // 32 + 100) is None

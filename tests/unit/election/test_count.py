"""The count of a batch, by example and against the golden record's result."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.crypto import canonical
from vemre.election.choice import Choice, Marks, Null, WriteIn, blocks_needed, encode_choice
from vemre.election.count import CountedBatch, count_batch
from vemre.election.rules.view import Anchors
from vemre.group import load
from vemre.params import BLOCK_BYTES
from vemre.records.fields import Bilingual
from vemre.records.policy import parse_policy
from vemre.records.setup_bodies import Coalition, Contest, Option

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"


def paper(options: list[str], coalitions: dict[str, list[str]]) -> Contest:
    made = Contest(
        "presidencia",
        Bilingual("Presidencia", "Presidency"),
        "",
        [Option(o, o) for o in options],
        [Coalition(c, "", members) for c, members in coalitions.items()],
        20,
        1,
    )
    assert blocks_needed(made) == 1
    return made


EXAMPLE = paper(["pan", "pri", "prd"], {"fcm": ["pan", "pri", "prd"]})
NATIONAL = paper(
    ["pan", "pri", "prd", "pvem", "pt", "mc", "morena"],
    {"shh": ["morena", "pvem", "pt"], "fcm": ["pan", "pri", "prd"]},
)


def count(contest: Contest, choices: list[Choice | bytes | None]) -> CountedBatch:
    rows = [[encode_choice(contest, c) if isinstance(c, Choice) else c] for c in choices]
    return count_batch(contest, rows)


def times(votes: dict[tuple[int, ...], int]) -> list[Choice | bytes | None]:
    return [Marks(marks) for marks, number in votes.items() for _ in range(number)]


def test_the_worked_example_of_the_specification() -> None:
    counted = count(EXAMPLE, times({(0,): 5, (1,): 3, (0, 1): 3, (1, 2): 1}))
    assert counted.singles == (5, 3, 0)
    assert counted.distributed == (7, 5, 0)
    assert counted.candidates == (("fcm", 12),)


def test_remainder_goes_to_most_single_marks_not_to_most_votes() -> None:
    # pri leads with its share of {pan, pri}, but prd has more single marks.
    assert count(EXAMPLE, times({(2,): 1, (0, 1): 10, (1, 2): 1})).distributed == (5, 5, 2)


def test_remainder_of_a_tie_goes_to_the_first_registered() -> None:
    assert count(EXAMPLE, times({(0, 1, 2): 5})).distributed == (3, 1, 1)
    assert count(EXAMPLE, times({(1,): 1, (2,): 1, (1, 2): 1})).distributed == (0, 2, 1)


def test_whole_remainder_goes_to_one_member() -> None:
    assert count(EXAMPLE, times({(2,): 1, (0, 1, 2): 2})).distributed == (0, 0, 3)


def test_combinations_are_distributed_after_summing() -> None:
    # Vote by vote, all three would go to pan.
    assert count(EXAMPLE, times({(0, 1): 3})).distributed == (2, 1, 0)


def test_orders() -> None:
    """Coalitions as the contest lists them; within one, by option indices; members in the options' order."""
    counted = count(NATIONAL, times({(0, 1): 1, (0, 1, 2): 2, (1, 2): 3, (4, 6): 4, (3, 6): 5, (3, 4, 6): 6, (5,): 7}))
    body = counted.record("00" * 32, "urna-09")
    assert [(c.coalition, c.members, c.votes) for c in body.combinations] == [
        ("shh", ["pvem", "pt", "morena"], 6),
        ("shh", ["pvem", "morena"], 5),
        ("shh", ["pt", "morena"], 4),
        ("fcm", ["pan", "pri"], 1),
        ("fcm", ["pan", "pri", "prd"], 2),
        ("fcm", ["pri", "prd"], 3),
    ]
    assert [(c.id, c.votes) for c in body.candidates] == [("shh", 15), ("fcm", 6), ("mc", 7)]
    assert [o.option for o in body.options] == [o.option for o in body.distributed] == [o.id for o in NATIONAL.options]


def test_write_ins_are_sorted_by_bytes_and_repeated() -> None:
    texts = ["b", "á", "Z", "b", "a", "ꞌ", "ÿ"]
    counted = count(EXAMPLE, [WriteIn(text) for text in texts])
    assert list(counted.texts) == sorted(texts, key=lambda text: text.encode())
    assert counted.texts[2:5] == ("b", "b", "á")
    assert json.loads(counted.texts_blob) == list(counted.texts)
    assert counted.record("00" * 32, "u").write_ins.votes == 7


def test_irregular_rows_are_nulls_and_listed() -> None:
    marks_of_two_sides = bytes([1, 0b100001]).ljust(30, b"\0")
    counted = count(NATIONAL, [Null(), None, Marks((0,)), b"\xff" * 30, Null(), marks_of_two_sides])
    assert counted.nulls == 5
    assert counted.irregular == (1, 3, 5)
    assert counted.irregular_blob == b"[1,3,5]"
    assert counted.rows == 6


def test_an_empty_batch() -> None:
    counted = count(NATIONAL, [])
    body = counted.record("00" * 32, "urna-09")
    assert body.rows == body.nulls == 0
    assert body.combinations == []
    assert counted.texts_blob == counted.irregular_blob == b"[]"
    assert body.write_ins.texts.size == 2


def test_blobs_are_those_of_the_record() -> None:
    counted = count(EXAMPLE, [WriteIn("b"), None])
    body = counted.record("ab" * 32, "urna-01")
    assert (body.write_ins.texts.size, body.irregular.size) == (len(counted.texts_blob), len(counted.irregular_blob))
    assert body.context == "ab" * 32
    assert msgspec.to_builtins(body)["urn"] == "urna-01"
    assert canonical.decode(counted.texts_blob, limit=100) == ["b"]


@pytest.fixture(scope="module")
def golden() -> Any:
    anchors = Anchors(parse_policy((GOLDEN / "policy.json").read_bytes()))
    return verify_record(RecordFolder(GOLDEN / "record"), anchors, load("reference"), os.urandom)


def test_golden_record_has_the_expected_result(golden: Any) -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert {"certified": golden.certified, "batches": golden.result} == expected


def test_width_is_that_of_the_contest() -> None:
    assert len(encode_choice(EXAMPLE, Null())) == BLOCK_BYTES

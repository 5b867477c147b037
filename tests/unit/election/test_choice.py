"""Choices and their one encoding, against the vectors and every way to spell it differently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vemre.election.choice import (
    Choice,
    Irregular,
    Marks,
    Null,
    WriteIn,
    allowed_in_write_in,
    blocks_needed,
    coalition_of,
    decode_choice,
    encode_choice,
    invalid,
)
from vemre.errors import Refused
from vemre.params import BLOCK_BYTES
from vemre.records.fields import Bilingual
from vemre.records.setup_bodies import Coalition, Contest, Option

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())
TITLE = Bilingual("Presidencia", "Presidency")


def contest(options: int = 7, write_in: int = 50, coalitions: list[list[int]] | None = None) -> Contest:
    members = [[0, 1, 2], [3, 4, 6]] if coalitions is None else coalitions
    made = Contest(
        "presidencia",
        TITLE,
        "",
        [Option(f"o{k}", f"O{k}") for k in range(options)],
        [Coalition(f"c{k}", "", [f"o{m}" for m in group]) for k, group in enumerate(members)],
        write_in,
        1,
    )
    return Contest(*(getattr(made, name) for name in made.__struct_fields__[:-1]), blocks_needed(made))


PAPER = contest()


def blocks(data: bytes) -> list[bytes]:
    return [data[start : start + BLOCK_BYTES] for start in range(0, len(data), BLOCK_BYTES)]


@pytest.mark.parametrize(
    ("options", "write_in", "expected"),
    [
        (1, 0, 1),
        (2, 0, 1),
        (232, 0, 1),
        (233, 0, 2),
        (7, 29, 1),
        (7, 30, 2),
        (7, 50, 2),
        (7, 59, 2),
        (7, 60, 3),
        (0, 0, 1),
    ],
)
def test_blocks_needed(options: int, write_in: int, expected: int) -> None:
    assert contest(options, write_in, []).blocks == expected


@pytest.mark.parametrize(
    ("choice", "head"),
    [
        (Null(), "00"),
        (Marks((0,)), "0101"),
        (Marks((0, 2)), "0105"),
        (Marks((6,)), "0140"),
        (Marks((3, 4, 6)), "0158"),
        (WriteIn("Benito Juárez"), "0242656e69746f204a75c3a172657a"),
        (WriteIn("x" * 50), "02" + "78" * 50),
    ],
)
def test_encoding(choice: Choice, head: str) -> None:
    data = encode_choice(PAPER, choice)
    assert data == bytes.fromhex(head).ljust(60, b"\0")
    assert decode_choice(PAPER, blocks(data)) == choice


def test_vectors() -> None:
    small = contest(write_in=29)
    expected = [bytes.fromhex(case["block"]) for case in VECTORS["choice_blocks"][:3]]
    assert [encode_choice(small, c) for c in (Null(), Marks((0, 2)), WriteIn("Benito Juárez"))] == expected


def test_bitmap_runs_over_bytes() -> None:
    wide = contest(17, 0, [])
    assert encode_choice(wide, Marks((8,)))[:5] == bytes([1, 0, 1, 0, 0])
    assert encode_choice(wide, Marks((16,)))[:5] == bytes([1, 0, 0, 1, 0])


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (Marks(()), "marks-invalid"),
        (Marks((0, 3)), "marks-invalid"),
        (Marks((0, 1, 5)), "marks-invalid"),
        (Marks((5, 6)), "marks-invalid"),
        (Marks((7,)), "marks-invalid"),
        (Marks((-1,)), "marks-invalid"),
        (Marks((1, 0)), "marks-invalid"),
        (Marks((0, 0)), "marks-invalid"),
        (WriteIn(""), "write-in-invalid"),
        (WriteIn("x" * 51), "write-in-invalid"),
        (WriteIn("á" * 26), "write-in-invalid"),
        (WriteIn("a\0"), "write-in-invalid"),
        (WriteIn("a\nb"), "write-in-invalid"),
        (WriteIn("e\u0301"), "write-in-invalid"),
        (WriteIn("\ud800"), "write-in-invalid"),
        (WriteIn("Жуков"), "write-in-invalid"),
    ],
    ids=str,
)
def test_what_a_contest_does_not_allow(choice: Choice, code: str) -> None:
    with pytest.raises(Refused) as caught:
        encode_choice(PAPER, choice)
    assert caught.value.code == code
    # A write-in is the voter's secret: no error repeats it.
    assert not isinstance(choice, WriteIn) or not choice.text or choice.text not in str(caught.value)


def test_no_write_in_where_the_contest_has_none() -> None:
    assert invalid(contest(write_in=0), WriteIn("a")) is not None


@pytest.mark.parametrize(
    ("first", "last"), [(0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x24F), (0x2BC, 0x2BC), (0xA78B, 0xA78C)]
)
def test_write_in_alphabet(first: int, last: int) -> None:
    assert allowed_in_write_in(chr(first))
    assert allowed_in_write_in(chr(last))
    assert not allowed_in_write_in(chr(first - 1))
    assert not allowed_in_write_in(chr(last + 1))


def test_coalition_of() -> None:
    assert coalition_of(PAPER, (0, 2)) == 0
    assert coalition_of(PAPER, (4, 6)) == 1
    assert coalition_of(PAPER, (0,)) is None
    assert coalition_of(PAPER, (0, 3)) is None


@pytest.mark.parametrize(
    "head",
    [
        "03",
        "ff",
        "0001",
        "01",
        "0103" + "01",
        "0180",
        "0181",
        "0109",
        "0160",
        "02",
        "0200",
        "020041",
        "02410041",
        "02" + "78" * 51,
        "02c3",
        "02c0af",
        "02eda080",
        "0265cc81",
        "020a",
        "02d096",
    ],
)
def test_other_bytes_are_irregular(head: str) -> None:
    assert isinstance(decode_choice(PAPER, blocks(bytes.fromhex(head).ljust(60, b"\0"))), Irregular)


def test_one_bit_in_the_last_byte_is_irregular() -> None:
    for choice in (Null(), Marks((5,)), WriteIn("a")):
        data = bytearray(encode_choice(PAPER, choice))
        data[-1] = 1
        assert isinstance(decode_choice(PAPER, blocks(bytes(data))), Irregular)


@pytest.mark.parametrize(
    "row", [[], [bytes(30)], [bytes(30)] * 3, [None, bytes(30)], [bytes(30), None], [bytes(29), bytes(31)]]
)
def test_rows_that_are_not_whole_are_irregular(row: list[bytes | None]) -> None:
    assert isinstance(decode_choice(PAPER, row), Irregular)


def test_a_contest_without_blocks_is_irregular() -> None:
    broken = Contest("x", TITLE, "", [], [], 0, 0)
    assert isinstance(decode_choice(broken, []), Irregular)

"""Choices by the ids of the offer."""

from __future__ import annotations

import pytest
from simulator import offer

from vemre.election.choice import Choice, Marks, Null, WriteIn
from vemre.election.choice_names import contests_of_urn, read_choice, read_choices, write_choice
from vemre.errors import Refused

OFFER = offer()
PRESIDENT, GOVERNOR = contests_of_urn(OFFER, "urna-09")


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        (Null(), "null"),
        (Marks((0, 1)), {"marks": ["pan", "pri"]}),
        (Marks((3,)), {"marks": ["morena"]}),
        (WriteIn("Benito Juárez"), {"write_in": "Benito Juárez"}),
    ],
)
def test_round_trip(choice: Choice, value: object) -> None:
    assert write_choice(PRESIDENT, choice) == value
    assert read_choice(PRESIDENT, value) == choice


def test_marks_in_any_order() -> None:
    assert read_choice(PRESIDENT, {"marks": ["pri", "pan"]}) == Marks((0, 1))


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "Null",
        0,
        [],
        {"marks": "pan"},
        {"marks": []},
        {"marks": ["nobody"]},
        {"marks": ["pan", "pan"]},
        {"marks": ["pan", "mc"]},
        {"marks": [["pan"]]},
        {"marks": [0]},
        {"write_in": ""},
        {"write_in": 1},
        {"write_in": "a", "marks": ["pan"]},
        {"null": True},
    ],
    ids=str,
)
def test_what_is_no_choice_is_refused(value: object) -> None:
    with pytest.raises(Refused) as caught:
        read_choice(PRESIDENT, value)
    assert caught.value.code == "choice-unreadable"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "choice-unreadable"),
        ({"presidencia": "null"}, "choice-missing"),
        ({"presidencia": "null", "gubernatura": "null", "x": "null"}, "choice-missing"),
        ({"presidencia": "null", "gubernatura": {"write_in": "a"}}, "choice-unreadable"),
    ],
    ids=str,
)
def test_every_contest_has_one_choice(value: object, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_choices([PRESIDENT, GOVERNOR], value)
    assert caught.value.code == code


def test_unknown_urn() -> None:
    with pytest.raises(Refused, match="urn-unknown"):
        contests_of_urn(OFFER, "urna-99")

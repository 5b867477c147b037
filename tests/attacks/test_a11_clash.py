"""A11: clash. The box shows two voters of like choices one and the same tracker, and keeps one ballot. Each client
recomputes the tracker of its own ballot from its own bytes, and alarms."""

from collections.abc import Callable
from typing import Any

import pytest
from served import BallotBoxUnderTest, client_of

from ballot.voter.receipts import check_answer, check_file
from ballot.voter.session import cast
from vemre.checks import Check
from vemre.crypto import tracker
from vemre.errors import CheckFailed, Refused
from vemre.log.merkle import leaf_hash

Change = Callable[[dict[str, Any], bytes], dict[str, Any]]


def the_other_voters_answer(answer: dict[str, Any], _entry: bytes) -> dict[str, Any]:
    return answer


def with_my_tracker_shown(answer: dict[str, Any], entry: bytes) -> dict[str, Any]:
    return {**answer, "tracker": tracker.shown(leaf_hash(entry))}


def with_my_leaf_hash_too(answer: dict[str, Any], entry: bytes) -> dict[str, Any]:
    return {**with_my_tracker_shown(answer, entry), "leaf_hash": leaf_hash(entry).hex()}


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        (the_other_voters_answer, Refused),
        (with_my_tracker_shown, Refused),
        # Then the proof of inclusion does not fit: what the log's key signed is the other ballot.
        (with_my_leaf_hash_too, CheckFailed),
    ],
)
def test_one_tracker_for_two_voters(box: BallotBoxUnderTest, change: Change, alarm: type[Exception]) -> None:
    first, second = box.sim.voters[:2]
    answer = box.cast(first, box.ballot(first)).json()
    entry = box.ballot(second)
    with pytest.raises(alarm) as caught:
        check_answer(change(answer, entry), entry, box.station.anchors)
    if isinstance(caught.value, CheckFailed):
        assert (caught.value.check, caught.value.party) == (Check.LOG, "ballot-box")
    else:
        assert isinstance(caught.value, Refused)
        assert caught.value.code == "receipt-of-another-ballot"


def test_place_of_another_ballot(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    entry = box.ballot(voter)
    answer = box.cast(voter, entry).json()
    with pytest.raises(Refused, match="receipt-of-another-ballot"):
        check_answer({**answer, "index": answer["index"] + 1}, entry, box.station.anchors)


@pytest.mark.parametrize("answer", [None, [], "", {}, {"index": 1}, {"receipt": ""}])
def test_answer_that_is_no_receipt(box: BallotBoxUnderTest, answer: Any) -> None:
    with pytest.raises(CheckFailed):
        check_answer(answer, box.ballot(box.sim.voters[0]), box.station.anchors)


def test_honest_answers_differ_and_verify(box: BallotBoxUnderTest) -> None:
    found = set()
    for voter in box.sim.voters[:2]:
        with client_of(box, box.token(voter)) as ballot_box:
            entry = box.ballot(voter)
            checked = cast(ballot_box, entry, box.station.anchors)
            assert checked.tracker == tracker.shown(leaf_hash(entry))
            assert check_file(checked.file(), box.station.anchors).tracker == checked.tracker
            found.add(checked.tracker)
    assert len(found) == 2

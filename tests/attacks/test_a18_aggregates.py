"""A18: aggregates in the record that nobody recomputes.

Every number that follows from something else is edited, one at a time, in an otherwise honest election whose forger
signs everything anew with everybody's keys: each is refused at its place, and the one who wrote it is named.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forge import Forgery
from simulator import GROUP, Simulator

from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.crypto import canonical

AGGREGATES: dict[tuple[str, str], tuple[Check, str]] = {
    ("roll", "count"): (Check.ROLL_COUNT, "registry"),
    ("setup", "count"): (Check.ROLL_COUNT, "registry"),
    ("close", "ballots"): (Check.CLOSE_COUNT, "ballot-box"),
    ("marks", "count"): (Check.RECONCILE, "registry"),
    ("tally-input", "rows"): (Check.ROWS, "tally"),
    ("small-batch-decision", "rows"): (Check.ROWS, "authority"),
    ("shuffle", "rows"): (Check.ROWS, "mixer/"),
    ("decryption", "rows"): (Check.ROWS, "trustee/"),
    ("result-batch", "rows"): (Check.ROWS, "tally"),
    ("result-batch", "votes"): (Check.RESULT, "tally"),
    ("result-batch", "nulls"): (Check.RESULT, "tally"),
}
"""For each record type and name of a number in it: what refuses another one, and who is named."""

NOT_DERIVED = {
    ("manifest", "blocks"), ("manifest", "grace_seconds"), ("manifest", "min_batch"), ("manifest", "mixers"),
    ("manifest", "size"), ("manifest", "threshold"), ("close", "late"),
}  # fmt: skip
"""Numbers that are decided or told, and follow from nothing; sizes of blobs are [BLOB-DIGEST]."""

ORDINALS = {"attempt", "number", "size"}


@pytest.fixture(scope="module")
def election() -> Simulator:
    return Simulator(trustees=2, threshold=2, min_batch=10).reach("certified")


@pytest.fixture(scope="module")
def record(election: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return election.write(tmp_path_factory.mktemp("election") / "record")


def verify(election: Simulator, record: Path) -> Report:
    return verify_record(RecordFolder(record), election.view.anchors, GROUP, os.urandom)


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Every number in a JSON value, by its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from numbers(inner, (*path, place))
    elif type(value) is int:
        yield path, value


def edit(value: Any, path: tuple[Any, ...], change: Callable[[int], int]) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = change(value[path[-1]])


def test_every_number_that_follows_from_others(election: Simulator, record: Path, tmp_path: Path) -> None:
    honest = Forgery.open(record, election.forge_keys())
    kinds: set[tuple[str, str]] = set()
    parts: set[tuple[str, int, str, str]] = set()
    for log, entries in honest.logs.items():
        for index, entry in enumerate(entries):
            for path, number in numbers(entry["body"]):
                kind = entry["type"], path[-1]
                if kind in NOT_DERIVED or path[-1] in ORDINALS:
                    continue
                check, party = AGGREGATES[kind]
                # One number of each part of each record is enough: for the rest the code is the same.
                part = log, index, path[0], path[-1]
                if part in parts:
                    continue
                parts.add(part)
                kinds.add(kind)
                forgery = Forgery.open(record, election.forge_keys())
                edit(forgery.logs[log][index]["body"], path, lambda n: n + 1)
                report = verify(election, forgery.write(tmp_path / "forged"))
                place = f"{log}/{index} {path}: {number} + 1"
                assert report.failure is not None, place
                assert report.failure.check is check, f"{place}: {report.failure}"
                assert (report.failure.party or "").startswith(party), f"{place}: {report.failure}"
                assert not report.result
    assert kinds == set(AGGREGATES)


def test_votes_moved_between_options_keep_the_total_and_are_refused(
    election: Simulator, record: Path, tmp_path: Path
) -> None:
    forgery = Forgery.open(record, election.forge_keys())
    body = forgery.body("tally", "result-batch")
    for part in ("options", "distributed"):
        taken = next(line for line in body[part] if line["votes"])
        given = next(line for line in body[part] if line is not taken)
        taken["votes"] -= 1
        given["votes"] += 1
    failure = verify(election, forgery.write(tmp_path / "forged")).failure
    assert failure is not None
    assert (failure.check, failure.party) == (Check.RESULT, "tally")


@pytest.mark.parametrize("part", ["candidates", "distributed", "combinations", "options"])
def test_lines_left_out_or_in_another_order_are_refused(
    election: Simulator, record: Path, tmp_path: Path, part: str
) -> None:
    for change in (lambda lines: lines[1:], lambda lines: [*lines, *copy.deepcopy(lines[:1])]):
        forgery = Forgery.open(record, election.forge_keys())
        body = forgery.body("tally", "result-batch")
        assert body[part]
        body[part] = change(body[part])
        failure = verify(election, forgery.write(tmp_path / "forged")).failure
        assert failure is not None
        assert (failure.check, failure.party) == (Check.RESULT, "tally")


def test_write_ins_and_irregular_rows_are_recomputed(election: Simulator, record: Path, tmp_path: Path) -> None:
    for name, value in (("texts", ["Otra Persona"]), ("irregular", [0])):
        forgery = Forgery.open(record, election.forge_keys())
        body = forgery.body("tally", "result-batch")
        place = body["write_ins"] if name == "texts" else body
        place[name] = forgery.put_blob(canonical.encode(value))
        failure = verify(election, forgery.write(tmp_path / "forged")).failure
        assert failure is not None
        assert (failure.check, failure.party) == (Check.RESULT, "tally")


def test_a_result_that_leaves_out_or_repeats_a_batch_is_refused(
    election: Simulator, record: Path, tmp_path: Path
) -> None:
    for change in (lambda leaves: leaves[1:], lambda leaves: [*leaves, leaves[0]], lambda leaves: leaves[::-1]):
        forgery = Forgery.open(record, election.forge_keys())
        body = forgery.body("tally", "result")
        body["batches"] = change(body["batches"])
        failure = verify(election, forgery.write(tmp_path / "forged")).failure
        assert failure is not None
        assert (failure.check, failure.party) == (Check.RESULT, "tally")

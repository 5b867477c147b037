"""The count, the auditors' opinions on it, and the certification. Source: protocol, section 11, appendices A and E."""

from __future__ import annotations

from functools import partial

from vemre.checks import Check
from vemre.election.count import count_batch
from vemre.election.rules import cited
from vemre.election.rules.decrypting import open_with_executor, plaintexts, rows_of
from vemre.election.rules.view import Batch, View
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v
from vemre.records.fields import Count
from vemre.records.record import Record, parse_value
from vemre.types import LogName


def expected_batch(view: View, batch: Batch) -> tuple[v.ResultBatch, tuple[bytes, bytes]]:
    """The result batch that the plaintexts give, and its blobs (write-in texts, irregular rows)."""
    assert view.context is not None
    counted = count_batch(view.contests[batch[1]], plaintexts(view, batch))
    return counted.record(view.context.hex(), batch[0]), (counted.texts_blob, counted.irregular_blob)


def check_result(view: View) -> bool:
    """[RESULT]: every number is recomputed from the plaintexts; `result` names every batch, in manifest order."""
    places = result_batches(view)
    open_with_executor(view, _to_open(view))
    for index, record, body in view.new_of(view.tally, v.ResultBatch):
        batch = (body.urn, body.contest)
        where = view.tally.where(index)
        if places[batch] != index:
            problem = f"{body.urn} {body.contest} has a result already"
            raise CheckFailed(Check.RESULT, problem, where=where, party="tally")
        if view.trusts(view.tally, index):
            continue
        _check_lists(view, body, where)
        expected, _ = view.memo.once(
            ("result", record.leaf_hash, batch, _plaintext_key(view, batch)),
            partial(expected_batch, view, batch),
        )
        if body != expected:
            raise CheckFailed(
                Check.RESULT, f"{body.urn} {body.contest}: {_difference(body, expected)}", where=where, party="tally"
            )
    for index, _, result in view.new_of(view.tally, v.Result):
        leaves = {batch: view.tally.records[place].leaf_hash.hex() for batch, place in places.items()}
        if result.batches != [leaves.get(batch) for batch in rows_of(view)]:
            problem = "the result does not name every batch in manifest order"
            raise CheckFailed(Check.RESULT, problem, where=view.tally.where(index), party="tally")
    return view.tally.has("result-batch", "result")


def _to_open(view: View) -> list[Batch]:
    """The batches whose results are to be recomputed."""
    new = view.new_of(view.tally, v.ResultBatch)
    return [(body.urn, body.contest) for index, _, body in new if not view.trusts(view.tally, index)]


def result_batches(view: View) -> dict[Batch, int]:
    """The position of the result of each batch: of the first, should there be two."""

    def add(found: dict[Batch, int], index: int, record: Record) -> None:
        assert isinstance(record.body, v.ResultBatch)
        found.setdefault((record.body.urn, record.body.contest), index)

    return view.tables.follow("result-batches", view.tally, ("result-batch",), dict[Batch, int], add)


def _check_lists(view: View, body: v.ResultBatch, where: str) -> None:
    """[CANONICAL] of the two lists that a result names, before they are compared with what they should be."""
    for blob, type_ in ((body.write_ins.texts, list[str]), (body.irregular, list[Count])):
        data = view.blob(blob, "tally")
        try:
            parse_value(data, type_, limit=len(data))
        except CheckFailed as failure:
            raise failure.located(where=where, party="tally") from None


def _plaintext_key(view: View, batch: Batch) -> int:
    return id(plaintexts(view, batch))


def _difference(found: v.ResultBatch, expected: v.ResultBatch) -> str:
    for name in found.__struct_fields__:
        if getattr(found, name) != getattr(expected, name):
            return f"`{name}` is not what the plaintexts give"
    return "no difference"


# --- opinions and certification ------------------------------------------------------------------------------


def coverage(view: View, record: Record) -> str | None:
    """What an opinion's checkpoints leave out of close, marks and result, or None."""
    required: tuple[tuple[LogName, str, int | None], ...] = (
        ("registry", "marks", view.registry.first("marks")),
        ("ballot", "close", view.ballot.first("close")),
        ("tally", "result", view.tally.first("result")),
    )
    for log, what, index in required:
        size = cited.opened(view, record, log, log).size
        if index is None or size <= index:
            return f"its checkpoint of the {log} log does not cover `{what}`"
    return None


def check_opinions(view: View) -> bool:
    """[OPINION]: each opinion rests on checkpoints that cover close, marks and result."""
    for index, record, _ in view.new_of(view.tally, v.Opinion):
        if view.trusts(view.tally, index):
            continue
        problem = coverage(view, record)
        if problem:
            raise CheckFailed(Check.OPINION, problem, where=view.tally.where(index), party=record.signer)
    return view.tally.has("opinion")


def check_certification(view: View) -> bool:
    """[CERTIFY-TWO]: favourable last opinions of two auditors, and no auditor's last one unfavourable."""
    for index, _, certification in view.new_of(view.tally, v.Certification):
        _check_certified(view, index, certification)
    return view.tally.has("certification")


def _check_certified(view: View, index: int, certification: v.Certification) -> None:
    where = view.tally.where(index)

    def fail(problem: str) -> None:
        raise CheckFailed(Check.CERTIFY_TWO, problem, where=where, party="authority")

    result = view.tally.first("result")
    if result is None or certification.result != view.tally.records[result].leaf_hash.hex():
        fail("the certification names another result")
    last: dict[str, int] = {}
    for place, record, _ in view.tally.of(v.Opinion):
        if place < index:
            last[record.signer] = place
    for auditor, place in last.items():
        body = view.tally.records[place].body
        assert isinstance(body, v.Opinion)
        if body.verdict != "favourable":
            fail(f"the last opinion of {auditor} is unfavourable")
    named = certification.opinions
    # By leaf hash, not by place: the very same entry may stand in the log twice.
    final = {view.tally.records[place].leaf_hash.hex() for place in last.values()}
    if len(set(named)) != len(named) or not set(named) <= final:
        fail("the certification names something other than the last opinions of distinct auditors")
    if len(named) < view.anchors.quorum:
        fail(f"the certification names {len(named)} opinions, {view.anchors.quorum} are needed")

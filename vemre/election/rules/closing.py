"""Close, marks, and the list to mix. Source: protocol, section 8, and appendix E, item 9."""

from __future__ import annotations

import hashlib

from vemre.checks import Check
from vemre.election.rules.decoded import column
from vemre.election.rules.view import Batch, View
from vemre.errors import CheckFailed
from vemre.params import ELEMENT_BYTES
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob

OTHER = "other"


def check_close(view: View) -> bool:
    """[CLOSE-COUNT]: the close counts the ballots of every urn, in manifest order."""
    for index, _, close in view.new_of(view.ballot, v.Close):
        if [(count.urn, count.ballots) for count in close.counts] != list(view.ballots_by_urn().items()):
            where = view.ballot.where(index)
            problem = "the counts of the close are not those of the log"
            raise CheckFailed(Check.CLOSE_COUNT, problem, where=where, party="ballot-box")
    return view.close is not None


def check_marks(view: View) -> bool:
    """[RECONCILE]: as many voters are marked as there are ballots, by urn and over all countries."""
    for index, _, marks in view.new_of(view.registry, v.Marks):
        _check_marks(view, marks, view.registry.where(index))
    return view.marks is not None


def _check_marks(view: View, marks: v.Marks, where: str) -> None:
    ballots = view.ballots_by_urn()
    codes = [country.country for country in marks.countries]
    named = [code for code in codes if code != OTHER]
    requirements = (
        ([(count.urn, count.count) for count in marks.counts] == list(ballots.items()), "the marks by urn"),
        (sum(country.count for country in marks.countries) == sum(ballots.values()), "the sum over the countries"),
        (len(set(codes)) == len(codes) and codes == sorted(named) + [OTHER] * (OTHER in codes), "the countries' order"),
    )
    for holds, what in requirements:
        if not holds:
            problem = f"{what} does not agree with the ballots"
            raise CheckFailed(Check.RECONCILE, problem, where=where, party="registry")


def input_blobs(view: View) -> dict[Batch, bytes]:
    """The ciphertexts of every batch as the ballot log gives them: row by row in log order, block by block, a, b."""
    parts: dict[Batch, list[bytes]] = {batch: [] for batch in view.batches}
    for index in view.ballot.indices("ballot"):
        cast, start = view.ballot.records[index].cast, 0
        for contest, blocks, _ in cast.shape:
            stop = start + 2 * blocks * ELEMENT_BYTES
            parts[cast.urn, contest].append(cast.points[start:stop])
            start = stop
    return {batch: b"".join(rows) for batch, rows in parts.items()}


def _keep_decoded(view: View, refs: dict[Batch, Blob]) -> None:
    """What the ballots' proofs have decoded is the list to mix; the mixers' proofs need it next."""
    ballots = view.decoded.take_ballots()
    for urn in view.offer.urns:
        blocks = [view.contests[contest].blocks for contest in urn.contests]
        for number, contest in enumerate(urn.contests):
            if urn.id in ballots:
                start, count = 2 * sum(blocks[:number]), 2 * blocks[number]
                points = column(view.group, ballots[urn.id], start, count, 2 * sum(blocks))
                view.decoded.keep(refs[urn.id, contest].sha256, points)


def input_refs(view: View) -> dict[Batch, Blob]:
    """Digest and size of every batch's input, in manifest order."""
    return {batch: Blob(hashlib.sha256(data).hexdigest(), len(data)) for batch, data in input_blobs(view).items()}


def check_tally_input(view: View) -> bool:
    """[TALLY-INPUT]: the list to mix is rebuilt from the ballot log; its blobs are at hand."""
    for index, _, tally_input in view.new_of(view.tally, v.TallyInput):
        if view.trusts(view.tally, index):
            continue
        expected = input_refs(view)
        found = {(batch.urn, batch.contest): batch.input for batch in tally_input.batches}
        if [(b.urn, b.contest) for b in tally_input.batches] != list(expected):
            problem = "not all batches, in manifest order"
        elif found != expected:
            urn, contest = next(batch for batch in expected if found[batch] != expected[batch])
            problem = f"{urn} {contest}: the list to mix is not that of the ballot log"
        else:
            for batch in tally_input.batches:
                view.blob(batch.input, "tally")
            _keep_decoded(view, expected)
            continue
        raise CheckFailed(Check.TALLY_INPUT, problem, where=view.tally.where(index), party="tally")
    return view.tally_input is not None

"""The count of one contest in one urn. Source: protocol, section 11, appendix A (result arithmetic), appendix E, 9-12.

LGIPE: two or more marks within a coalition are one vote for its candidate (288.3, 290.2); combination votes are
distributed after summing, the remainder to the party with most votes (311.1.c); null votes (288.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from vemre.crypto import canonical
from vemre.election.choice import Irregular, Marks, Null, WriteIn, coalition_of, decode_choice
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob
from vemre.records.setup_bodies import Coalition, Contest

Combination = tuple[int, ...]
"""Two or more option indices of one coalition, ascending."""


@dataclass(frozen=True)
class CountedBatch:
    """Everything that a `result-batch` says. `single` is per option, in option order."""

    contest: Contest
    rows: int
    single: tuple[int, ...]
    combinations: tuple[tuple[Combination, int], ...]
    texts: tuple[str, ...]
    nulls: int
    irregular: tuple[int, ...]
    distributed: tuple[int, ...]
    candidates: tuple[tuple[str, int], ...]

    @property
    def texts_blob(self) -> bytes:
        """Write-in texts, sorted by their bytes."""
        return canonical.encode(list(self.texts))

    @property
    def irregular_blob(self) -> bytes:
        """Indices of the rows that are no choice; they are part of the nulls."""
        return canonical.encode(list(self.irregular))

    def record(self, context: str, urn: str) -> v.ResultBatch:
        """The body of the record."""
        contest = self.contest
        ids = [option.id for option in contest.options]
        return v.ResultBatch(
            context=context,
            urn=urn,
            contest=contest.id,
            rows=self.rows,
            options=[v.OptionVotes(id_, votes) for id_, votes in zip(ids, self.single, strict=True)],
            combinations=[
                v.CombinationVotes(coalition_of(contest, marks) or "", [ids[i] for i in marks], votes)
                for marks, votes in self.combinations
            ],
            write_ins=v.WriteIns(len(self.texts), _blob(self.texts_blob)),
            nulls=self.nulls,
            irregular=_blob(self.irregular_blob),
            distributed=[v.OptionVotes(id_, votes) for id_, votes in zip(ids, self.distributed, strict=True)],
            candidates=[v.CandidateVotes(id_, votes) for id_, votes in self.candidates],
        )


def count_batch(contest: Contest, rows: Sequence[Sequence[bytes | None]]) -> CountedBatch:
    """Count decrypted rows; each is the contest's blocks, None where an element is no encoding of a block."""
    single = [0] * len(contest.options)
    combined: Counter[Combination] = Counter()
    texts: list[str] = []
    irregular: list[int] = []
    nulls = 0
    for index, row in enumerate(rows):
        match decode_choice(contest, row):
            case Marks((option,)):
                single[option] += 1
            case Marks(options):
                combined[options] += 1
            case WriteIn(text):
                texts.append(text)
            case Null():
                nulls += 1
            case Irregular():
                nulls += 1
                irregular.append(index)
    members = [_members(contest, coalition) for coalition in contest.coalitions]
    order = {index: place for place, group in enumerate(members) for index in group}
    combinations = tuple(sorted(combined.items(), key=lambda item: (order[item[0][0]], item[0])))
    return CountedBatch(
        contest=contest,
        rows=len(rows),
        single=tuple(single),
        combinations=combinations,
        texts=tuple(sorted(texts, key=str.encode)),
        nulls=nulls,
        irregular=tuple(irregular),
        distributed=_distribute(single, combinations),
        candidates=_candidates(contest, members, single, combinations),
    )


def _members(contest: Contest, coalition: Coalition) -> list[int]:
    return [index for index, option in enumerate(contest.options) if option.id in coalition.members]


def _distribute(single: Sequence[int], combinations: Sequence[tuple[Combination, int]]) -> tuple[int, ...]:
    """Equal parts to the members, the remainder of each combination to its member with most single marks (ties: in
    the order of registration)."""
    total = list(single)
    for marks, votes in combinations:
        part, remainder = divmod(votes, len(marks))
        for index in marks:
            total[index] += part
        # `max` gives the first of equals, and marks are in the order of registration.
        total[max(marks, key=lambda index: single[index])] += remainder
    return tuple(total)


def _candidates(
    contest: Contest,
    members: Sequence[Sequence[int]],
    single: Sequence[int],
    combinations: Sequence[tuple[Combination, int]],
) -> tuple[tuple[str, int], ...]:
    """Coalitions first, each with its members' single marks and its combinations; then the remaining options."""
    found = [
        (
            coalition.id,
            sum(single[index] for index in group) + sum(votes for marks, votes in combinations if marks[0] in group),
        )
        for coalition, group in zip(contest.coalitions, members, strict=True)
    ]
    taken = {index for group in members for index in group}
    alone = [(option.id, single[i]) for i, option in enumerate(contest.options) if i not in taken]
    return tuple(found + alone)


def _blob(data: bytes) -> Blob:
    return Blob(sha256(data).hexdigest(), len(data))

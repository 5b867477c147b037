"""The count of one batch, from its decrypted rows.

Source: protocol, section 11, "Result arithmetic" of appendix A, and appendix E, items 9 to 12; LGIPE, article 311.1 c
(combinations are distributed after summing, never vote by vote).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vemre.crypto import canonical
from vemre.election.choice import Choice, Irregular, Marks, Null, WriteIn, coalition_of, decode_choice
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob
from vemre.records.setup_bodies import Contest


@dataclass(frozen=True)
class Combination:
    """Votes of one marked set of two or more members (ascending option indices) of one coalition (its index)."""

    coalition: int
    members: tuple[int, ...]
    votes: int


@dataclass(frozen=True)
class CountedBatch:
    """What the rows of one batch say. Options and coalitions are counted by index, in the contest's order."""

    contest: Contest
    rows: int
    singles: tuple[int, ...]
    """Votes that mark this option alone."""
    combinations: tuple[Combination, ...]
    texts: tuple[str, ...]
    """Write-ins, sorted by their UTF-8 bytes, repeated ones repeated."""
    nulls: int
    """Irregular rows among them."""
    irregular: tuple[int, ...]
    """Rows (from 0 in the last output) whose plaintext encodes no choice."""

    @cached_property
    def distributed(self) -> tuple[int, ...]:
        """Votes of each option with its part of every combination: equal parts rounded down, the whole remainder to
        the member with most single marks (the first of several)."""
        votes = list(self.singles)
        for combination in self.combinations:
            share, remainder = divmod(combination.votes, len(combination.members))
            for member in combination.members:
                votes[member] += share
            votes[max(combination.members, key=lambda member: (self.singles[member], -member))] += remainder
        return tuple(votes)

    @cached_property
    def candidates(self) -> tuple[tuple[str, int], ...]:
        """Votes of each coalition's candidate, then of each option that is in no coalition."""
        totals = Counter[int]()
        for combination in self.combinations:
            totals[combination.coalition] += combination.votes
        index_of = {option.id: index for index, option in enumerate(self.contest.options)}
        found, members = [], set()
        for index, coalition in enumerate(self.contest.coalitions):
            singles = sum(self.singles[index_of[member]] for member in coalition.members)
            found.append((coalition.id, singles + totals[index]))
            members.update(coalition.members)
        alone = [(id_, self.singles[index]) for id_, index in index_of.items() if id_ not in members]
        return (*found, *alone)

    @cached_property
    def texts_blob(self) -> bytes:
        """Canonical JSON array of the write-ins."""
        return canonical.encode(list(self.texts))

    @cached_property
    def irregular_blob(self) -> bytes:
        """Canonical JSON array of the irregular rows."""
        return canonical.encode(list(self.irregular))

    def record(self, context: str, urn: str) -> v.ResultBatch:
        """The body of the `result-batch` record. `context` is hex."""
        return v.ResultBatch(
            context=context,
            urn=urn,
            contest=self.contest.id,
            rows=self.rows,
            options=self._by_option(self.singles),
            combinations=[
                v.CombinationVotes(
                    self.contest.coalitions[combination.coalition].id,
                    [self.contest.options[member].id for member in combination.members],
                    combination.votes,
                )
                for combination in self.combinations
            ],
            write_ins=v.WriteIns(len(self.texts), _blob(self.texts_blob)),
            nulls=self.nulls,
            irregular=_blob(self.irregular_blob),
            distributed=self._by_option(self.distributed),
            candidates=[v.CandidateVotes(id_, votes) for id_, votes in self.candidates],
        )

    def _by_option(self, votes: Sequence[int]) -> list[v.OptionVotes]:
        return [v.OptionVotes(option.id, count) for option, count in zip(self.contest.options, votes, strict=True)]


def count_batch(contest: Contest, plaintexts: Sequence[Sequence[bytes | None]]) -> CountedBatch:
    """Count the rows of one batch; each row is the blocks of its ciphertexts, None where one is no encoding."""
    marks: Counter[tuple[int, ...]] = Counter()
    texts: list[str] = []
    irregular: list[int] = []
    nulls = 0
    # Most votes are alike, so each is read once.
    known: dict[tuple[bytes | None, ...], Choice | Irregular] = {}
    for row, blocks in enumerate(plaintexts):
        choice = known.get(key := tuple(blocks))
        if choice is None:
            choice = known[key] = decode_choice(contest, blocks)
        match choice:
            case Marks(options):
                marks[options] += 1
            case WriteIn(text):
                texts.append(text)
            case Null():
                nulls += 1
            case Irregular():
                nulls += 1
                irregular.append(row)
    return CountedBatch(
        contest=contest,
        rows=len(plaintexts),
        singles=tuple(marks[(option,)] for option in range(len(contest.options))),
        combinations=_combinations(contest, marks),
        texts=tuple(sorted(texts, key=str.encode)),
        nulls=nulls,
        irregular=tuple(irregular),
    )


def _combinations(contest: Contest, marks: Counter[tuple[int, ...]]) -> tuple[Combination, ...]:
    """In coalition order, then by member indices."""
    found = []
    for options, votes in marks.items():
        coalition = coalition_of(contest, options)
        if coalition is not None:
            found.append(Combination(coalition, options, votes))
    return tuple(sorted(found, key=lambda c: (c.coalition, c.members)))


def _blob(data: bytes) -> Blob:
    return Blob(hashlib.sha256(data).hexdigest(), len(data))

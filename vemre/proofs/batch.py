"""Batch verification: many equations as one multi-scalar multiplication. Source: protocol, section 2.

Each equation says that a linear combination of group elements is the identity. A false equation survives a random
128-bit weight with probability 2^-128; on failure the equations are bisected to name the first that does not hold.

A vector of elements that stands in several equations, as one and the same object, enters the multiplication once,
with its coefficients summed. Hence the shared bases that `Equations` hands out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.types import Random

Term = tuple[Scalars, Elements]
"""Coefficients and as many elements."""


@dataclass(frozen=True)
class Label:
    """What it means that an equation does not hold, where, and who answers for it."""

    check: Check
    detail: str
    where: str | None = None
    party: str | None = None

    def failure(self) -> CheckFailed:
        return CheckFailed(self.check, self.detail, where=self.where, party=self.party)


class Equations:
    """Collects equations and checks them at once. `random` must be a CSPRNG: who can guess the weights can cheat."""

    def __init__(self, group: Group, random: Random) -> None:
        self.group = group
        self.random = random
        self._parts: list[_Part] = []
        self._generators: dict[int, Elements] = {}

    def __len__(self) -> int:
        return sum(part.count for part in self._parts)

    @cached_property
    def generator(self) -> Elements:
        """G."""
        return self.group.generator()

    @cached_property
    def generator_h(self) -> Elements:
        """H."""
        return self.group.generator_h()

    def generators(self, count: int) -> Elements:
        """H_1..H_count."""
        if count not in self._generators:
            self._generators[count] = self.group.generators(count)
        return self._generators[count]

    def add(
        self,
        check: Check,
        detail: str,
        terms: Sequence[Term],
        *,
        weighted: bool = False,
        where: str | None = None,
        party: str | None = None,
    ) -> None:
        """One more equation: the sum over `terms` of scalars times elements is the identity.

        `weighted` says that the terms are those of one or more equations, each multiplied already by a fresh weight
        of its own (`draw`), so that they need no other one.
        """
        self._parts.append(_One(tuple(terms), Label(check, detail, where, party), weighted))

    def draw(self, count: int) -> Scalars:
        """Fresh weights."""
        return self.group.random_weights(count, self.random)

    def add_each(self, labels: Sequence[Label], rows: Sequence[Term], shared: Sequence[Term]) -> None:
        """One more equation per label. Equation i is the sum, over `rows`, of scalar i times element i, and, over
        `shared`, of scalar i times the one element there is, equal to the identity."""
        if any(len(scalars) != len(labels) for scalars, _ in (*rows, *shared)):
            raise ValueError("not one coefficient for each equation")
        if labels:
            self._parts.append(_Each(tuple(labels), tuple(rows), tuple(shared)))

    def verify(self) -> None:
        """Check all equations and forget them. Raises the CheckFailed of the first (as added) that does not hold."""
        parts, self._parts = self._parts, []
        if not self._hold(parts):
            raise self._first_false(parts).failure()

    def _first_false(self, parts: list[_Part]) -> Label:
        while (count := sum(part.count for part in parts)) > 1:
            left, right = _split(parts, count // 2)
            parts = right if self._hold(left) else left
        return parts[0].label

    def _hold(self, parts: list[_Part]) -> bool:
        terms: list[Term] = []
        for part in parts:
            terms += part.times(self.draw(part.count), self.group)
        return vartime_combine(self.group, terms).vartime_identity_at() == 0


def vartime_combine(group: Group, terms: Iterable[Term]) -> Elements:
    """The sum over all terms of scalars times elements, as a vector of length one. Public data only.

    Raises ValueError for a term with more or fewer scalars than elements.
    """
    merged: dict[int, Term] = {}
    for scalars, elements in terms:
        if len(scalars) != len(elements):
            raise ValueError(f"{len(scalars)} scalars for {len(elements)} elements")
        known = merged.get(id(elements))
        # `merged` holds on to the elements, so that no other vector can come by their id.
        merged[id(elements)] = (scalars if known is None else known[0] + scalars, elements)
    return group.vartime_msm_terms(list(merged.values()))


class _Part(Protocol):
    """One or more equations that were added together."""

    @property
    def count(self) -> int: ...

    @property
    def label(self) -> Label:
        """Of the first."""

    def part(self, start: int, stop: int) -> _Part: ...

    def times(self, weights: Scalars, group: Group) -> list[Term]:
        """The terms of their sum, each equation times its weight."""


@dataclass(frozen=True)
class _One:
    terms: tuple[Term, ...]
    label: Label
    weighted: bool = False
    count = 1

    def part(self, _start: int, _stop: int) -> _One:
        return self

    def times(self, weights: Scalars, _group: Group) -> list[Term]:
        if self.weighted:
            return list(self.terms)
        return [(scalars.scale(weights[0]), elements) for scalars, elements in self.terms]


@dataclass(frozen=True)
class _Each:
    labels: tuple[Label, ...]
    rows: tuple[Term, ...]
    shared: tuple[Term, ...]

    @property
    def count(self) -> int:
        return len(self.labels)

    @property
    def label(self) -> Label:
        return self.labels[0]

    def part(self, start: int, stop: int) -> _Each:
        rows = tuple((scalars.slice(start, stop), elements.slice(start, stop)) for scalars, elements in self.rows)
        shared = tuple((scalars.slice(start, stop), element) for scalars, element in self.shared)
        return _Each(self.labels[start:stop], rows, shared)

    def times(self, weights: Scalars, group: Group) -> list[Term]:
        terms = [(scalars * weights, elements) for scalars, elements in self.rows]
        return terms + [(group.scalars([scalars.dot(weights)]), element) for scalars, element in self.shared]


def _split(parts: Sequence[_Part], at: int) -> tuple[list[_Part], list[_Part]]:
    """The first `at` equations, and the others."""
    left: list[_Part] = []
    right: list[_Part] = []
    for part in parts:
        if part.count <= at:
            left.append(part)
            at -= part.count
            continue
        if at:
            left.append(part.part(0, at))
        right.append(part.part(at, part.count))
        at = 0
    return left, right

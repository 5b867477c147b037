"""Batch verification: many equations as one multi-scalar multiplication. Source: protocol, section 2.

Each equation says that a linear combination of group elements is the identity. A false equation survives a random
128-bit weight with probability 2^-128; on failure the equations are bisected to name the first that does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.types import Random

Term = tuple[Scalars, Elements]
"""Coefficients and as many elements."""


@dataclass(frozen=True)
class Equation:
    """sum over terms = identity, and what it means where that is false."""

    terms: tuple[Term, ...]
    check: Check
    detail: str
    where: str | None
    party: str | None

    def failure(self) -> CheckFailed:
        return CheckFailed(self.check, self.detail, where=self.where, party=self.party)


class Equations:
    """Collects equations and checks them at once. `random` must be a CSPRNG."""

    def __init__(self, group: Group, random: Random) -> None:
        self.group = group
        self._random = random
        self._equations: list[Equation] = []

    def __len__(self) -> int:
        return len(self._equations)

    def add(
        self,
        check: Check,
        detail: str,
        terms: Sequence[Term],
        *,
        where: str | None = None,
        party: str | None = None,
    ) -> None:
        """One more equation: the sum over `terms` of scalars times elements is the identity."""
        self._equations.append(Equation(tuple(terms), check, detail, where, party))

    def verify(self) -> None:
        """Check all equations and forget them. Raises the CheckFailed of the first (as added) that does not hold."""
        equations, self._equations = self._equations, []
        if equations and not self._holds(equations):
            raise self._first_false(equations).failure()

    def _first_false(self, equations: list[Equation]) -> Equation:
        while len(equations) > 1:
            half = len(equations) // 2
            left = equations[:half]
            equations = equations[half:] if self._holds(left) else left
        return equations[0]

    def _holds(self, equations: list[Equation]) -> bool:
        weights = self.group.random_weights(len(equations), self._random)
        # Bases that stand in many equations (G, Y, H) get one summed coefficient each.
        shared: dict[int, tuple[Elements, int]] = {}
        scalars: list[Scalars] = []
        elements: list[Elements] = []
        for weight, equation in zip(weights, equations, strict=True):
            for coefficients, points in equation.terms:
                if len(points) == 1:
                    _, sum_ = shared.get(id(points), (points, 0))
                    shared[id(points)] = points, sum_ + weight * coefficients[0]
                else:
                    scalars.append(coefficients.scale(weight))
                    elements.append(points)
        if shared:
            scalars.append(self.group.scalars(sum_ for _, sum_ in shared.values()))
            elements.append(self.group.concat([points for points, _ in shared.values()]))
        total = self.group.vartime_msm(self.group.scalars([]).concat(*scalars), self.group.concat(elements))
        return total.vartime_identity_at() == 0

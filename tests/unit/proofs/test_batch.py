"""Batch verification: what holds passes, the first that does not is named, nothing cancels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from proof_cases import CASES, altered_proofs, points, scalars

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.proofs.batch import Equations, Label, vartime_combine


def add_one(equations: Equations, name: int, error: int = 0) -> None:
    """x G - (x G) = 0, or with an error of a multiple of G."""
    group = equations.group
    x = scalars(group, 2)
    elements = group.base_mul(x)
    terms = ((group.scalars([x.sum() + error]), equations.generator), (group.scalars([-1, -1]), elements))
    equations.add(Check.SHUFFLE, f"equation {name}", terms, where=f"tally/{name}", party=f"mixer/{name}")


def add_each(equations: Equations, names: Sequence[int], errors: Sequence[int]) -> None:
    """The same as one vector of equations."""
    group = equations.group
    x = scalars(group, len(names))
    labels = [Label(Check.BALLOT_POK, f"equation {name}", f"ballot/{name}", f"voter/{name}") for name in names]
    rows = ((group.scalars([-1] * len(names)), group.base_mul(x)),)
    equations.add_each(labels, rows, ((x + group.scalars(errors), equations.generator),))


def failure(equations: Equations) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        equations.verify()
    return caught.value


def test_nothing_to_check_holds(group: Group) -> None:
    Equations(group, os.urandom).verify()
    equations = Equations(group, os.urandom)
    add_each(equations, [], [])
    equations.verify()


def test_true_equations_hold(group: Group) -> None:
    equations = Equations(group, os.urandom)
    add_one(equations, 1)
    add_each(equations, [2, 3, 4], [0, 0, 0])
    add_one(equations, 5)
    assert len(equations) == 5
    equations.verify()
    assert len(equations) == 0


@pytest.mark.parametrize("false", [{0}, {9}, {4}, {3, 5}, {6, 9}, {2, 3}, set(range(10))])
def test_the_first_false_equation_is_named(group: Group, false: set[int]) -> None:
    """0, 1 and 7, 8 stand alone; 2..6 and 9 are vectors."""
    equations = Equations(group, os.urandom)
    error = [int(i in false) for i in range(10)]
    add_one(equations, 0, error[0])
    add_one(equations, 1, error[1])
    add_each(equations, range(2, 7), error[2:7])
    add_one(equations, 7, error[7])
    add_one(equations, 8, error[8])
    add_each(equations, [9], error[9:])
    caught, first = failure(equations), min(false)
    vector = first in (2, 3, 4, 5, 6, 9)
    assert caught.check is (Check.BALLOT_POK if vector else Check.SHUFFLE)
    assert caught.detail == f"equation {first}"
    assert caught.where == (f"ballot/{first}" if vector else f"tally/{first}")
    assert caught.party == (f"voter/{first}" if vector else f"mixer/{first}")
    equations.verify()  # forgotten


def test_errors_that_cancel_are_found(group: Group) -> None:
    """Without weights the two sums would be the identity."""
    equations = Equations(group, os.urandom)
    add_one(equations, 1, 1)
    add_one(equations, 2, -1)
    assert failure(equations).where == "tally/1"
    add_each(equations, [1, 2, 3], [0, 5, -5])
    assert failure(equations).where == "ballot/2"


def test_weights_have_128_bits_and_are_fresh(group: Group) -> None:
    asked: list[int] = []

    def random(count: int) -> bytes:
        asked.append(count)
        return os.urandom(count)

    equations = Equations(group, random)
    add_one(equations, 1)
    add_each(equations, [2, 3], [0, 0])
    equations.verify()
    assert sum(asked) == 3 * 16
    add_one(equations, 1)
    equations.verify()
    assert sum(asked) == 4 * 16


def test_shared_bases_are_one_object(group: Group) -> None:
    equations = Equations(group, os.urandom)
    assert equations.generator is equations.generator
    assert equations.generator_h is equations.generator_h
    assert equations.generators(3) is equations.generators(3)
    assert equations.generators(2).encode() == equations.generators(3).slice(0, 2).encode()


def test_a_vector_that_comes_back_is_multiplied_once(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    msm = group.vartime_msm_terms

    def counting(terms: Any) -> Any:
        sizes.extend(len(elements) for _, elements in terms)
        return msm(terms)

    monkeypatch.setattr(group, "vartime_msm_terms", counting)
    base, x, y = points(group, 3), scalars(group, 3), scalars(group, 3)
    total = vartime_combine(group, [(x, base), (y, base), (-(x + y), base)])
    assert total.vartime_identity_at() == 0
    assert sizes == [3]


def test_terms_of_unequal_lengths_are_a_mistake(group: Group) -> None:
    """One scalar too many here and one too few there would shift what is multiplied with what."""
    one, two = points(group, 1), points(group, 2)
    with pytest.raises(ValueError, match="2 scalars for 1 elements"):
        vartime_combine(group, [(group.scalars([1, 2]), one), (group.scalars([1]), two)])
    equations = Equations(group, os.urandom)
    labels = [Label(Check.SHUFFLE, "")]
    with pytest.raises(ValueError, match="not one coefficient"):
        equations.add_each(labels, [(group.scalars([1, 2]), two)], [])
    with pytest.raises(ValueError, match="not one coefficient"):
        equations.add_each(labels, [], [(group.scalars([]), one)])


def test_proofs_of_every_kind_in_one_batch(group: Group) -> None:
    equations = Equations(group, os.urandom)
    for make in CASES.values():
        make(group).add_to(equations)
    equations.verify()


@pytest.mark.parametrize("culprit", CASES)
def test_the_culprit_among_proofs_of_every_kind(group: Group, culprit: str) -> None:
    equations = Equations(group, os.urandom)
    for place, (kind, make) in enumerate(CASES.items()):
        case = make(group)
        wrong = next(altered_proofs(case))[1] if kind == culprit else None
        case.add_to(equations, wrong, where=f"tally/{place}")
    caught = failure(equations)
    case = CASES[culprit](group)
    assert (caught.check, caught.party) == (case.check, case.party)
    assert caught.where == f"tally/{list(CASES).index(culprit)}"

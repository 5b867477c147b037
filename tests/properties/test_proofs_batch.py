"""Batches of equations: whatever is in them, what is reported is the first that is false."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.params import GROUP_ORDER
from vemre.proofs.batch import Equations, Label

NUMBERS = st.integers(0, 20) | st.integers(0, GROUP_ORDER - 1)
EQUATION = st.tuples(st.lists(NUMBERS, max_size=3), st.sampled_from([0, 0, 0, 1, GROUP_ORDER - 1, 5]))
"""Logarithms of what is added up, and the error of the sum."""
PARTS = st.lists(EQUATION | st.lists(st.tuples(NUMBERS, st.sampled_from([0, 0, 0, 1, 7])), max_size=4), max_size=6)


@settings(max_examples=30, deadline=None)
@given(PARTS)
def test_the_first_false_equation_is_reported(group: Group, parts: list[object]) -> None:
    equations = Equations(group, os.urandom)
    errors: list[int] = []
    for part in parts:
        if isinstance(part, tuple):
            numbers, error = part
            elements = group.base_mul(group.scalars(numbers))
            total = group.scalars([sum(numbers) + error])
            ones = group.scalars([-1] * len(numbers))
            equations.add(Check.SHUFFLE, str(len(errors)), [(total, equations.generator), (ones, elements)])
            errors.append(error)
        elif isinstance(part, list):
            numbers, wrong = [number for number, _ in part], [error for _, error in part]
            x = group.scalars(numbers)
            labels = [Label(Check.SHUFFLE, str(len(errors) + i)) for i in range(len(part))]
            rows = [(group.scalars([-1] * len(part)), group.base_mul(x))]
            equations.add_each(labels, rows, [(x + group.scalars(wrong), equations.generator)])
            errors += wrong
    assert len(equations) == len(errors)
    first = next((i for i, error in enumerate(errors) if error), None)
    if first is None:
        equations.verify()
    else:
        with pytest.raises(CheckFailed) as caught:
            equations.verify()
        assert caught.value.detail == str(first)

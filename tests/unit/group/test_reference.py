"""What only the reference back end has: its two algorithms for sums, its halves, its honesty about time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from vemre.group import Elements, Group, load, ristretto
from vemre.group.comb import Tables
from vemre.group.curve import IDENTITY, add, affine, double, multiply, naf
from vemre.group.elements import ReferenceElements
from vemre.group.field import P, invert_all, invsqrt
from vemre.group.msm import _pippenger, _straus
from vemre.params import GROUP_ORDER


@pytest.fixture
def reference() -> Group:
    return load("reference")


def points_of(elements: Elements) -> list[tuple[int, int, int, int]]:
    assert isinstance(elements, ReferenceElements)
    return elements.points


def test_it_says_that_it_is_not_constant_time(reference: Group) -> None:
    assert reference.name == "reference"
    assert reference.constant_time is False


def test_an_unknown_back_end_is_refused() -> None:
    with pytest.raises(ValueError):
        load("fastest")


def test_vectors_of_another_back_end_are_refused(reference: Group) -> None:
    with pytest.raises(TypeError):
        reference.generator() + object()  # type: ignore[operator]
    with pytest.raises(TypeError):
        reference.base_mul([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize("width", range(4, 15))
@pytest.mark.parametrize("length", [1, 40, 128, 250, 251, 252])
def test_both_algorithms_for_sums_agree_at_every_width(reference: Group, width: int, length: int) -> None:
    points = points_of(reference.generators(6))
    top = 2**length - 1
    values = [top, -top, 1 << (length - 1), -(1 << (length - 1)), 1, -1]
    pairs = list(zip(values, points, strict=True))
    assert ristretto.encode(_pippenger(pairs, width)) == ristretto.encode(_straus(pairs))


def test_encoding_a_double_is_encoding_its_point(reference: Group) -> None:
    halves = points_of(reference.generators(20))
    halves += [add(p, q) for p, q in pairwise(halves)]
    # The four points of the identity's coset.
    i = pow(2, (P - 1) // 4, P)
    halves += [IDENTITY, (0, P - 1, 1, 0), (i, 0, 1, 0), (P - i, 0, 1, 0)]
    assert ristretto.encode_doubles(halves) == [ristretto.encode(double(half)) for half in halves]


def test_every_point_of_a_coset_encodes_alike(reference: Group) -> None:
    i = pow(2, (P - 1) // 4, P)
    for x, y, z, t in points_of(reference.generators(5)):
        coset = [
            (x, y, z, t),
            (P - x, P - y, z, t),
            (i * y % P, i * x % P, z, P - t),
            (P - i * y % P, P - i * x % P, z, P - t),
        ]
        assert len({ristretto.encode(point) for point in coset}) == 1
        assert [ristretto.is_identity(point) for point in coset] == [False] * 4


def test_batches_of_inverses_skip_zero() -> None:
    assert invert_all([]) == []
    assert invert_all([0]) == [0]
    assert [a * b % P for a, b in zip(invert_all([0, 2, P - 1, 0, 7]), [0, 2, P - 1, 0, 7], strict=True)] == [
        0,
        1,
        1,
        0,
        1,
    ]


def test_inverse_square_roots() -> None:
    i = pow(2, (P - 1) // 4, P)
    assert invsqrt(0) == (False, 0)
    squares = 0
    for v in range(1, 60):
        square, root = invsqrt(v)
        assert root * root * v % P == (1 if square else i)
        assert square == (pow(v, (P - 1) // 2, P) == 1)
        squares += square
    assert 15 < squares < 45


def test_the_non_adjacent_form_adds_up() -> None:
    for value in (*range(100), 2**252, GROUP_ORDER - 1, int("5" * 60, 16)):
        digits = naf(value)
        assert sum(digit << position for position, digit in digits) == value
        assert all(digit % 2 and -16 < digit < 16 for _, digit in digits)
        positions = [position for position, _ in digits]
        assert all(b - a >= 5 for a, b in pairwise(positions))
    assert multiply(naf(0), IDENTITY) == IDENTITY


def test_affine_points_are_the_same_points(reference: Group) -> None:
    points = [double(p) for p in points_of(reference.generators(3))]
    normal = affine(points)
    assert all(p[2] == 1 and p[0] * p[1] % P == p[3] for p in normal)
    assert list(map(ristretto.encode, normal)) == list(map(ristretto.encode, points))


def test_a_base_earns_its_table_and_old_tables_go(reference: Group) -> None:
    tables = Tables()
    base = points_of(reference.generator())[0]
    assert tables.get(b"a", base, 31) is None
    table = tables.get(b"a", base, 1)
    assert table is not None
    assert tables.get(b"a", base, 1) is table
    for i in range(8):
        assert tables.get(bytes([i]), base, 32) is not None
    assert tables.get(b"a", base, 1) is None

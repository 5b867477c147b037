"""Time of each operation of the group, for every back end: run `pytest benchmarks/bench_group.py`.

Operations on vectors are measured for `COUNT` elements; divide by it for the time of one.
"""

from __future__ import annotations

import os
from typing import Any, cast, get_args

import pytest

from vemre.group import Backend, Elements, Group, Scalars, load
from vemre.group.derive import generator_bytes

COUNT = 100


@pytest.fixture(scope="module", params=get_args(Backend))
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))


@pytest.fixture(scope="module")
def scalars(group: Group) -> Scalars:
    return group.random_scalars(COUNT, os.urandom)


@pytest.fixture(scope="module")
def encoded(group: Group, scalars: Scalars) -> bytes:
    return group.base_mul(scalars).encode()


@pytest.fixture(scope="module")
def elements(group: Group, encoded: bytes) -> Elements:
    return group.decode(encoded)


def test_decode(benchmark: Any, group: Group, encoded: bytes) -> None:
    assert len(benchmark(group.decode, encoded)) == COUNT


def encode(elements: Elements) -> bytes:
    return elements.encode()


def test_encode_sums(benchmark: Any, group: Group, elements: Elements, scalars: Scalars) -> None:
    """Encoding of what was not just multiplied, such as re-encrypted ciphertexts."""
    products = group.base_mul(scalars)
    result = benchmark.pedantic(encode, setup=lambda: ((elements + products,), {}), rounds=20)
    assert len(result) == 32 * COUNT


def test_encode_products(benchmark: Any, group: Group, scalars: Scalars) -> None:
    result = benchmark.pedantic(encode, setup=lambda: ((group.base_mul(scalars),), {}), rounds=20)
    assert len(result) == 32 * COUNT


def test_add(benchmark: Any, elements: Elements) -> None:
    benchmark(lambda: elements + elements)


def test_base_mul(benchmark: Any, group: Group, scalars: Scalars) -> None:
    benchmark(group.base_mul, scalars)


def test_fixed_mul(benchmark: Any, group: Group, scalars: Scalars, elements: Elements) -> None:
    benchmark(group.fixed_mul, elements.slice(0, 1), scalars)


def test_mul(benchmark: Any, group: Group, scalars: Scalars, elements: Elements) -> None:
    benchmark(group.mul, elements, scalars)


def test_mul_by_one(benchmark: Any, group: Group, scalars: Scalars, elements: Elements) -> None:
    benchmark(group.mul_by_one, elements, scalars[0])


@pytest.mark.parametrize("count", [10, 100, 1000, 10_000])
@pytest.mark.parametrize("bits", [128, 252])
def test_msm(benchmark: Any, group: Group, count: int, bits: int) -> None:
    elements = group.generators(count)
    draw = group.random_weights if bits == 128 else group.random_scalars
    benchmark(group.vartime_msm, draw(count, os.urandom), elements)


def test_chain(benchmark: Any, group: Group, scalars: Scalars) -> None:
    benchmark(group.chain, group.generator_h(), scalars, scalars)


def test_one_way(benchmark: Any, group: Group) -> None:
    benchmark(group.one_way, b"".join(generator_bytes("benchmark", i) for i in range(COUNT)))


def test_generator_bytes(benchmark: Any) -> None:
    benchmark(generator_bytes, "benchmark", 1)


def test_hash_scalars(benchmark: Any, group: Group) -> None:
    benchmark(group.hash_scalars, bytes(64), COUNT)


def test_scalar_products(benchmark: Any, scalars: Scalars) -> None:
    benchmark(scalars.__mul__, scalars)


def test_suffix_products(benchmark: Any, scalars: Scalars) -> None:
    benchmark(scalars.suffix_products)

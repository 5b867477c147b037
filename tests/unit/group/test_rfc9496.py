"""The vectors of RFC 9496, appendix A, on every back end."""

from __future__ import annotations

from typing import Any

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.group.field import sqrt_ratio_m1


def test_multiples_of_the_generator(group: Group, ristretto_vectors: Any) -> None:
    expected = bytes.fromhex("".join(ristretto_vectors["multiples"]))
    count = len(ristretto_vectors["multiples"])
    assert group.base_mul(group.scalars(range(count))).encode() == expected
    assert group.mul(group.repeat(group.generator(), count), group.scalars(range(count))).encode() == expected
    total = group.identity()
    sums = []
    for _ in range(count):
        sums.append(total)
        total = total + group.generator()
    assert group.concat(sums).encode() == expected


def test_the_multiples_decode_and_encode(group: Group, ristretto_vectors: Any) -> None:
    data = bytes.fromhex("".join(ristretto_vectors["multiples"]))
    decoded = group.decode(data, identity=True)
    assert decoded.encode() == data
    # Adding the identity makes a new vector, which has to be encoded from its points.
    assert (decoded + group.identity(16)).encode() == data
    assert decoded.vartime_identity_at() == 0
    assert group.try_decode(data) == [False] + [True] * 15


def test_bad_encodings_are_refused(group: Group, ristretto_vectors: Any) -> None:
    good = group.generator().encode()
    bad = [bytes.fromhex(text) for texts in ristretto_vectors["bad_encodings"].values() for text in texts]
    assert len(bad) == 29
    assert group.try_decode(b"".join(bad)) == [False] * len(bad)
    for data in bad:
        for identity in (False, True):
            with pytest.raises(CheckFailed) as failure:
                group.decode(good + data + bad[0], identity=identity)
            assert failure.value.check == Check.ELEMENT
            assert "1" in failure.value.detail.split()


def test_one_way_map(group: Group, ristretto_vectors: Any) -> None:
    cases = ristretto_vectors["one_way"]
    assert len(cases) == 7
    inputs = bytes.fromhex("".join(case["input"] for case in cases))
    assert group.one_way(inputs).encode().hex() == "".join(case["output"] for case in cases)


def test_one_way_map_reduces_and_ignores_the_top_bit(group: Group, ristretto_vectors: Any) -> None:
    same = ristretto_vectors["one_way_same"]
    inputs = bytes.fromhex("".join(same["inputs"]))
    assert group.one_way(inputs).encode().hex() == same["output"] * len(same["inputs"])


def test_square_root_of_a_ratio(ristretto_vectors: Any) -> None:
    for case in ristretto_vectors["sqrt_ratio_m1"]:
        u, v, r = (int.from_bytes(bytes.fromhex(case[name]), "little") for name in ("u", "v", "r"))
        assert sqrt_ratio_m1(u, v) == (case["was_square"], r)

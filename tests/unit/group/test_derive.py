"""Derived generators: RFC 9380's expansion and the protocol's own vectors."""

from __future__ import annotations

from typing import Any

import pytest

from vemre.group import Group
from vemre.group.derive import derive_element, expand_message_xmd, generator_bytes


def test_expand_message_xmd(xmd_vectors: Any) -> None:
    assert len(xmd_vectors["cases"]) == 10
    for case in xmd_vectors["cases"]:
        output = expand_message_xmd(case["message"].encode(), xmd_vectors["dst"].encode(), case["length"])
        assert output.hex() == case["output"]


def test_expand_message_xmd_keeps_to_its_limits() -> None:
    assert len(expand_message_xmd(b"", bytes(255), 255 * 64)) == 255 * 64
    with pytest.raises(ValueError):
        expand_message_xmd(b"", b"tag", 255 * 64 + 1)
    with pytest.raises(ValueError):
        expand_message_xmd(b"", bytes(256), 64)


def test_generators(group: Group, generator_vectors: Any) -> None:
    assert group.generator_h().encode().hex() == generator_vectors["H"]
    few = group.generators(3).encode().hex()
    assert few == generator_vectors["H_1"] + generator_vectors["H_2"] + generator_vectors["H_3"]
    many = group.generators(1000)
    assert len(many) == 1000
    assert many.slice(999, 1000).encode().hex() == generator_vectors["H_1000"]
    assert many.slice(0, 3).encode().hex() == few
    assert group.generators(2).encode() == many.slice(0, 2).encode()
    assert len(group.generators(0)) == 0


def test_derived_elements_depend_on_label_and_number(group: Group, generator_vectors: Any) -> None:
    assert derive_element(group, "H", 1000).encode().hex() == generator_vectors["H_1000"]
    assert len({generator_bytes("H", 0), generator_bytes("H", 1), generator_bytes("I", 0)}) == 3

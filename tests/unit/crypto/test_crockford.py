"""Symbols that people read and type."""

from __future__ import annotations

import pytest

from vemre.crypto import crockford


def test_alphabet_leaves_out_what_is_mistaken() -> None:
    assert len(crockford.ALPHABET) == len(set(crockford.ALPHABET)) == 32
    assert not set("ILOU") & set(crockford.ALPHABET)


@pytest.mark.parametrize(("value", "symbols", "text"), [(0, 2, "00"), (31, 1, "Z"), (32, 2, "10"), (1023, 2, "ZZ")])
def test_encode_and_decode(value: int, symbols: int, text: str) -> None:
    assert crockford.encode(value, symbols) == text
    assert crockford.decode(text) == value


@pytest.mark.parametrize(("value", "symbols"), [(32, 1), (-1, 1), (1024, 2)])
def test_what_does_not_fit_is_refused(value: int, symbols: int) -> None:
    with pytest.raises(ValueError, match="fit"):
        crockford.encode(value, symbols)


@pytest.mark.parametrize("text", ["a", "I", "L", "O", "U", "0-0", " 0", "é", "０"])
def test_decoding_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r"one of the alphabet$"):
        crockford.decode(text)


def test_normalise_repairs_what_people_do() -> None:
    assert crockford.normalise("ab-c iIlLoO u") == "ABC111100U"


@pytest.mark.parametrize("text", ["ı", "ſ", "ﬁ", "–", "\u00a0", "\n", "U", "*"])
def test_normalise_repairs_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="alphabet"):
        crockford.decode(crockford.normalise(text))


def test_grouped() -> None:
    assert crockford.grouped("ABCDEFGHJ") == "ABCD-EFGH-J"

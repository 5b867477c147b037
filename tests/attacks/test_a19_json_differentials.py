"""A19: one text that two parsers read differently. Whatever is not canonical is refused before anything is hashed."""

from __future__ import annotations

import unicodedata

import pytest
import simulator
from differentials import differentials
from hypothesis import given
from hypothesis import strategies as st

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed
from vemre.records.record import parse


def entry() -> bytes:
    """A canonical record: the manifest of a small election."""
    return simulator.Simulator().view.tally.records[0].entry


ENTRY = entry()


DIFFERENTIALS = differentials(ENTRY)


def test_the_entry_itself_is_read() -> None:
    assert parse(ENTRY).type == "manifest"


@pytest.mark.parametrize("data", DIFFERENTIALS.values(), ids=DIFFERENTIALS.keys())
def test_it_is_refused(data: bytes) -> None:
    with pytest.raises(CheckFailed) as caught:
        parse(data)
    assert caught.value.check is Check.CANONICAL


def test_a_unicode_spelling_of_an_id_is_another_id_and_not_allowed() -> None:
    """Composed and decomposed letters differ as bytes, and neither is an id."""
    composed, decomposed = "urna-é", unicodedata.normalize("NFD", "urna-é")
    assert canonical.encode(composed) != canonical.encode(decomposed)
    for spelling in (composed, decomposed, "urna-0９", "urna‐09", "Urna-09", "urna-09 "):
        offer = simulator.offer()
        offer.urns[0] = type(offer.urns[0])(spelling, "Ciudad de México", offer.urns[0].contests)
        failure = simulator.refusal(lambda offer=offer: simulator.Simulator(the_offer=offer))
        assert (failure.check, failure.party) == (Check.MANIFEST_IDS, "authority")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_encoded_is_read_back(value: object) -> None:
    assert canonical.decode(canonical.encode(value), limit=1 << 20) == value


@given(st.binary(max_size=60))
def test_bytes_are_read_only_if_they_are_what_would_be_written(data: bytes) -> None:
    try:
        value = canonical.decode(data, limit=1000)
    except CheckFailed:
        return
    assert canonical.encode(value) == data


@pytest.mark.parametrize("value", [1.0, float("nan"), [0.5], {"a": float("inf")}, 2**53, "\ud800", {"\ud800": 1}])
def test_what_has_no_canonical_form_is_not_written(value: object) -> None:
    with pytest.raises(CheckFailed) as caught:
        canonical.encode(value)
    assert caught.value.check is Check.CANONICAL

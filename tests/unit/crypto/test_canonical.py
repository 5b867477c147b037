"""Canonical JSON is read the same whether or not the short way applies."""

import json
import os
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.errors import CheckFailed
from vemre.params import MAX_JSON_INTEGER
from vemre.records.record import parse, signed_bytes

TEXTS = st.text(st.sampled_from("abZ09_- \"\\/\x7f\n\x1f<>&'éñ\u2028\U0001f5f3"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_JSON_INTEGER, MAX_JSON_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def read(data: bytes) -> Any:
    """What is read, or the check that fails."""
    try:
        return canonical.decode(data, limit=100_000)
    except CheckFailed as failure:
        return failure.check


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    data = canonical.encode(value)
    assert data == rfc8785.dumps(value)
    assert read(data) == value


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_other_spellings_are_refused(value: Any, ascii_only: bool, ordered: bool, separators: tuple[str, str]) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, sort_keys=ordered, separators=separators)
    expected = value if text.encode() == rfc8785.dumps(value) else Check.CANONICAL
    assert read(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"b":1,"a":1}',
        '{"a":1.0}',
        '{"a":1e2}',
        '{"a":-0}',
        "[01]",
        "[NaN]",
        '["\t"]',
        '["\\u0061"]',
        "",
    ]
    + [f'{{"a":{sign}{number}}}' for sign in ("", "-") for number in (MAX_JSON_INTEGER + 1, 2**54, 10**17)],
)
def test_what_has_no_canonical_form(text: str) -> None:
    assert read(text.encode()) is Check.CANONICAL


@pytest.mark.parametrize("leaf", ['"a"', "1", "{}", "[]", '"é"'])
def test_depth_counts_every_value(leaf: str) -> None:
    def nested(depth: int) -> bytes:
        return ("[" * depth + leaf + "]" * depth).encode()

    assert read(nested(canonical.MAX_DEPTH)) is not Check.CANONICAL
    assert read(nested(canonical.MAX_DEPTH + 1)) is Check.CANONICAL


@pytest.mark.parametrize("text", ["plain", 'with "signature":"aa",', 'ends in \\","signature":"', "ñ"])
def test_signature_covers_the_entry_without_itself(text: str) -> None:
    key = SigningKey.generate(os.urandom)
    body = drafts.incident("other", text, 1_800_000_000).body
    for signer in ("tally", text):
        record = parse(drafts.sign_entry(body, log=text, signer=signer, key=key))
        assert record.signed_bytes == signed_bytes(record.kind, record.log, record.signer, record.body)

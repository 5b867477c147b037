"""Canonical JSON (RFC 8785) and its strict reader.

What does not re-encode to the same bytes is refused [CANONICAL]: duplicate keys, floats, NaN, numbers over
2^53-1, lone surrogates, white space, other spellings. Source: protocol, section 3.
"""

from __future__ import annotations

import json
from typing import Any

import rfc8785

from vemre.checks import Check
from vemre.errors import CheckFailed

MAX_DEPTH = 16


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value made of dict, list, str, int, bool and None.

    Raises CheckFailed(CANONICAL) for what has no canonical form (floats included).
    """
    _refuse_floats(value, 0)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise CheckFailed(Check.CANONICAL, f"no canonical form: {type(error).__name__}") from None


def decode(data: bytes, *, limit: int) -> Any:
    """The value of canonical JSON of at most `limit` bytes. Raises CheckFailed(CANONICAL)."""
    if len(data) > limit:
        raise CheckFailed(Check.CANONICAL, f"{len(data)} bytes, more than the {limit} allowed")
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_no_number, parse_constant=_no_number, parse_int=_integer)
    except CheckFailed:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckFailed(Check.CANONICAL, f"not JSON: {type(error).__name__}") from None
    if encode(value) != data:
        raise CheckFailed(Check.CANONICAL, "does not re-encode to the same bytes")
    return value


def _no_number(_text: str) -> Any:
    raise CheckFailed(Check.CANONICAL, "a number that is not an integer")


def _integer(text: str) -> int:
    if len(text) > 17:
        raise CheckFailed(Check.CANONICAL, "a number over 2^53-1")
    return int(text)


def _refuse_floats(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CheckFailed(Check.CANONICAL, "nested too deeply")
    if isinstance(value, float):
        raise CheckFailed(Check.CANONICAL, "a number that is not an integer")
    if isinstance(value, dict):
        for inner in value.values():
            _refuse_floats(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_floats(inner, depth + 1)

"""Canonical JSON (RFC 8785) and its strict reader.

What does not re-encode to the same bytes is refused [CANONICAL]: duplicate keys, floats, NaN, numbers over
2^53-1, lone surrogates, white space, other spellings. Source: protocol, section 3.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import rfc8785

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.params import MAX_JSON_INTEGER

MAX_DEPTH = 16
_plain_encoder: Final = msgspec.json.Encoder(order="sorted")


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
    if _encode_like(value, data) != data:
        raise CheckFailed(Check.CANONICAL, "does not re-encode to the same bytes")
    return value


def _encode_like(value: Any, data: bytes) -> bytes:
    """The canonical bytes of a value that was read from `data`; most of them in a tenth of the time.

    Where there is neither an escape nor anything beyond ASCII, every string is spelt as it is, members are ordered by
    their bytes, and nothing else is left to choose.
    """
    if not data.isascii() or b"\\" in data:
        return encode(value)
    _refuse_floats(value, 0)
    return _plain_encoder.encode(value)


def _no_number(_text: str) -> Any:
    raise CheckFailed(Check.CANONICAL, "a number that is not an integer")


def _integer(text: str) -> int:
    if len(text) > 17 or not -MAX_JSON_INTEGER <= (value := int(text)) <= MAX_JSON_INTEGER:
        raise CheckFailed(Check.CANONICAL, "a number over 2^53-1")
    return value


def _refuse_floats(value: Any, depth: int) -> None:
    if isinstance(value, float):
        raise CheckFailed(Check.CANONICAL, "a number that is not an integer")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    if depth == MAX_DEPTH and value:
        raise CheckFailed(Check.CANONICAL, "nested too deeply")
    for inner in value:
        # Most values are texts, and not worth a call.
        if type(inner) is not str:
            _refuse_floats(inner, depth + 1)

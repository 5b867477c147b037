"""Strict spellings shared by notes, checkpoints, receipts and witness requests.

Each value has exactly one spelling; whatever else is refused with CheckFailed(NOTE), so that two readers can
never disagree on what a text says. Source: docs/spec/log.md, strict parsing; RFC 4648, section 4.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""The largest tree size and the latest time that a text may name."""

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


def malformed(detail: str) -> CheckFailed:
    """The failure of every text that is not spelt as it must be."""
    return CheckFailed(Check.NOTE, detail)


def decode_text(data: bytes, *, limit: int, name: str) -> str:
    """UTF-8 of at most `limit` bytes without control characters other than the line feed."""
    if len(data) > limit:
        raise malformed(f"{name}: {len(data)} bytes, more than the {limit} allowed")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed(f"{name}: not UTF-8") from None
    if _CONTROL.search(text):
        raise malformed(f"{name}: a control character")
    return text


def encode_text(text: str, name: str) -> bytes:
    """The UTF-8 of a text that may come from JSON (where lone surrogates can hide)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise malformed(f"{name}: not UTF-8") from None


def parse_decimal(text: str, name: str) -> int:
    """A number from 0 to 2^63-1 in plain ASCII digits without leading zeros."""
    # `int` alone would take "+7", "7_0", spaces and digits of other scripts.
    if not _DECIMAL.fullmatch(text):
        raise malformed(f"{name}: not a plain decimal number")
    value = int(text)
    if value > MAX_SIZE:
        raise malformed(f"{name}: a number over 2^63-1")
    return value


def parse_base64(text: str, name: str) -> bytes:
    """Padded, canonical base64 of the standard alphabet."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(f"{name}: not base64") from None
    if format_base64(data) != text:
        raise malformed(f"{name}: base64 that is not canonical")
    return data


def parse_hash(text: str, name: str) -> bytes:
    """Base64 of exactly 32 bytes."""
    data = parse_base64(text, name)
    if len(data) != HASH_BYTES:
        raise malformed(f"{name}: {len(data)} bytes, not {HASH_BYTES}")
    return data


def format_base64(data: bytes) -> str:
    """Padded base64 of the standard alphabet."""
    return base64.b64encode(data).decode("ascii")

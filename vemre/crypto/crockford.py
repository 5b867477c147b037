"""Crockford's base32: how people read, type and compare credentials, trackers and fingerprints.

Source: protocol, sections 6 and 7.
"""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOL_BITS: Final = 5
GROUP: Final = 4

_VALUE: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
# ASCII alone: `str.upper` would turn the dotless i of Turkish into an I, and so into a 1.
_LENIENT: Final = str.maketrans("abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110", "- ")


def encode(value: int, symbols: int) -> str:
    """`value` as exactly `symbols` symbols, most significant first. Raises ValueError where it does not fit."""
    if not 0 <= value < 1 << (SYMBOL_BITS * symbols):
        raise ValueError(f"the number does not fit in {symbols} symbols")
    return "".join(ALPHABET[value >> SYMBOL_BITS * place & 31] for place in reversed(range(symbols)))


def decode(text: str) -> int:
    """The number that `text` writes. Strict: only the 32 symbols. Raises ValueError, which never repeats the text."""
    value = 0
    for symbol in text:
        digit = _VALUE.get(symbol)
        if digit is None:
            raise ValueError("a symbol that is not one of the alphabet")
        value = value << SYMBOL_BITS | digit
    return value


def normalise(text: str) -> str:
    """What a person typed, as symbols: hyphens and spaces dropped, capitals, I and L as 1, O as 0.

    Nothing else is repaired: `decode` refuses what remains.
    """
    return text.translate(_LENIENT)


def grouped(symbols: str) -> str:
    """Symbols in groups of four, joined by hyphens."""
    return "-".join(symbols[start : start + GROUP] for start in range(0, len(symbols), GROUP))

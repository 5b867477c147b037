"""Passwords: which are taken, and how they are kept.

Length counts and composition does not (NIST SP 800-63B, section 5.1.1.2). Kept is Argon2id with the parameters of the
OWASP Password Storage Cheat Sheet (19 MiB, two passes, one lane).
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from nacl.exceptions import InvalidkeyError
from nacl.pwhash import argon2id

from vemre.errors import Refused

SHORTEST: Final = 12
LONGEST: Final = 256
OPERATIONS: Final = 2
MEMORY_BYTES: Final = 19 << 20
_FEW: Final = 4
"""What is left of a password without common parts must be more than this."""
_ROWS: Final = ("qwertyuiopasdfghjklñzxcvbnm", "qwertzuiop", "azertyuiop", "abcdefghijklmnopqrstuvwxyz", "1234567890")
_RUN: Final = 3
_LOOKS_LIKE: Final = str.maketrans("@4301!$57", "aaeoiisst")


def check(password: str, user: str) -> None:
    """Raises Refused("password-short"), Refused("password-long"), Refused("password-common")."""
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise Refused("password-short", shortest=SHORTEST)
    if len(normal) > LONGEST:
        raise Refused("password-long", longest=LONGEST)
    if is_common(normal, user):
        raise Refused("password-common")


def hashed(password: str) -> str:
    """What is kept of a password; another text each time. Takes about 20 ms and 19 MiB."""
    return argon2id.str(_normal(password).encode(), OPERATIONS, MEMORY_BYTES).decode("ascii")


def matches(kept: str, password: str) -> bool:
    """Whether this is the password. Takes as long as `hashed`."""
    try:
        return argon2id.verify(kept.encode("ascii"), _normal(password).encode())
    except InvalidkeyError:
        return False


@cache
def nobodys() -> str:
    """What a password is compared with where there is no account; it matches nothing."""
    return hashed(secrets.token_urlsafe(32))


def _normal(password: str) -> str:
    """One form for what different keyboards type for the same letters (RFC 8265, OpaqueString)."""
    spaces = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaces)


# --- common ones -----------------------------------------------------------------------------------------------


def is_common(password: str, user: str) -> bool:
    """Whether a password is little more than common words, names, years, rows of keys, repetitions, and the address
    that it is for: those are what is tried first."""
    plain = _letters(password)
    own = [part for part in _split(user) if len(part) >= _RUN]
    readings = (plain, plain.translate(_LOOKS_LIKE))
    return any(len(set(reading)) <= _FEW or _rest(reading, own) <= _FEW for reading in readings)


def _rest(text: str, own: list[str]) -> int:
    """How much is left where every common part is taken out: different letters; other signs, which are easier, four for
    one; and common words from the third different one on, three for each. Parts are found from the left, the longest
    first."""
    words, longest = _common_words()
    left, found, place = [], set(), 0
    while place < len(text):
        end = _common_end(text, place, words, longest, own)
        if end == place:
            left.append(text[place])
            end += 1
        elif (part := text[place:end]) in words:
            found.add(part)
        place = end
    letters = {letter for letter in left if letter.isalpha() or not letter.isascii()}
    others = sum(letter not in letters for letter in left)
    return len(letters) + (others + 3) // 4 + 3 * max(0, len(found) - 2)


def _common_end(text: str, place: int, words: frozenset[str], longest: int, own: list[str]) -> int:
    """Where a common part that begins at `place` ends; `place` where there is none."""
    ends = [place + len(part) for part in own if text.startswith(part, place)]
    ends += [end for end in range(place + _RUN, min(place + longest, len(text)) + 1) if text[place:end] in words]
    ends.append(_run_end(text, place))
    return max(ends)


def _run_end(text: str, place: int) -> int:
    """Where keys that lie side by side, or one letter again and again, end; `place` for fewer than three."""
    best = place
    for row in (*_ROWS, text[place] * len(text)):
        for keys in (row, row[::-1]):
            end = place + 1
            while end < len(text) and text[place : end + 1] in keys:
                end += 1
            best = max(best, end)
    return best if best - place >= _RUN else place


def _letters(text: str) -> str:
    """Small letters without accents; the spaces between words do not count."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ñ", "\0"))
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter) and not letter.isspace())
    return kept.replace("\0", "ñ")


def _split(user: str) -> list[str]:
    """The parts of an address that a password may repeat, the longest first."""
    parts = [_letters(user), *_letters(user).replace("@", ".").replace("_", ".").replace("-", ".").split(".")]
    return sorted(parts, key=len, reverse=True)


@cache
def _common_words() -> tuple[frozenset[str], int]:
    text = (files("ballot.access") / "common-passwords.txt").read_text(encoding="utf-8")
    words = {_letters(word) for line in text.splitlines() if not line.startswith("#") for word in line.split()}
    return frozenset(words), max(map(len, words))

"""What a voter chooses in one contest, and its one encoding as bytes.

Every choice has exactly one encoding, and every encoding of a contest has the same length. Source: protocol, section 4
(choice encoding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vemre.errors import Refused
from vemre.params import BLOCK_BYTES
from vemre.records.setup_bodies import Contest

_NULL: Final = 0
_MARKS: Final = 1
_WRITE_IN: Final = 2

_WRITE_IN_RANGES: Final = (
    (0x0020, 0x007E),
    (0x00A1, 0x00AC),
    (0x00AE, 0x024F),
    (0x02BC, 0x02BC),
    (0xA78B, 0xA78C),
)
"""First and last code point of what a write-in may consist of. None of these combines with its neighbour, so a text
has one spelling in every program."""


@dataclass(frozen=True)
class Null:
    """The vote is spoiled expressly, or blank."""


@dataclass(frozen=True)
class Marks:
    """Marked options, as ascending indices into the contest's options."""

    options: tuple[int, ...]


@dataclass(frozen=True)
class WriteIn:
    """A candidate who is not registered."""

    text: str


@dataclass(frozen=True)
class Irregular:
    """A plaintext that encodes no choice. It counts as null and is listed. `reason` is technical English."""

    reason: str


Choice = Null | Marks | WriteIn


def blocks_needed(contest: Contest) -> int:
    """w: the ciphertexts per ballot that the contest's options and write-ins take [MANIFEST-BLOCKS]."""
    longest = 1 + max(_bitmap_bytes(contest), contest.write_in_bytes)
    return max(1, -(-longest // BLOCK_BYTES))


def encode_choice(contest: Contest, choice: Choice) -> bytes:
    """The choice as `contest.blocks` * 30 bytes. Raises Refused("marks-invalid") or Refused("write-in-invalid")."""
    if invalid(contest, choice) is not None:
        if isinstance(choice, WriteIn):
            raise Refused("write-in-invalid", contest=contest.id, longest=contest.write_in_bytes)
        raise Refused("marks-invalid", contest=contest.id)
    return _bytes_of(contest, choice)


def decode_choice(contest: Contest, blocks: Sequence[bytes | None]) -> Choice | Irregular:
    """The choice that a row's blocks encode; None stands for an element that carries no block. Never raises: what is
    no encoding is Irregular [COUNT-IRREGULAR]."""
    if not blocks or len(blocks) != contest.blocks:
        return Irregular("another number of blocks")
    present = [block for block in blocks if block is not None]
    if len(present) != len(blocks) or any(len(block) != BLOCK_BYTES for block in present):
        return Irregular("an element that carries no block")
    data = b"".join(present)
    choice = _read(contest, data)
    if isinstance(choice, Irregular):
        return choice
    problem = invalid(contest, choice)
    if problem is not None:
        return Irregular(problem)
    # One spelling per choice: whatever else the bytes hold could sign the ballot for a buyer.
    if _bytes_of(contest, choice) != data:
        return Irregular("bytes beyond the choice")
    return choice


def invalid(contest: Contest, choice: Choice) -> str | None:
    """Why the contest does not allow this choice, or None. Never repeats a write-in."""
    if isinstance(choice, Marks):
        return _invalid_marks(contest, choice.options)
    if isinstance(choice, WriteIn):
        return _invalid_write_in(contest, choice.text)
    return None


def allowed_in_write_in(character: str) -> bool:
    """Whether a write-in may hold this character."""
    return any(first <= ord(character) <= last for first, last in _WRITE_IN_RANGES)


def coalition_of(contest: Contest, options: Sequence[int]) -> int | None:
    """The index of the coalition that all these options (two or more) are members of, or None."""
    ids = {contest.options[option].id for option in options}
    if len(ids) < 2:
        return None
    return next((index for index, c in enumerate(contest.coalitions) if ids <= set(c.members)), None)


def _bitmap_bytes(contest: Contest) -> int:
    return -(-len(contest.options) // 8)


def _bytes_of(contest: Contest, choice: Choice) -> bytes:
    """The encoding of an allowed choice."""
    content = bytes([_NULL])
    if isinstance(choice, Marks):
        bitmap = sum(1 << option for option in choice.options)
        content = bytes([_MARKS]) + bitmap.to_bytes(_bitmap_bytes(contest), "little")
    elif isinstance(choice, WriteIn):
        content = bytes([_WRITE_IN]) + choice.text.encode()
    return content.ljust(contest.blocks * BLOCK_BYTES, b"\0")


def _read(contest: Contest, data: bytes) -> Choice | Irregular:
    """The choice that the bytes name, whether allowed or not."""
    kind = data[0]
    if kind == _NULL:
        return Null()
    if kind == _MARKS:
        bitmap = int.from_bytes(data[1 : 1 + _bitmap_bytes(contest)], "little")
        return Marks(tuple(option for option in range(len(contest.options)) if bitmap >> option & 1))
    if kind == _WRITE_IN:
        try:
            return WriteIn(data[1:].rstrip(b"\0").decode("utf-8"))
        except UnicodeDecodeError:
            return Irregular("a write-in that is not UTF-8")
    return Irregular("an unknown kind of choice")


def _invalid_marks(contest: Contest, options: tuple[int, ...]) -> str | None:
    if list(options) != sorted(set(options)) or any(not 0 <= option < len(contest.options) for option in options):
        return "marks that are not ascending indices of options"
    if len(options) == 1 or coalition_of(contest, options) is not None:
        return None
    return "marks that are neither one option nor two or more members of one coalition"


def _invalid_write_in(contest: Contest, text: str) -> str | None:
    if not all(map(allowed_in_write_in, text)):
        return "a write-in with a character that is not allowed"
    if not 1 <= len(text.encode()) <= contest.write_in_bytes:
        return f"a write-in that is not 1 to {contest.write_in_bytes} bytes long"
    return None

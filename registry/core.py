"""The registry's decisions, without a database or a network: what a roll file may hold.

A roll is a CSV file (RFC 4180 with one record a line) in UTF-8 and NFC, with exactly the header `COLUMNS`. A file is
taken whole or not at all; a refusal lists every line that is wrong, by line number, column and code, and repeats
nothing that stands in it.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from registry.fields import CHECKS, Modality
from registry.places import urn_of

COLUMNS: Final = (
    "folio",
    "clave_de_elector",
    "names",
    "country",
    "entity",
    "district",
    "email",
    "phone",
    "modality",
)

ROSTER: Final = "roster"
"""The token with which the ballot box, and nobody else, fetches the roster."""

MAX_ROLL_BYTES: Final = 128 << 20
MAX_LINE_BYTES: Final = 2_048
MAX_LINES: Final = 2_000_000


@dataclass(frozen=True)
class Voter:
    """One line of a roll."""

    folio: str
    clave_de_elector: str
    names: str
    country: str
    entity: str
    """A federal entity's number, or an urn's id."""
    district: str
    email: str
    phone: str
    modality: Modality

    def __repr__(self) -> str:
        # Personal data shows in no log and no trace.
        return "Voter(...)"

    @property
    def email_key(self) -> str:
        """What makes an address the same as another."""
        return self.email.casefold()


@dataclass(frozen=True)
class LineRefusal:
    """One thing that is wrong. `line` counts from 1, the header included; `column` is "" where no one column is.

    `code` is a text of the catalogue under ``roll-<code>``.
    """

    line: int
    column: str
    code: str


class RollRefused(Exception):
    """The file is refused; nothing of it is taken."""

    def __init__(self, refusals: list[LineRefusal]) -> None:
        super().__init__(f"{len(refusals)} refusals")
        self.refusals = refusals


@dataclass
class Known:
    """The voters that are registered, by everything that must be unique."""

    by_folio: dict[str, Voter] = field(default_factory=dict)
    folios: set[str] = field(default_factory=set)
    """Folios that are taken, be it by somebody who is not on the roll."""
    claves: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)

    def add(self, voter: Voter) -> None:
        """Take a voter into account."""
        self.by_folio[voter.folio] = voter
        self.folios.add(voter.folio)
        self.claves.add(voter.clave_de_elector)
        self.emails.add(voter.email_key)
        self.phones.add(voter.phone)


@dataclass(frozen=True)
class Import:
    """What a roll file brings: new voters in the file's order, and how many were registered just so before."""

    new: tuple[Voter, ...]
    unchanged: int


# --- the file ------------------------------------------------------------------------------------------------


def read_roll(data: bytes, known: Known, urns: Collection[str] | None, *, limit: int = MAX_ROLL_BYTES) -> Import:
    """The voters of a roll file, checked against each other and against those that are registered.

    `urns` are the election's urn ids, or None while the offer is not published yet. A line that repeats a registered
    voter exactly is no error, so a file may be sent again. Raises RollRefused with every refused line.
    """
    if len(data) > limit:
        raise RollRefused([LineRefusal(0, "", "file-too-large")])
    lines = _lines(data)
    refusals: list[LineRefusal] = []
    new: list[Voter] = []
    unchanged = 0
    within = _Seen()
    for number, line in lines:
        found = _read_line(number, line, urns)
        if isinstance(found, list):
            refusals += found
            continue
        if known.by_folio.get(found.folio) == found and within.first(found):
            unchanged += 1
            continue
        problems = within.conflicts(number, found) or _conflicts(number, found, known)
        refusals += problems
        if not problems:
            new.append(found)
    if refusals:
        raise RollRefused(refusals)
    return Import(tuple(new), unchanged)


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines after the header, numbered from 2. Raises RollRefused for what no line can answer for."""
    header, _, _ = data.partition(b"\n")
    if header.removesuffix(b"\r") != ",".join(COLUMNS).encode():
        raise RollRefused([LineRefusal(1, "", "header")])
    if data.count(b"\n") > MAX_LINES:
        raise RollRefused([LineRefusal(0, "", "too-many-lines")])

    def following() -> Iterator[tuple[int, bytes]]:
        start, number = len(header) + 1, 2
        while start < len(data):
            end = data.find(b"\n", start)
            end = len(data) if end < 0 else end
            yield number, data[start:end].removesuffix(b"\r")
            start, number = end + 1, number + 1

    return following()


def _read_line(number: int, line: bytes, urns: Collection[str] | None) -> Voter | list[LineRefusal]:
    """One line as a voter, or everything that is wrong with it."""
    fields = _split(line)
    if isinstance(fields, str):
        return [LineRefusal(number, "", fields)]
    refusals = [
        LineRefusal(number, column, code)
        for column, value in zip(COLUMNS, fields, strict=True)
        if (code := CHECKS[column](value))
    ]
    row = dict(zip(COLUMNS, fields, strict=True))
    well_formed = not any(refusal.column == "entity" for refusal in refusals)
    if well_formed and urns is not None and urn_of(row["entity"], urns) is None:
        refusals.append(LineRefusal(number, "entity", "entity-unknown"))
    if refusals:
        return refusals
    return Voter(**{**row, "modality": cast(Modality, row["modality"])})  # type: ignore[arg-type]


def _split(line: bytes) -> list[str] | str:
    """The fields of a line, or the code of what is wrong with its form."""
    if len(line) > MAX_LINE_BYTES:
        return "line-too-long"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "not-utf8"
    if not unicodedata.is_normalized("NFC", text):
        return "not-nfc"
    if any(unicodedata.category(character) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"} for character in text):
        return "control-character"
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return "not-csv"
    if len(rows) != 1 or len(rows[0]) != len(COLUMNS):
        return "columns"
    return rows[0]


class _Seen:
    """What the lines before had."""

    def __init__(self) -> None:
        self._values: dict[str, set[str]] = {name: set() for name in ("folio", "clave_de_elector", "email", "phone")}

    def first(self, voter: Voter) -> bool:
        """Note a voter that is registered; false where the file has the same line already."""
        new = voter.folio not in self._values["folio"]
        self.conflicts(0, voter)
        return new

    def conflicts(self, number: int, voter: Voter) -> list[LineRefusal]:
        """The columns in which a voter repeats an earlier line; notes the voter."""
        found = []
        for column, value in _unique(voter).items():
            if value in self._values[column]:
                found.append(LineRefusal(number, column, "repeated"))
            self._values[column].add(value)
        return found


def _unique(voter: Voter) -> Mapping[str, str]:
    return {
        "folio": voter.folio,
        "clave_de_elector": voter.clave_de_elector,
        "email": voter.email_key,
        "phone": voter.phone,
    }


def _conflicts(number: int, voter: Voter, known: Known) -> list[LineRefusal]:
    """The columns in which a voter meets one who is registered."""
    values = _unique(voter)
    places: tuple[tuple[str, Collection[str]], ...] = (
        ("folio", known.folios),
        ("clave_de_elector", known.claves),
        ("email", known.emails),
        ("phone", known.phones),
    )
    return [LineRefusal(number, column, "registered") for column, taken in places if values[column] in taken]

"""Many entries at once: ballots, which are nearly all entries of an election, are read by compiled code.

That code knows one spelling alone and leaves whatever else to `vemre.records.record.parse`, whose verdict on any entry
is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, cast

import msgspec

from vemre.group import Group
from vemre.group.kernel import ReadBallot
from vemre.records.cast import Cast
from vemre.records.fields import Body
from vemre.records.kinds import KINDS
from vemre.records.record import Record, parse
from vemre.records.vote_bodies import Ballot

CHUNK: Final = 4096
_BALLOT: Final = KINDS["ballot"]


class _Entry(msgspec.Struct):
    body: Ballot


_bodies: Final = msgspec.json.Decoder(_Entry)


class _BallotRecord(Record):
    """A ballot that compiled code has read, whose body is made when something asks for it."""

    @cached_property
    def body(self) -> Body:
        return _bodies.decode(self.entry).body


def parse_all(entries: Sequence[bytes], group: Group | None = None) -> Iterator[Record]:
    """`parse` of each entry, in order, with what the group's back end brings for it. Raises the CheckFailed of the
    first entry that is no record when it comes to it."""
    for start in range(0, len(entries), CHUNK):
        chunk = entries[start : start + CHUNK]
        if group is None or group.kernel is None:
            yield from map(parse, chunk)
            continue
        for entry, found in zip(chunk, group.kernel.read_ballots(chunk), strict=True):
            yield parse(entry) if found is None else _record(entry, found)


def _record(entry: bytes, found: ReadBallot) -> Record:
    leaf, log, signer, signature, columns = found
    record = cast(Record, object.__new__(_BallotRecord))
    # Past the frozen class: seven assignments through it would take longer than all else.
    fields = {
        "kind": _BALLOT,
        "log": log,
        "signer": signer,
        "signature": signature,
        "entry": entry,
        "leaf_hash": leaf,
        "cast": tuple.__new__(Cast, columns),
    }
    object.__setattr__(record, "__dict__", fields)
    return record

"""Shows that a credential of the roll cast no ballot: by looking at every entry of the authenticated ballot log.

Holds no secret: who asks gives the public credential. Source: docs/spec/receipts.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.verify.folder import RecordSource
from audit.verify.verifier import open_log, parse_entries, read_entries
from vemre.crypto import tracker
from vemre.election.rules import roll
from vemre.election.rules.view import Anchors, View
from vemre.errors import CheckFailed, Refused
from vemre.group import Group
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of
from vemre.log.reader import LogReader
from vemre.records import vote_bodies as v
from vemre.records.record import Record, parse
from vemre.types import WRITERS, Random


@dataclass(frozen=True)
class Abstention:
    """What the ballot log, at one checkpoint, has of a credential.

    `ballots` are its ballots as (index, leaf hash), `block` the (index, reason) of the first record that uses it up
    without one. `urn` is None for a credential that is not on the roll. `closed` tells whether voting is over; before
    that all of this holds so far.
    """

    credential: bytes
    urn: str | None
    opened: OpenedCheckpoint
    auditors: tuple[str, ...]
    ballots: tuple[tuple[int, bytes], ...]
    block: tuple[int, str] | None
    closed: bool

    @property
    def shown(self) -> bool:
        """Whether it is shown that the credential, which could have, did not vote."""
        return self.urn is not None and not self.ballots

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints, but for what was verified."""
        block = None if self.block is None else {"index": self.block[0], "reason": self.block[1]}
        return {
            "credential": self.credential.hex(),
            "urn": self.urn,
            "ballots": [
                {"index": index, "tracker": tracker.shown(leaf), "leaf_hash": leaf.hex()}
                for index, leaf in self.ballots
            ],
            "block": block,
            "closed": self.closed,
            "log": self.opened.origin,
            "size": self.opened.size,
            "root": self.opened.root.hex(),
            "auditors": list(self.auditors),
        }


def look(source: RecordSource, anchors: Anchors, credential: bytes, group: Group, random: Random) -> Abstention:
    """Look at every entry of the ballot log for a public credential (32 bytes), and at the roll.

    Both logs are authenticated: checkpoints with a quorum, every tile and bundle, every entry a record; the roll's
    blobs too. No other rule is checked. Raises CheckFailed, Refused("abstention-no-log"), OSError.
    """
    opened = open_log(source, anchors, "ballot")
    if opened is None:
        raise Refused("abstention-no-log")
    party = WRITERS["ballot"]
    reader = LogReader(lambda path: source.read("ballot", path), opened.checkpoint, name="ballot", party=party)
    ballots: list[tuple[int, bytes]] = []
    block: tuple[int, str] | None = None
    closed = False
    # Entry by entry: a national ballot log does not fit into memory.
    for index, entry in enumerate(reader.entries()):
        try:
            record = parse(entry)
        except CheckFailed as failure:
            raise failure.located(where=f"ballot/{index}", party=party) from None
        closed = closed or isinstance(record.body, v.Close)
        if _is_ballot_of(record, credential):
            ballots.append((index, record.leaf_hash))
        elif isinstance(record.body, v.Block) and record.body.credential == credential.hex() and block is None:
            block = index, record.body.reason
    registry = parse_entries("registry", read_entries(source, "registry", open_log(source, anchors, "registry")))
    view = View(anchors, source.blob, group, random)
    view.logs["registry"] = registry
    urn = roll.current_roll(view).urn_of.get(credential)
    auditors = tuple(sorted(auditors_of(opened, anchors.witnesses)))
    return Abstention(credential, urn, opened, auditors, tuple(ballots), block, closed)


def _is_ballot_of(record: Record, credential: bytes) -> bool:
    return record.type == "ballot" and record.signer == credential.hex()

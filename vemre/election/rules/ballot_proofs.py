"""Signatures and proofs of all ballots of a log: the costly rules, by chunks. Source: protocol, section 7."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vemre.crypto import ed25519
from vemre.election.rules.ballots import (
    BallotState,
    Rule,
    check_claims,
    check_proofs,
    check_signature,
    proofs_hold,
    state_of,
)
from vemre.election.rules.decoded import MOST_POINTS
from vemre.election.rules.log_view import LogView
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.group import Backend, Elements, Group, load
from vemre.group.kernel import PublicKeys
from vemre.records.bulk import parse_all
from vemre.records.record import Record
from vemre.types import Random

CHUNK: Final = 1 << 14
"""Ballots whose signatures or proofs are checked together; bounds memory."""
PIECE: Final = {"native": 1 << 12, "reference": 1 << 6}
"""As many, where they go to an executor: a second's work or so for one core."""


@dataclass(frozen=True)
class BallotPiece:
    """Entries of a ballot log, all of them ballots, for an executor."""

    backend: Backend
    random: Random
    context: bytes
    joint_key: bytes
    entries: tuple[bytes, ...]

    def records(self, group: Group) -> list[Record]:
        """The ballots."""
        return list(parse_all(self.entries, group))


def signatures_of_piece(piece: BallotPiece) -> bool:
    """Whether all signatures verify."""
    group = load(piece.backend)
    return _first_unsigned(group, piece.records(group)) is None


def proofs_of_piece(piece: BallotPiece) -> bool:
    """Whether all proofs hold."""
    group = load(piece.backend)
    state = BallotState(piece.context, group.decode(piece.joint_key), {}, {})
    try:
        check_proofs(group, piece.random, state, [("", record) for record in piece.records(group)])
    except CheckFailed:
        return False
    return True


def check_all_signatures(view: View) -> bool:
    """[BALLOT-SIGNATURE] of the whole log."""
    log = view.ballot
    state = state_of(view) if log.has("ballot") else None
    if state is None:
        return False
    indices = _unproved(view, "signed", state)
    if view.workers.here:
        for chunk in _chunks(indices, CHUNK):
            _check_signatures(view, state, chunk)
        view.decoded.drop_keys()
        return True
    for chunk, good in view.workers.each(signatures_of_piece, _pieces(view, state, indices)):
        if good is True:
            view.settled.note_passed(("signed", state.context), log, chunk[-1] + 1)
        else:
            _check_signatures(view, state, chunk)
    return True


def _check_signatures(view: View, state: BallotState, chunk: Sequence[int]) -> None:
    log = view.ballot
    while chunk:
        bad = _first_unsigned(view.group, [log.records[index] for index in chunk], view.decoded.keys(view.group))
        if bad != 0:
            view.settled.note_passed(("signed", state.context), log, chunk[-1 if bad is None else bad - 1] + 1)
        if bad is None:
            return
        _judge(log, check_signature, state, chunk[bad])
        chunk = chunk[bad + 1 :]


def _first_unsigned(group: Group, records: Sequence[Record], known: PublicKeys | None = None) -> int | None:
    # Where compiled code does it, nobody needs to cut a signature out of each entry.
    whole = group.kernel is not None
    return ed25519.first_invalid(
        group,
        [record.cast.credential for record in records],
        [record.entry if whole else record.signed_bytes for record in records],
        [record.signature for record in records],
        known,
        records=whole,
    )


def _judge(log: LogView, rule: Rule, state: BallotState, index: int) -> None:
    try:
        rule(state, log.records[index])
    except CheckFailed as failure:
        raise failure.located(where=log.where(index), party="ballot-box") from None


def check_all_proofs(view: View) -> bool:
    """[BALLOT-POK] of the whole log, by chunks; the first ballot that fails is named."""
    log = view.ballot
    state = state_of(view) if log.has("ballot") else None
    if state is None:
        return False
    indices = _unproved(view, "proved", state)
    if not view.workers.here:
        for piece, good in view.workers.each(proofs_of_piece, _pieces(view, state, indices)):
            if good is not True:
                # Of several bad ballots, the one that is named depends on which are judged together.
                start = indices.index(piece[0]) // CHUNK * CHUNK
                _check_proofs(view, state, indices[start : start + CHUNK])
            view.settled.note_passed(("proved", state.context), log, piece[-1] + 1)
        return True
    points: dict[str, list[Elements]] = {}
    for chunk in _chunks(indices, CHUNK):
        records = [log.records[index] for index in chunk]
        held = proofs_hold(view.group, view.random, state, records) if view.group.kernel is not None else None
        if held is None:
            _check_proofs(view, state, chunk)
        for sheet, decoded in held or ():
            points.setdefault(sheet.urn, []).append(decoded)
        view.settled.note_passed(("proved", state.context), log, chunk[-1] + 1)
    whole = bool(indices) and log.ordinal(indices[-1]) == len(indices)
    few = sum(len(part) for parts in points.values() for part in parts) <= MOST_POINTS
    view.decoded.keep_ballots(points if whole and few else {})
    return True


def _check_proofs(view: View, state: BallotState, chunk: Sequence[int]) -> None:
    """Names the first ballot of a chunk whose proofs fail. Raises nothing where none does."""
    log = view.ballot
    ballots = [(log.where(index), log.records[index]) for index in chunk]
    check_claims(view.group, view.random, state, ballots, "ballot-box")


def _unproved(view: View, fact: str, state: BallotState) -> list[int]:
    """The ballots of which a costly fact is to be established. It depends on the ballot and the context alone."""
    start = max(view.settled.passed((fact, state.context), view.ballot), view.trusted(view.ballot))
    return list(view.ballot.since(start, "ballot"))


def _chunks(indices: list[int], size: int) -> Iterator[list[int]]:
    return (indices[start : start + size] for start in range(0, len(indices), size))


def _pieces(view: View, state: BallotState, indices: list[int]) -> Iterator[tuple[list[int], BallotPiece]]:
    backend, key = view.group.name, state.joint_key.encode()
    for chunk in _chunks(indices, PIECE[backend]):
        entries = tuple(view.ballot.records[index].entry for index in chunk)
        yield chunk, BallotPiece(backend, view.random, state.context, key, entries)

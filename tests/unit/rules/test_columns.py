"""Ballots read, checked and judged many at once get the verdict that they get one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from simulator import GROUP, Simulator

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.crypto.signing import SigningKey
from vemre.crypto.transcript import framed, joined_items
from vemre.election.choice import Marks
from vemre.election.rules import ballots, casts
from vemre.election.rules.ballots import BallotState
from vemre.errors import CheckFailed
from vemre.group import Group, backends, load
from vemre.log.tiles import decode_bundle
from vemre.records.bulk import parse_all
from vemre.records.cast import cast_of
from vemre.records.record import Record, assemble, parse

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden" / "record"
NATIVE = pytest.mark.skipif("native" not in backends(), reason="NOT RUN: native arithmetic (not built, or not chosen)")
Bulk = Callable[[BallotState, casts.New], bool]


@pytest.fixture(scope="module")
def native() -> Group:
    return load("native")


@pytest.fixture(scope="module")
def election() -> Simulator:
    return Simulator().reach("cast")


def entries() -> Iterator[bytes]:
    for log in ("registry", "ballot", "tally"):
        for file in sorted((GOLDEN / log / "tile" / "entries").rglob("*")):
            if file.is_file():
                width = int(file.name) if file.parent.name.endswith(".p") else 256
                yield from decode_bundle(file.read_bytes(), width)


def outcome(read: Callable[[], Record]) -> Any:
    """Everything that a reader gives of an entry, or its refusal."""
    try:
        record = read()
    except CheckFailed as failure:
        return failure.check, failure.detail
    return (
        record.kind,
        record.log,
        record.signer,
        record.body,
        record.signature,
        record.entry,
        record.leaf_hash,
        record.signed_bytes,
        record.cast if record.type == "ballot" else None,
    )


def spellings(entry: bytes) -> Iterator[bytes]:
    """The entry, cut anywhere, with one byte another, with parts doubled or left out."""
    yield entry
    for place in range(0, len(entry), 7):
        yield entry[:place]
        yield entry[:place] + bytes([entry[place] ^ 1]) + entry[place + 1 :]
        yield entry[:place] + b" " + entry[place:]
    for old, new in (
        (b'"a":', b'"A":'), (b'"urn":"', b'"urn":"\\u0061'), (b'"urn":"', '"urn":"ñ'.encode()),
        (b'"urn":"', b'"urn":"\\"'),
        (b'"version":1', b'"version":2'), (b'"version":1', b'"version":1.0'), (b'"version":1', b'"version":true'),
        (b'"type":"ballot"', b'"type":"block"'), (b'"signer":"', b'"signer":"0'), (b'"pok":[', b'"pok":[],"pok":['),
        (b'"ciphertexts":[{', b'"ciphertexts":[],"x":[{'), (b"0", b"A"), (b'"log":"', b'"log":"\x7f'), (b"}", b"}\n"),
    ):  # fmt: skip
        yield entry.replace(old, new)
        yield entry.replace(old, new, 1)
    yield entry * 60


@NATIVE
def test_each_entry_of_an_election_is_read_alike(native: Group) -> None:
    known = list(entries())
    assert sum(b'"type":"ballot"' in entry for entry in known) >= 5
    for entry, record in zip(known, parse_all(known, native), strict=True):
        assert outcome(lambda record=record: record) == outcome(lambda entry=entry: parse(entry))


@NATIVE
def test_each_spelling_of_a_ballot_gets_one_verdict(native: Group, election: Simulator) -> None:
    for index in (1, 4):
        entry = election.view.ballot.records[index].entry
        taken = 0
        for spelling in spellings(entry):
            found = outcome(lambda spelling=spelling: next(parse_all([spelling], native)))
            assert found == outcome(lambda spelling=spelling: parse(spelling)), spelling
            taken += len(found) > 2
        assert taken > 1, "some changed digits still make a ballot"


@NATIVE
def test_the_first_entry_that_is_no_record_stops(native: Group, election: Simulator) -> None:
    good = [record.entry for record in election.view.ballot.records]
    for group in (native, None):
        reader = parse_all([*good, b"{}", b"]"], group)
        assert [next(reader).entry for _ in good] == good
        with pytest.raises(CheckFailed):
            next(reader)


@NATIVE
def test_a_signature_covers_the_same_of_an_entry(native: Group, election: Simulator) -> None:
    key = SigningKey.from_seed(bytes(32))
    texts = [*entries(), *(record.entry for record in election.view.ballot.records)]
    signatures = [key.sign(parse(entry).signed_bytes) for entry in texts]
    publics = [key.public] * len(texts)
    assert ed25519.first_invalid(native, publics, texts, signatures, records=True) is None
    wrong = [*signatures[:7], key.sign(texts[7]), *signatures[8:]]
    assert ed25519.first_invalid(native, publics, texts, wrong, records=True) == 7
    assert ed25519.first_invalid(native, [*publics[:5], b"", *publics[6:]], texts, wrong, records=True) == 5
    for entry in (b"", b'{"signature":"', b'{"signature":"' + b"0" * 128 + b'"', b"x" * 300):
        assert ed25519.first_invalid(native, publics[:1], [entry], signatures[:1], records=True) == 0
    with pytest.raises(ValueError, match="entries"):
        ed25519.first_invalid(load("reference"), publics, texts, signatures, records=True)


def test_items_of_a_list_are_framed_alike() -> None:
    for count in (0, 1, 5, 5000):
        data = os.urandom(32 * count)
        assert framed(b"head", data) == joined_items(b"head", data)


# --- the rules over many ------------------------------------------------------------------------------------------


def other(record: Record, **changes: Any) -> Record:
    """The record with another body or signer, its signature left as it was."""
    signer = changes.pop("signer", record.signer)
    return parse(assemble(record.log, signer, msgspec.structs.replace(record.body, **changes), record.signature))


def with_points(record: Record, source: Record) -> Record:
    """With the first ciphertext of another ballot."""
    contests = list(record.body.contests)
    stolen = source.body.contests[0].ciphertexts[0]
    first = [stolen, *contests[0].ciphertexts[1:]]
    contests[0] = msgspec.structs.replace(contests[0], ciphertexts=first)
    return other(record, contests=contests)


def twisted(record: Record) -> Iterator[Record]:
    """Ballots that each break one rule or another, or none."""
    contests = list(record.body.contests)
    yield record
    yield other(record, context="00" * 32)
    yield other(record, urn="urna-00")
    yield other(record, signer="registry")
    yield other(record, signer="00" * 32)
    yield other(record, contests=contests[:-1])
    yield other(record, contests=contests[::-1])
    yield other(record, contests=[msgspec.structs.replace(contests[0], pok=[]), *contests[1:]])
    pair = contests[0].ciphertexts
    yield other(record, contests=[msgspec.structs.replace(contests[0], ciphertexts=[pair[0]] * 2), *contests[1:]])


RULES: list[tuple[ballots.Rule, Bulk]] = [
    (ballots.check_context, casts.all_of_context),
    (ballots.check_eligible, casts.all_eligible),
    (ballots.check_once, casts.all_once),
    (ballots.check_contests, casts.all_contests),
    (ballots.check_fresh, casts.all_fresh),
]


@pytest.mark.parametrize(("rule", "together"), RULES, ids=lambda rule: rule.__name__)
def test_a_rule_over_many_is_the_rule_over_each(election: Simulator, rule: ballots.Rule, together: Bulk) -> None:
    log = election.view.ballot
    good = [(index, log.records[index]) for index in log.indices("ballot")]
    sets = [good, good[:1], [*good, good[0]], [*good[:1], (9, with_points(good[1][1], good[0][1]))]]
    sets += [[*good[1:], (9, changed)] for changed in twisted(good[0][1])]
    refused = 0
    for records in sets:
        state, again = (fresh_state(election) for _ in range(2))
        holds = True
        for index, record in records:
            try:
                rule(state, record)
            except CheckFailed:
                holds = False
                break
            state.use(index, record) if rule is ballots.check_once else None
            state.see(index, record) if rule is ballots.check_fresh else None
        assert together(again, records) is holds
        refused += not holds
        assert (again.used, again.seen) == ((state.used, state.seen) if holds else ({}, set()))
    assert refused


def fresh_state(election: Simulator) -> BallotState:
    state = ballots.state_of(election.view)
    assert state is not None
    return replace(state, used={}, seen=set())


def test_columns_of_a_ballot_are_its_body(election: Simulator) -> None:
    for index in election.view.ballot.indices("ballot"):
        record = election.view.ballot.records[index]
        assert record.cast == cast_of(record.signer, record.body)


# --- the proofs of many --------------------------------------------------------------------------------------------


def broken_proofs(record: Record, source: Record) -> Iterator[tuple[Check, Record]]:
    """One ballot with one thing wrong in its proofs."""
    contests = list(record.body.contests)

    def put(contest: Any) -> Record:
        return other(record, contests=[contest, *contests[1:]])

    proof, cipher = contests[0].pok[0], contests[0].ciphertexts[0]
    identity, no_point, large = "00" * 32, "ff" * 32, "ff" * 32
    for changed, check in (
        ({"commitment": source.body.contests[0].pok[0].commitment}, Check.BALLOT_POK),
        ({"response": source.body.contests[0].pok[0].response}, Check.BALLOT_POK),
        ({"commitment": identity}, Check.IDENTITY),
        ({"commitment": no_point}, Check.ELEMENT),
        ({"response": large}, Check.SCALAR),
    ):
        poks = [msgspec.structs.replace(proof, **changed), *contests[0].pok[1:]]
        yield check, put(msgspec.structs.replace(contests[0], pok=poks))
    for changed, check in (
        ({"a": identity}, Check.IDENTITY),
        ({"b": identity}, Check.IDENTITY),
        ({"b": no_point}, Check.ELEMENT),
        ({"a": cipher.b, "b": cipher.a}, Check.BALLOT_POK),
        ({"b": source.body.contests[0].ciphertexts[0].b}, Check.BALLOT_POK),
    ):
        pairs = [msgspec.structs.replace(cipher, **changed), *contests[0].ciphertexts[1:]]
        yield check, put(msgspec.structs.replace(contests[0], ciphertexts=pairs))
    yield Check.BALLOT_POK, other(record, signer=source.signer)


@pytest.mark.parametrize("backend", backends())
def test_whatever_is_wrong_with_one_proof_names_that_ballot(election: Simulator, backend: Any) -> None:
    group = load(backend)
    log = election.view.ballot
    records = [log.records[index] for index in log.indices("ballot")]
    state = fresh_state(election)
    state.joint_key = group.decode(state.joint_key.encode())
    placed = [(f"ballot/{number}", record) for number, record in enumerate(records)]
    ballots.check_proofs(group, os.urandom, state, placed)
    for check, bad in broken_proofs(records[2], records[1]):
        for number in (0, 2, len(records)):
            mixed = [*placed[:number], ("here", bad), *placed[number:]]
            with pytest.raises(CheckFailed) as caught:
                ballots.check_proofs(group, os.urandom, state, mixed)
            assert (caught.value.check, caught.value.where, caught.value.party) == (check, "here", "ballot-box")


@NATIVE
def test_whole_columns_refuse_what_each_ballot_refuses(election: Simulator, native: Group) -> None:
    """The quick way alone: a wrong proof must not pass it, for nothing would look again."""
    log = election.view.ballot
    records = [log.records[index] for index in log.indices("ballot")]
    state = fresh_state(election)
    state.joint_key = native.decode(state.joint_key.encode())
    assert ballots.proofs_hold(native, os.urandom, state, records) is not None
    for _, bad in broken_proofs(records[2], records[1]):
        assert ballots.proofs_hold(native, os.urandom, state, [*records[:2], bad, *records[3:]]) is None
    voter = election.voters[3]
    late = election.ballot(voter, (Marks((0,)), Marks((0,))))
    assert ballots.proofs_hold(native, os.urandom, state, [*records, late]) is not None


def test_the_simulator_uses_the_arithmetic_that_was_chosen() -> None:
    assert GROUP.name == backends()[0]

"""A view that grows is judged as the whole is, at a cost that grows with what is new.

Cost is counted, never timed: lines of the rules, records, signatures, proofs, hashes.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import forge
import msgspec
import pytest
import simulator
from simulator import GROUP, Simulator, refusal

from vemre.checks import Check
from vemre.crypto import canonical, ed25519
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.choice import Marks
from vemre.election.rules import ballot_proofs, cited, engine, keygen, roll
from vemre.election.rules.growth import Tables
from vemre.election.rules.incremental import Incremental
from vemre.election.rules.log_view import LogView
from vemre.election.rules.view import Memo, View
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.proofs import ballot_pok, decryption, possession, shuffle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import format_time
from vemre.records.record import Record, assemble, parse
from vemre.types import LOG_NAMES, WRITERS, LogName

Verdict = tuple[Check, str | None, str | None, str] | None
Logs = Mapping[LogName, list[Record]]


@pytest.fixture(scope="module")
def certified() -> Simulator:
    return Simulator(min_batch=3).reach("certified")


def view_of(election: Simulator, blobs: Mapping[str, bytes] | None = None, memo: Memo | None = None) -> View:
    """An empty view with the election's anchors."""
    found = election.blobs if blobs is None else blobs
    return View(election.view.anchors, found.__getitem__, GROUP, os.urandom, memo=memo)


def whole(view: View, memo: Memo | None = None) -> View:
    """What the view holds now, in a view that nobody has verified."""
    logs = {name: LogView(name, log.records) for name, log in view.logs.items()}
    return View(view.anchors, view._blobs, GROUP, os.urandom, logs=logs, memo=memo)


def records_of(election: Simulator) -> Logs:
    return {name: list(election.view.logs[name].records) for name in LOG_NAMES}


def verdict(verify: Callable[[], object]) -> Verdict:
    try:
        verify()
    except CheckFailed as failure:
        return failure.check, failure.where, failure.party, failure.detail
    return None


# --- the same verdicts ----------------------------------------------------------------------------------------


def one_log_after_another(order: tuple[LogName, ...]) -> Callable[[Logs], list[LogName]]:
    return lambda logs: [name for name in order for _ in logs[name]]


def shuffled(seed: int) -> Callable[[Logs], list[LogName]]:
    def steps(logs: Logs) -> list[LogName]:
        names = [name for name in LOG_NAMES for _ in logs[name]]
        random.Random(seed).shuffle(names)
        return names

    return steps


ORDERS = [one_log_after_another(order) for order in itertools.permutations(LOG_NAMES)]
WAYS = [*ORDERS, *(shuffled(seed) for seed in range(3))]


@pytest.mark.parametrize("way", WAYS, ids=[str(number) for number in range(len(WAYS))])
def test_every_prefix_gets_the_verdict_of_the_whole_verification(
    certified: Simulator, way: Callable[[Logs], list[LogName]]
) -> None:
    logs = records_of(certified)
    view, memo = view_of(certified), Memo()
    incremental = Incremental(view)
    passed = 0
    for name in way(logs):
        view.logs[name].append(logs[name][len(view.logs[name])])
        fresh = whole(view, memo)
        expected = verdict(lambda fresh=fresh: engine.verify(fresh))
        assert verdict(incremental.verify) == expected
        if expected is None:
            passed += 1
            assert incremental.verified == {log: len(view.logs[log]) for log in LOG_NAMES}
            assert list(engine.run(view)) == list(engine.run(fresh))
            assert list(engine.run(fresh)) == list(engine.run(whole(view, memo)))
    assert passed
    again = Incremental(whole(view, memo))
    again.verify()
    assert again.digest() == incremental.digest()


def in_step(view: View, logs: Logs) -> Iterator[tuple[LogName, Record]]:
    """The entries in an order in which each comes after what it cites, as a witness takes them; where there is none,
    the tally log's go first."""
    needs = engine.order.NEEDS
    while any(len(view.logs[name]) < len(logs[name]) for name in LOG_NAMES):
        for name in ("tally", "registry", "ballot", None):
            forced = name is None
            log: LogName = name or next(n for n in ("tally", "ballot", "registry") if len(view.logs[n]) < len(logs[n]))
            if len(view.logs[log]) == len(logs[log]):
                continue
            record = logs[log][len(view.logs[log])]
            missing = any(not view.logs[other].has(type_) for other, type_ in needs.get(record.type, ()))
            if not forced and (missing or _ahead(view, record)):
                continue
            yield log, record
            break


def _ahead(view: View, record: Record) -> bool:
    return any(
        cited.opened(view, record, field, name).size > len(view.logs[name])
        for field, name in cited.FIELDS.get(record.type, ())
    )


def _load_cases() -> list[tuple[Check, str, Callable[[forge.Forgery], None]]]:
    path = Path(__file__).with_name("test_every_check.py")
    spec = importlib.util.spec_from_file_location("every_check_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[tuple[Check, str, Callable[[forge.Forgery], None]]] = module.CASES
    return found


CASES = _load_cases()

EARLIER = {
    # A result before the decryptions it builds on: whole, the decryptions come too late.
    "result_before_its_batches": (Check.DECRYPT_QUORUM, "tally"),
    # A close before a ballot that it counts: whole, the ballot comes too late.
    "ballot_after_the_close": (Check.CLOSE_COUNT, "ballot-box"),
    # A drill before the last acknowledgement: whole, with the setup, the acknowledgement that never came.
    "one_does_not_acknowledge": (Check.DRILL, "tally"),
}
"""Cases of which a prefix breaks another rule than the whole does (docs/spec/gates-and-order.md)."""


def forged(record: Path, election: Simulator, change: Callable[[forge.Forgery], None]) -> tuple[View, Logs | Verdict]:
    """An empty view on a forged record and its entries, or the verdict where one is no record."""
    forgery = forge.Forgery.open(record, election.forge_keys())
    change(forgery)
    forgery._resign(set(), True)
    logs: dict[LogName, list[Record]] = {}
    view = view_of(election, forgery.blobs)
    for name in LOG_NAMES:
        try:
            logs[name] = [parse(canonical.encode(entry)) for entry in forgery.logs[name]]
        except CheckFailed as failure:
            return view, (failure.check, None, WRITERS[name], failure.detail)
    return view, logs


@pytest.fixture(scope="module")
def record(certified: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certified.write(tmp_path_factory.mktemp("election") / "record")


@pytest.mark.parametrize(("check", "party", "change"), CASES, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(CASES)])
def test_every_case_is_refused_entry_by_entry(
    certified: Simulator, record: Path, check: Check, party: str, change: Callable[[forge.Forgery], None]
) -> None:
    view, logs = forged(record, certified, change)
    if not isinstance(logs, Mapping):
        assert logs is not None
        assert logs[0] is check is Check.CANONICAL
        return
    incremental = Incremental(view)
    found = None
    for name, entry in in_step(view, logs):
        view.logs[name].append(entry)
        found = verdict(incremental.verify)
        if found is not None and not incremental._behind():
            break
    assert verdict(lambda: engine.verify(whole(view))) == found
    if change.__name__ == "blob_missing":
        # No rule reads an audit plan: the blobs of an entry are fetched before it is taken over.
        assert found is None
        return
    assert found is not None
    assert (found[0], found[2]) == EARLIER.get(change.__name__, (check, party))


def test_a_drill_of_an_earlier_attempt_is_refused_once_another_begins() -> None:
    election = Simulator().reach("keys")
    incremental = Incremental(election.view)
    incremental.verify()
    election.append("tally", "trustee/1", drafts.Draft(s.DkgCommit(2, "00" * 32)), check=False)
    found = verdict(incremental.verify)
    assert found is not None
    assert found[:3] == (Check.DRILL, "tally/13", "tally")
    assert found == verdict(lambda: engine.verify(whole(election.view)))


def test_an_entry_that_comes_too_late_or_twice_is_out_of_order(certified: Simulator) -> None:
    view = whole(certified.view)
    incremental = Incremental(view)
    incremental.verify()
    late = [
        (name, log.records[log.indices(type_)[0]])
        for name, log in certified.view.logs.items()
        for type_ in sorted({record.type for record in log.records} - engine.order.ANYWHERE[name])
    ]
    assert len(late) > 15
    for name, record in late:
        view.logs[name].append(record)
        found = verdict(incremental.verify)
        assert found is not None
        assert found[0] is Check.ORDER
        assert found == verdict(lambda: engine.verify(whole(view, certified.view.memo)))
        view.logs[name].pop()


def test_an_acknowledgement_covers_what_stood_before_it() -> None:
    election = Simulator()
    election.generate_key(abandon=True)

    def acknowledge(role: str) -> None:
        records = [record for _, record in keygen.attempts(election.view)[-1].records]
        leaves = [record.leaf_hash for record in records if not isinstance(record.body, s.DkgAck)]
        election.append("tally", role, drafts.Draft(s.DkgAck(1, keygen.transcript_digest(leaves).hex())))

    acknowledge("trustee/3")
    share = election.share("trustee/1", 2).to_bytes(32, "little").hex()
    election.append("tally", "trustee/1", drafts.Draft(s.DkgAnswer(1, "trustee/2", share)))
    acknowledge("trustee/1")
    engine.verify(whole(election.view))


# --- failures ---------------------------------------------------------------------------------------------------


@pytest.fixture
def opened() -> Simulator:
    return Simulator().reach("open")


def ballot_of(election: Simulator, number: int) -> Record:
    voter = election.voters[number]
    return election.ballot(voter, voter.choices or ())


def unsigned(record: Record) -> Record:
    """The record with a signature that nobody made."""
    return parse(assemble(record.log, record.signer, record.body, b"\x11" * 64))


def test_a_failure_stands_whatever_comes_after_it(opened: Simulator) -> None:
    incremental = Incremental(opened.view)
    incremental.verify()
    before = incremental.verified
    opened.view.ballot.append(unsigned(ballot_of(opened, 0)))
    failure = refusal(incremental.verify)
    assert failure.check is Check.BALLOT_SIGNATURE
    # The whole verification would name this one now: signatures of records come before those of ballots.
    incident = drafts.incident("test", "text", simulator.OPENS)
    opened.view.tally.append(unsigned(opened.sign("tally", "tally", incident.body)))
    assert refusal(incremental.verify) is failure
    assert incremental.verified == before


def test_what_failed_may_be_taken_away_and_nothing_of_it_is_remembered(opened: Simulator) -> None:
    incremental = Incremental(opened.view)
    good, other = ballot_of(opened, 0), ballot_of(opened, 1)
    opened.view.ballot.append(unsigned(good))
    opened.view.ballot.append(other)
    assert refusal(incremental.verify).check is Check.BALLOT_SIGNATURE
    opened.view.ballot.pop()
    opened.view.ballot.pop()
    for record in (other, good):
        opened.view.ballot.append(record)
        incremental.verify()
    fresh = Incremental(whole(opened.view))
    fresh.verify()
    assert fresh.digest() == incremental.digest()
    opened.view.ballot.append(good)
    assert refusal(incremental.verify).check is Check.BALLOT_ONCE


def test_a_missing_blob_may_still_come(certified: Simulator) -> None:
    blobs = dict(certified.blobs)
    view = view_of(certified, blobs)
    for name, records in records_of(certified).items():
        for record in records:
            view.logs[name].append(record)
    output = next(record.body.output for _, record, _ in view.tally.of(v.Shuffle))  # type: ignore[attr-defined]
    data = blobs.pop(output.sha256)
    incremental = Incremental(view)
    for _ in range(2):
        assert refusal(incremental.verify).check is Check.BLOB_DIGEST
    blobs[output.sha256] = data
    incremental.verify()


def test_settled_entries_that_are_replaced_are_verified(opened: Simulator) -> None:
    opened.cast_all()
    incremental = Incremental(opened.view)
    incremental.verify()
    log = opened.view.ballot
    last = log.records[-1]
    for _ in range(2):
        log.pop()
    assert incremental.verified == dict.fromkeys(LOG_NAMES, 0)
    log.append(unsigned(ballot_of(opened, 5)))
    log.append(last)
    assert refusal(incremental.verify).check is Check.BALLOT_ONCE
    log.pop()
    assert refusal(incremental.verify).check is Check.BALLOT_SIGNATURE


# --- after a restart --------------------------------------------------------------------------------------------


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The number of signatures, proofs (ballots each) and hashes of the tree that are made inside."""
    counts: Counter[str] = Counter()

    def watch(module: Any, name: str, what: str, weigh: Callable[..., int] = lambda *_: 1) -> None:
        original = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[what] += weigh(*args)
            return original(*args, **kwargs)

        patch.setattr(module, name, counted)

    with monkeypatch.context() as patch:
        watch(ed25519, "verify", "signatures")
        watch(ed25519, "check_public", "keys")
        watch(ballot_pok, "verify", "ballots", lambda _group, _random, claims: len(claims))
        watch(ballot_pok, "verify", "equations")
        for module in (possession, decryption, shuffle):
            watch(module, "add_to", "proofs")
        watch(merkle, "node_hash", "nodes")
        watch(merkle, "all_node_hashes", "nodes", lambda hashes: len(hashes) // 64)
        # What compiled code does at once; without it these call the ones above.
        watch(ed25519, "first_invalid", "signatures", lambda group, keys, *_: len(keys) if group.kernel else 0)
        watch(ed25519, "first_refused", "keys", lambda group, keys, *_: len(keys) if group.kernel else 0)
        watch(ballot_pok, "verify_sheets", "ballots", lambda *given: sum(len(s.credentials) // 32 for s in given[-1]))
        watch(ballot_pok, "verify_sheets", "equations")
        yield counts


def restarted(election: Simulator) -> tuple[Incremental, View]:
    """The election in a new process that verified all of it before."""
    view = whole(election.view)
    return Incremental(view, verified={name: len(log) for name, log in view.logs.items()}), view


@pytest.mark.parametrize("stage", ["roll", "setup", "cast", "close", "mixed", "decrypted", "certified"])
def test_what_was_verified_before_is_not_paid_for_again(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    election = Simulator(min_batch=3).reach(stage)
    incremental, view = restarted(election)
    sizes = {name: len(log) for name, log in view.logs.items()}
    assert incremental.verified == sizes
    with counting(monkeypatch) as counts:
        incremental.verify()
    # The manifest's five vkeys are parsed. Two checkpoints are read, which pin roll and system opinions: three lines
    # each.
    assert counts - Counter(keys=5, signatures=6, nodes=counts["nodes"]) == Counter()
    assert incremental.verified == sizes
    straight = Incremental(whole(election.view))
    straight.verify()
    assert incremental.digest() == straight.digest()


def test_what_comes_after_a_restart_is_verified_against_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    election = Simulator().reach("cast")
    copied = election.view.ballot.records[1]
    incremental, view = restarted(election)
    late = simulator.Voter("urna-09", election.voters[3].key, (Marks((0,)), Marks((0,))))
    good = election.ballot(late, late.choices or ())
    body = copied.body
    stolen = election.sign("ballot", late.key.public.hex(), body, late.key)
    for record, check in (
        (copied, Check.BALLOT_ONCE),
        (stolen, Check.BALLOT_FRESH),
        (unsigned(good), Check.BALLOT_SIGNATURE),
    ):
        view.ballot.append(record)
        assert refusal(incremental.verify).check is check
        view.ballot.pop()
    view.ballot.append(good)
    with counting(monkeypatch) as counts:
        incremental.verify()
    assert (counts["signatures"] >= 1, counts["ballots"]) == (True, 1)


def test_a_restart_in_the_middle_goes_on_to_the_end(certified: Simulator) -> None:
    logs = records_of(certified)
    straight = Incremental(whole(certified.view))
    straight.verify()
    steps: list[tuple[LogName, Record]] = []
    fed = view_of(certified)
    for name, record in in_step(fed, logs):
        steps.append((name, record))
        fed.logs[name].append(record)
    for stop in range(0, len(steps), 7):
        view = view_of(certified, memo=certified.view.memo)
        for name, record in steps[:stop]:
            view.logs[name].append(record)
        incremental = Incremental(view, verified={name: len(log) for name, log in view.logs.items()})
        for name, record in steps[stop:]:
            view.logs[name].append(record)
        incremental.verify()
        assert incremental.digest() == straight.digest()


def test_more_than_the_view_holds_cannot_have_been_verified(certified: Simulator) -> None:
    with pytest.raises(ValueError, match="more entries"):
        Incremental(view_of(certified), verified={"tally": 1})


def test_entries_that_take_the_place_of_trusted_ones_are_not_trusted(opened: Simulator) -> None:
    opened.admit("ballot", ballot_of(opened, 0))
    incremental, view = restarted(opened)
    view.ballot.pop()
    view.ballot.append(unsigned(ballot_of(opened, 1)))
    assert refusal(incremental.verify).check is Check.BALLOT_SIGNATURE


# --- cost -------------------------------------------------------------------------------------------------------


class Touched(list[Record]):
    """Records that count how often one is looked at."""

    def __init__(self, records: list[Record], counts: Counter[str]) -> None:
        super().__init__(records)
        self.counts = counts

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.counts["records"] += len(found) if isinstance(key, slice) else 1
        return found

    def __iter__(self) -> Iterator[Record]:
        self.counts["records"] += len(self)
        return super().__iter__()


@contextmanager
def all_work(monkeypatch: pytest.MonkeyPatch, view: View) -> Iterator[Counter[str]]:
    """As `counting`, with the records that are touched and the lines of the rules that are run."""
    rules = str(Path(engine.__file__).parent)

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        if not frame.f_code.co_filename.startswith(rules):
            return None
        counts["lines"] += event == "line"
        return trace

    with counting(monkeypatch) as counts:
        for log in view.logs.values():
            log.records = Touched(log.records, counts)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            yield counts
        finally:
            sys.settrace(before)
            for log in view.logs.values():
                log.records = list.copy(log.records)


SMALL, LARGE = 4, 32


@pytest.fixture(scope="module")
def boxes() -> dict[int, Simulator]:
    """Two open boxes: with few and with many ballots, and as many incidents in each log and drills in one."""
    found = {}
    for size in (SMALL, LARGE):
        votes = [("urna-17", (Marks((0,)),)) for _ in range(size)] + [("urna-17", None), ("urna-17", None)]
        found[size] = election = Simulator(votes=votes).reach("cast")
        for number in range(size):
            election.append("tally", "tally", drafts.Draft(election.drill(2 + number, election.trustees[:2])))
            for log, signer in WRITERS.items():
                election.append(log, signer, drafts.incident("test", f"number {number}", simulator.OPENS))
    return found


def one_more(election: Simulator, number: int = -1) -> Record:
    voter = election.voters[number]
    return election.ballot(voter, (Marks((0,)),))


def ballot(election: Simulator) -> tuple[LogName, Record]:
    return "ballot", one_more(election)


def block(election: Simulator) -> tuple[LogName, Record]:
    context, key = (election.view.context or b"").hex(), election.voters[-1].key.public.hex()
    return "ballot", election.sign("ballot", "registry", v.Block(context, "urna-17", key, "post"))


def incident(election: Simulator) -> tuple[LogName, Record]:
    return "ballot", election.sign("ballot", "ballot-box", v.Incident(format_time(0), "test", "text"))


def drill(election: Simulator) -> tuple[LogName, Record]:
    number = len(election.view.tally.indices("drill")) + 1
    return "tally", election.sign("tally", "tally", election.drill(number, election.trustees))


@pytest.mark.parametrize("make", [ballot, block, incident, drill])
def test_an_entry_costs_the_same_in_a_small_and_in_a_large_log(
    monkeypatch: pytest.MonkeyPatch,
    boxes: dict[int, Simulator],
    make: Callable[[Simulator], tuple[LogName, Record]],
) -> None:
    costs = []
    for size in (SMALL, LARGE):
        view = whole(boxes[size].view)
        incremental = Incremental(view)
        incremental.verify()
        name, record = make(boxes[size])
        with all_work(monkeypatch, view) as counts:
            view.logs[name].append(record)
            incremental.verify()
        assert incremental.verified[name] == len(view.logs[name])
        del counts["nodes"]
        costs.append(counts)
    small, large = costs
    assert small == large
    assert large["ballots"] == (make is ballot)


def test_a_refused_ballot_costs_the_same_in_a_small_and_in_a_large_log(
    monkeypatch: pytest.MonkeyPatch, boxes: dict[int, Simulator]
) -> None:
    costs = []
    for size in (SMALL, LARGE):
        view = whole(boxes[size].view)
        engine.verify(view)
        bad, good = unsigned(one_more(boxes[size])), one_more(boxes[size], -2)
        with all_work(monkeypatch, view) as counts:
            assert refusal(lambda view=view, bad=bad: engine.admit(view, "ballot", bad)).check is Check.BALLOT_SIGNATURE
            engine.admit(view, "ballot", good)
        del counts["nodes"]
        costs.append(counts)
    assert costs[0] == costs[1]


def test_nothing_new_costs_nothing_that_grows(monkeypatch: pytest.MonkeyPatch, boxes: dict[int, Simulator]) -> None:
    costs = []
    for size in (SMALL, LARGE):
        incremental = Incremental(view := whole(boxes[size].view))
        incremental.verify()
        with all_work(monkeypatch, view) as counts:
            incremental.verify()
        assert set(counts) <= {"lines", "records"}
        costs.append(counts)
    assert costs[0] == costs[1]


def test_the_costly_parts_are_paid_once_whatever_the_steps(
    monkeypatch: pytest.MonkeyPatch, certified: Simulator
) -> None:
    logs = records_of(certified)
    with counting(monkeypatch) as at_once:
        Incremental(whole(certified.view)).verify()
    with counting(monkeypatch) as in_steps:
        incremental = Incremental(view := view_of(certified))
        for name, record in in_step(view, logs):
            view.logs[name].append(record)
            incremental.verify()
    for counts in (at_once, in_steps):
        for varies in ("nodes", "equations"):
            del counts[varies]
    assert in_steps == at_once


def test_new_ballots_share_an_equation_for_each_chunk_and_the_culprit_is_named(
    monkeypatch: pytest.MonkeyPatch, boxes: dict[int, Simulator]
) -> None:
    monkeypatch.setattr(ballot_proofs, "CHUNK", 8)
    source = boxes[LARGE].view
    good = [record for record in source.ballot.records if record.type == "ballot"]
    wrong = msgspec.structs.replace(good[5].body, contests=_with_proofs_of(good[5].body, good[6].body))
    bad = boxes[LARGE].sign("ballot", good[5].signer, wrong, boxes[LARGE].voters[5].key)
    for records, where in ((good, None), ([*good[:5], bad, *good[6:]], "ballot/6")):
        view = whole(source)
        while len(view.ballot) > 1:
            view.ballot.pop()
        incremental = Incremental(view)
        incremental.verify()
        for record in records[:20]:
            view.ballot.append(record)
        with counting(monkeypatch) as counts:
            found = verdict(incremental.verify)
        if where is None:
            assert found is None
            assert (counts["equations"], counts["ballots"]) == (3, 20)
        else:
            assert found is not None
            assert found[:3] == (Check.BALLOT_POK, where, "ballot-box")


def _with_proofs_of(body: Any, other: Any) -> list[v.ContestBallot]:
    return [
        msgspec.structs.replace(mine, pok=theirs.pok)
        for mine, theirs in zip(body.contests, other.contests, strict=True)
    ]


# --- roots ------------------------------------------------------------------------------------------------------


def test_roots_of_a_log_that_grows_and_shrinks(boxes: dict[int, Simulator]) -> None:
    records = boxes[LARGE].view.ballot.records
    log, leaves = LogView("ballot"), []
    chance = random.Random(1)
    for _ in range(300):
        if leaves and chance.random() < 0.4:
            log.pop()
            leaves.pop()
        else:
            record = chance.choice(records)
            log.append(record)
            leaves.append(record.leaf_hash)
        size = chance.randrange(len(leaves) + 1)
        assert log.root(size) == merkle.root(leaves[:size])
        assert log.root(len(log)) == merkle.root(leaves)
    with pytest.raises(ValueError, match="not that large"):
        log.root(len(log) + 1)


def test_a_root_costs_by_the_height_of_the_tree(monkeypatch: pytest.MonkeyPatch, boxes: dict[int, Simulator]) -> None:
    record = boxes[SMALL].view.ballot.records[0]
    log = LogView("ballot")
    with counting(monkeypatch) as counts:
        for size in range(1, 1025):
            log.append(record)
            # Reading one leaf makes the nodes that are lacking, and each of them once.
            log.root(1)
            assert counts["nodes"] < size
        appended = counts["nodes"]
        for size in range(1025):
            log.root(size)
            assert counts["nodes"] - appended < 10
            appended = counts["nodes"]


# --- tables -----------------------------------------------------------------------------------------------------


def test_a_table_takes_each_record_once_and_is_made_anew_where_one_was_taken_away(certified: Simulator) -> None:
    records = certified.view.ballot.records
    log, tables, added = LogView("ballot"), Tables(), []

    def add(table: list[bytes], index: int, record: Record) -> None:
        added.append(index)
        table.append(record.leaf_hash)

    def followed() -> list[bytes]:
        added.clear()
        return tables.follow("ballots", log, ("ballot",), list[bytes], add)

    for record in records[:3]:
        log.append(record)
    assert (followed(), added) == ([records[1].leaf_hash, records[2].leaf_hash], [1, 2])
    log.append(records[-1])
    assert (len(followed()), added) == (2, [])
    log.pop()
    log.append(records[3])
    assert (len(followed()), added) == (3, [3])
    log.pop()
    log.append(records[4])
    assert (followed()[-1], added) == (records[4].leaf_hash, [1, 2, 3])


def test_a_table_forgets_what_it_could_not_take(certified: Simulator) -> None:
    log, tables = LogView("ballot", certified.view.ballot.records[:3]), Tables()
    wrong = [True]

    def add(table: list[int], index: int, _record: Record) -> None:
        table.append(index)
        if index == 2 and wrong[0]:
            raise CheckFailed(Check.ORDER, "not this one")

    def followed() -> list[int]:
        return tables.follow("ballots", log, ("ballot",), list[int], add)

    assert refusal(followed).check is Check.ORDER
    wrong[0] = False
    assert followed() == [1, 2]


def test_a_refused_replacement_leaves_the_roll_as_it_was() -> None:
    election = Simulator().reach("roll")
    first, second, third = election.voters[:3]
    new = SigningKey.generate(os.urandom).public.hex()

    def replace(voter: simulator.Voter, key: str) -> Record:
        body = s.RollReplace(voter.urn, voter.key.public.hex(), key)
        return election.sign("registry", "registry", body)

    election.admit("registry", replace(first, new))
    taken = replace(second, new)
    assert refusal(lambda: election.admit("registry", taken)).check is Check.ROLL_UNIQUE
    eligible = roll.current_roll(election.view).urn_of
    assert second.key.public in eligible
    assert first.key.public not in eligible
    election.view.registry.pop()
    election.admit("registry", replace(third, new))
    eligible = roll.current_roll(election.view).urn_of
    assert first.key.public in eligible
    assert third.key.public not in eligible

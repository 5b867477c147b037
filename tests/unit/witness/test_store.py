"""What a witness must not forget, on either database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from witnesses import consistency_witness, plain_log

from audit.witness.store import ELECTION, Finding, InTime, LastCosigned, Store
from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.checkpoint import Checkpoint
from vemre.log.merkle import EMPTY_ROOT
from vemre.log.note import parse_signature_lines
from vemre.log.witness import NOTHING_COSIGNED, Cosigned

ORIGIN = "bb.example.org/eleccion-demo"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url, [ORIGIN])
    yield made
    made.close()


def checkpoint(size: int, root: bytes = b"r" * 32) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root)


def test_cosigning_takes_the_place_of_what_was_there(store: Store, database_url: str) -> None:
    assert store.last(ORIGIN) == LastCosigned(0, EMPTY_ROOT, b"", 0)
    assert store.cosign(NOTHING_COSIGNED, checkpoint(5), b"five", 100) == 100
    again = Store(database_url, [ORIGIN])
    assert again.last(ORIGIN) == LastCosigned(5, b"r" * 32, b"five", 100)
    again.close()


def test_nothing_takes_the_place_of_what_is_not_there(store: Store) -> None:
    assert store.cosign(NOTHING_COSIGNED, checkpoint(5), b"five", 100) == 100
    assert store.cosign(NOTHING_COSIGNED, checkpoint(6), b"six", 101) is None
    assert store.cosign(Cosigned(5, b"x" * 32), checkpoint(6), b"six", 101) is None
    assert store.cosign(Cosigned(5, b"r" * 32), Checkpoint("another", 6, b""), b"six", 101) is None
    assert store.last(ORIGIN).note == b"five"


def test_times_never_go_back(store: Store) -> None:
    store.cosign(NOTHING_COSIGNED, checkpoint(5), b"five", 100)
    assert store.cosign(Cosigned(5, b"r" * 32), checkpoint(5), b"five", 90) == 100
    assert store.cosign(Cosigned(5, b"r" * 32), checkpoint(6), b"six", 110) == 110
    assert store.latest_time() == 110
    store.see(checkpoint(7), b"seven", 120)
    assert store.latest_time() == 120


def test_one_of_many_at_once_wins(store: Store) -> None:
    start = threading.Barrier(8)

    def ask(number: int) -> int | None:
        start.wait()
        return store.cosign(NOTHING_COSIGNED, checkpoint(5, bytes([number]) * 32), b"%d" % number, 100 + number)

    with ThreadPoolExecutor(8) as pool:
        times = [time for time in pool.map(ask, range(8)) if time is not None]
    assert times == [store.last(ORIGIN).time]
    assert store.last(ORIGIN).root == bytes([times[0] - 100]) * 32


def test_checkpoints_seen_are_kept_once(store: Store) -> None:
    assert store.see(checkpoint(5), b"five", 100)
    assert not store.see(checkpoint(5), b"five again", 101)
    assert store.see(checkpoint(5, b"x" * 32), b"other five", 102)
    assert store.see(checkpoint(9), b"nine", 103)
    assert sorted(store.seen_at(ORIGIN, 5)) == [(b"r" * 32, b"five"), (b"x" * 32, b"other five")]
    assert store.seen_until(ORIGIN, 8) in (b"five", b"other five")
    assert store.seen_until(ORIGIN, 4) is None
    assert store.latest_seen(ORIGIN) == (9, 103)
    assert store.seen_before(ORIGIN, 103, 100) is not None
    assert store.seen_before(ORIGIN, 104, 100) == (9, b"r" * 32)
    assert store.seen_before(ORIGIN, 104, 4) is None


def test_verified_sizes_are_those_of_one_mirror(store: Store) -> None:
    store.advance("a", {ORIGIN: (5, b"r" * 32)})
    store.advance("a", {ORIGIN: (6, b"s" * 32)})
    store.told("a", ORIGIN, 4)
    store.advance("a", {ORIGIN: (7, b"t" * 32)})
    found = store.verified("a", ORIGIN)
    assert (found.size, found.root, found.told) == (7, b"t" * 32, 4)
    assert store.verified("b", ORIGIN).size == 0
    assert store.kept_digest("a") is None
    store.keep_digest("a", b"d", {"tally": 3})
    store.keep_digest("a", b"e", {"tally": 4})
    assert store.kept_digest("a") == (b"e", {"tally": 4})


def test_a_finding_is_kept_once(store: Store) -> None:
    failure = CheckFailed(Check.LOG, "detail", where="tally/tile/0/000", party="tally")
    slight, grave = Finding(failure, False, None), Finding(failure, True, ORIGIN)
    assert not store.known(slight)
    kept = store.keep(slight, store.next_number(), "0001-log", 100)
    assert kept is not None
    assert (kept.number, kept.provable, kept.evidence) == (1, False, "0001-log")
    assert store.known(slight)
    assert store.keep(slight, store.next_number(), "0002-log", 101) is None
    assert store.stopped() == frozenset()
    assert store.keep(grave, store.next_number(), "0002-log", 102) is not None
    assert store.keep(Finding(failure, True, ELECTION), 3, "0003-log", 103) is not None
    assert store.stopped() == {ORIGIN, ELECTION}
    assert [found.number for found in store.findings()] == [1, 2, 3]


def test_what_counts_as_in_time_is_kept_in_order(store: Store) -> None:
    for size in (4, 2):
        store.note_in_time(InTime("admitted", size, 100, "reason"))
    assert [noted.size for noted in store.in_time()] == [4, 2]


@pytest.mark.slow
def test_two_witnesses_on_one_database_never_contradict_each_other(database_url: str, tmp_path: Path) -> None:
    logs = [plain_log(60), plain_log(60, b"otra %d\n")]
    witnesses = [consistency_witness(tmp_path / str(n), [logs[0]], database=database_url) for n in range(2)]
    answers: list[tuple[int, int]] = []
    start = threading.Barrier(4)

    def hammer(number: int) -> None:
        witness, log = witnesses[number % 2], logs[number // 2]
        old = 0
        start.wait()
        for size in range(1, 60, 3):
            for _ in range(3):
                answer = witness.add_checkpoint(log.request(min(old, size), size))
                if answer.status == 409:
                    old = int(answer.body)
                    continue
                if answer.status == 200:
                    assert parse_signature_lines(answer.body.decode())
                    answers.append((size, number // 2))
                    old = size
                break

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(hammer, number) for number in range(4)]:
            done.result()
    assert len({history for _, history in answers}) == 1, "one history alone was cosigned"
    for witness in witnesses:
        witness.close()

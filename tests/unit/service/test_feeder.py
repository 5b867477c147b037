"""Feeding over real HTTP: good witnesses get every state, and bad ones harm nobody but themselves."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from c2sp_witness import C2spWitness, hurry, reply, status

from vemre.crypto.signing import SigningKey
from vemre.errors import Refused, StoreError
from vemre.log.checkpoint import open_checkpoint
from vemre.log.signer import LogSigner, MLDSACosigner
from vemre.log.witness import AddCheckpoint, Cosigned
from vemre.log.witness_policy import WitnessPolicy
from vemre.service import feeder as module
from vemre.service import witness_client
from vemre.service.app import Stop
from vemre.service.feeder import EVIDENCE, Feeder, check_evidence
from vemre.service.metrics import Metrics
from vemre.service.witnesses import Witnesses, list_witnesses

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that are long enough to be pauses."""
    hurry(monkeypatch)


@pytest.fixture
def witness(served: Any) -> Iterator[Callable[[str], C2spWitness]]:
    """`witness(name)` starts one more that knows the log."""
    with ExitStack() as stack:

        def start(name: str = "w.example/w") -> C2spWitness:
            return stack.enter_context(C2spWitness(name, served.signer.vkey).running())

        yield start


class Feed:
    """A log being fed."""

    def __init__(self, served: Any, folder: Path, *witnesses: C2spWitness) -> None:
        self.served, self.stop, self.folder = served, Stop(), folder
        policy = WitnessPolicy.parse("".join([*(w.line for w in witnesses), "quorum none\n"]).encode())
        listed = list_witnesses(policy, served.auditors, served.signer.vkey, [served.signer.vkey])
        self.metrics = Metrics()
        self.witnesses = Witnesses(listed, served.store, lambda: 1_700_000_000, self.metrics)
        self.feeder = Feeder(served.store, self.witnesses, self.stop, folder)

    def run(self, act: Callable[[], Awaitable[None]]) -> None:
        """Feed while `act` goes on."""

        async def run() -> None:
            async with self.feeder:
                await act()

        asyncio.run(run())

    def append(self, *entries: bytes) -> None:
        self.served.append(*entries)
        self.feeder.grown()

    def size(self, witness: C2spWitness) -> int | None:
        """What the log knows to be cosigned."""
        return self.witnesses.standing(witness.cosigner.vkey).size

    def state(self, witness: C2spWitness) -> str:
        return self.witnesses.state(witness.cosigner.vkey)


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.01)


def test_every_new_state_is_cosigned(served: Any, witness: Any, tmp_path: Path) -> None:
    one, two = witness("one.example/w"), witness("two.example/w")
    feed = Feed(served, tmp_path, one, two)

    async def act() -> None:
        for size in (1, 3, 4):
            feed.append(*[b"%d" % size] * (size - served.store.size))
            await until(lambda size=size: (feed.size(one), feed.size(two)) == (size, size))

    feed.run(act)
    assert one.requests == two.requests == [(0, 1), (1, 3), (3, 4)]
    opened = open_checkpoint(
        served.store.published_checkpoint(), served.store.vkey, [w.cosigner.vkey for w in (one, two)]
    )
    assert len(opened.cosigners) == 2
    assert (feed.state(one), feed.stop.reason) == ("ok", None)


def test_a_restart_goes_on_where_it_was(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    served.append(b"a", b"b")
    feed = Feed(served, tmp_path, one)
    feed.run(lambda: until(lambda: feed.size(one) == 2))

    again = Feed(served, tmp_path, one)
    assert (again.size(one), again.state(one)) == (2, "ok")

    async def act() -> None:
        again.append(b"c")
        await until(lambda: again.size(one) == 3)

    again.run(act)
    assert one.requests == [(0, 2), (2, 3)]


def test_a_fast_log_queues_nothing_up(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    feed = Feed(served, tmp_path, one)

    async def act() -> None:
        one.answer = one.never_answers
        feed.append(b"first")
        await until(lambda: one.requests)
        for number in range(50):
            feed.append(b"%d" % number)
        assert len(one.requests) == 1
        one.answer = None
        one.released.set()
        await until(lambda: feed.size(one) == 51)

    feed.run(act)
    assert one.requests == [(0, 1), (0, 51)]


def test_a_witness_that_is_further_is_asked_from_where_it_is(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    served.append(b"a", b"b", b"c")
    one.kept[served.store.origin] = Cosigned(2, served.store.root_at(2))
    feed = Feed(served, tmp_path, one)
    feed.run(lambda: until(lambda: feed.size(one) == 3))
    assert one.requests == [(0, 3), (2, 3)]


def test_an_answer_that_was_lost_is_asked_for_again(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    served.append(b"a", b"b")
    one.kept[served.store.origin] = Cosigned(2, served.store.root_at(2))
    feed = Feed(served, tmp_path, one)
    feed.run(lambda: until(lambda: feed.size(one) == 2))
    assert one.requests == [(0, 2), (2, 2)]


def test_one_that_posts_by_itself_is_not_sent_the_same(served: Any, witness: Any, tmp_path: Path) -> None:
    one, two = witness("one.example/w"), witness("two.example/w")
    served.append(b"a")
    feed = Feed(served, tmp_path, one, two)
    feed.witnesses.cosigned(one.cosigner.vkey, 1, 0)
    feed.run(lambda: until(lambda: feed.size(two) == 1))
    assert one.requests == []


def test_two_keys_behind_one_address_are_asked_once(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    second = MLDSACosigner("w.example/w", bytes(32))

    class Two(C2spWitness):
        line = f"{one.line}witness second {second.vkey} {one.url}/\n"

    both = Two("w.example/w")

    def answer(handler: Any, body: bytes) -> bool:
        checkpoint = AddCheckpoint.parse(body).checkpoint.checkpoint
        reply(handler, 200, f"{one.cosigner.cosign(checkpoint, 1)}{second.cosign(checkpoint, 2)}".encode())
        return True

    one.answer = answer
    served.append(b"a")
    feed = Feed(served, tmp_path, both)
    keys = (one.cosigner.vkey, second.vkey)
    feed.run(lambda: until(lambda: all(feed.witnesses.standing(key).size == 1 for key in keys)))
    assert one.requests == [(0, 1)]


@pytest.mark.parametrize(
    "way", ["wrong_signature", "another_key", "same_name", "redirects", "endless", "down", "never_answers"]
)
def test_a_bad_witness_harms_nobody(
    served: Any, witness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    bad, good = witness("bad.example/w"), witness("good.example/w")
    bad.answer = getattr(bad, way)
    if way == "never_answers":
        monkeypatch.setattr(witness_client, "DEADLINE_SECONDS", 0.3)
    feed = Feed(served, tmp_path, bad, good)

    async def act() -> None:
        feed.append(b"a")
        await until(lambda: feed.size(good) == 1 and feed.state(bad) == "failing")
        assert feed.size(bad) is None
        reason = str(feed.witnesses.standing(bad.cosigner.vkey).failure)
        assert ("more than 65536 bytes" in reason) == (way == "endless"), reason
        assert b"bad.example" not in served.store.published_checkpoint()
        feed.append(b"b")
        await until(lambda: feed.size(good) == 2)
        # Once it behaves, the next state is cosigned.
        bad.answer = None
        feed.append(b"c")
        await until(lambda: feed.size(bad) == 3 and feed.state(bad) == "ok")

    feed.run(act)
    assert feed.stop.reason is None
    failures = f'key="{bad.cosigner.vkey.key_id.hex()}",witness="bad.example/w"}}'
    assert f"vemre_witness_failures_total{{{failures} 0.0" not in feed.metrics.render().decode()


@pytest.mark.parametrize("code", [400, 403, 404, 422, 307])
def test_what_is_final_is_sent_once(served: Any, witness: Any, tmp_path: Path, code: int) -> None:
    one, other = witness("one.example/w"), witness("other.example/w")
    one.answer = status(code)
    feed = Feed(served, tmp_path, one, other)

    async def act() -> None:
        for size in (1, 2):
            feed.append(b"x")
            await until(lambda size=size: feed.size(other) == size and len(one.requests) == size)

    feed.run(act)
    assert one.requests == [(0, 1), (0, 2)]
    assert feed.state(one) == "failing"


@pytest.mark.parametrize("body", [b"", b"x\n", b"007\n"])
def test_409_without_a_size_is_final(served: Any, witness: Any, tmp_path: Path, body: bytes) -> None:
    one, other = witness("one.example/w"), witness("other.example/w")
    one.answer = status(409, body)
    feed = Feed(served, tmp_path, one, other)
    served.append(b"x")
    feed.run(lambda: until(lambda: feed.size(other) == 1 and feed.state(one) == "failing"))
    assert one.requests == [(0, 1)]


def test_409_for_ever_is_retried_once_for_each_state(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    one.answer = status(409, b"1\n")
    feed = Feed(served, tmp_path, one)

    async def act() -> None:
        feed.append(b"a", b"b", b"c")
        await until(lambda: feed.state(one) == "failing")
        feed.append(b"d")
        await until(lambda: len(one.requests) == 4)

    feed.run(act)
    assert one.requests == [(0, 3), (1, 3), (0, 4), (1, 4)]
    assert feed.stop.reason is None


@pytest.mark.parametrize("code", [429, 500, 503])
def test_what_may_pass_is_sent_again_until_it_passes(
    served: Any, witness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    one = witness()
    one.answer = status(code, Retry_After="1")
    asked: list[tuple[int, str | None]] = []

    def pause(failures: int, wish: str | None, _chance: float) -> float:
        asked.append((failures, wish))
        return 0.01

    feed = Feed(served, tmp_path, one)

    async def act() -> None:
        monkeypatch.setattr(module.feeding, "pause", pause)
        feed.append(b"x")
        await until(lambda: len(asked) >= 3)
        one.answer = None
        await until(lambda: feed.size(one) == 1)

    feed.run(act)
    assert asked[:3] == [(1, "1"), (2, "1"), (3, "1")]
    assert set(one.requests) == {(0, 1)}


def test_a_fault_of_ours_does_not_end_the_feeding(
    served: Any, witness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = witness()
    feed = Feed(served, tmp_path, one)
    real = served.store.consistency_proof
    faults = [RuntimeError("database is locked")] * 3

    def proof(old: int, new: int) -> list[bytes]:
        if faults:
            raise faults.pop()
        return list(real(old, new))

    monkeypatch.setattr(served.store, "consistency_proof", proof)
    served.append(b"x")
    feed.run(lambda: until(lambda: feed.size(one) == 1))
    assert not faults


def test_an_address_that_is_none_is_refused_at_the_start(served: Any, tmp_path: Path) -> None:
    one = C2spWitness("w.example/w")
    one.url = "http://300.1.1.1"
    with pytest.raises(Refused, match="witnesses-unusable"):
        Feed(served, tmp_path, one)


# --- rollback ---------------------------------------------------------------------------------------------------------


def test_a_lying_witness_stops_nothing_but_its_own_feeding(served: Any, witness: Any, tmp_path: Path) -> None:
    liar, good = witness("liar.example/w"), witness("good.example/w")
    liar.answer = status(409, b"1000\n")
    feed = Feed(served, tmp_path, liar, good)
    # What it shows for it: nothing, nonsense, another log's signature, and our own true checkpoint.
    shown = [b"nonsense", make_note(served, 1000, bytes(32), seed=5)]

    async def act() -> None:
        feed.append(b"a")
        await until(lambda: feed.state(liar) == "alarm" and feed.size(good) == 1)
        shown.append(served.store.checkpoint)
        for note in shown:
            liar.notes[served.store.origin] = note
            looks = liar.looks
            await until(lambda looks=looks: liar.looks >= looks + 2)
        feed.append(b"b")
        await until(lambda: feed.size(good) == 2)

    feed.run(act)
    assert liar.requests == [(0, 1)]
    assert feed.stop.reason is None
    assert not (tmp_path / EVIDENCE).exists()
    assert 'witness="liar.example/w"} 1.0' in feed.metrics.render().decode()


def make_note(served: Any, size: int, root: bytes, seed: int = 1) -> bytes:
    """A checkpoint that the log's key signed, or another key under its name."""
    return LogSigner(served.store.origin, SigningKey(bytes([seed]) * 32)).sign(size, root)


def hold(served: Any, witness: C2spWitness, size: int, root: bytes) -> None:
    """Let a witness have cosigned something with the log's true signature."""
    witness.kept[served.store.origin] = Cosigned(size, root)
    witness.notes[served.store.origin] = make_note(served, size, root)


@pytest.mark.parametrize("size", [2, 3, 1000])
def test_our_own_signature_stops_the_service(served: Any, witness: Any, tmp_path: Path, size: int) -> None:
    """Size 3 is the same size with another root, size 2 an earlier state of another history."""
    one = witness()
    feed = Feed(served, tmp_path, one)

    async def act() -> None:
        feed.append(b"a", b"b", b"c")
        await until(lambda: feed.size(one) == 3)
        hold(served, one, size, bytes(32))
        # A witness at a smaller size is sent a proof, which cannot verify there; one at size 3 sees another root.
        feed.append(b"d")
        await until(lambda: feed.stop.reason is not None)

    feed.run(act)
    assert feed.state(one) == "alarm"
    assert (tmp_path / EVIDENCE).read_bytes() == one.notes[served.store.origin]
    with pytest.raises(StoreError, match="is out"):
        check_evidence(served.store, tmp_path)


def test_the_witness_may_show_what_it_has_only_later(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    hold(served, one, 7, bytes(32))
    one.shows = False
    feed = Feed(served, tmp_path, one)

    async def act() -> None:
        feed.append(b"a")
        await until(lambda: feed.state(one) == "alarm")
        looks = one.looks
        await until(lambda: one.looks > looks)
        assert feed.stop.reason is None
        one.shows = True
        await until(lambda: feed.stop.reason is not None)

    feed.run(act)


def test_the_start_asks_the_witnesses_first(served: Any, witness: Any, tmp_path: Path) -> None:
    one = witness()
    served.append(b"a")
    hold(served, one, 7, bytes(32))
    feed = Feed(served, tmp_path, one)
    with pytest.raises(StoreError, match="7 entries is out"):
        feed.run(lambda: until(lambda: False))
    assert one.requests == []
    # The evidence is enough from then on, whether the witness answers or not.
    with pytest.raises(StoreError, match="7 entries is out"):
        check_evidence(served.store, tmp_path)


def test_the_start_waits_for_silent_witnesses_only_so_long(
    served: Any, witness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, broken, good = witness("silent.example/w"), witness("broken.example/w"), witness("good.example/w")
    silent.looked = lambda handler: silent.released.wait()
    broken.looked = lambda handler: setattr(handler, "close_connection", True)
    monkeypatch.setattr(module, "START_SECONDS", 0.2)
    served.append(b"a")
    feed = Feed(served, tmp_path, silent, broken, good)
    feed.run(lambda: until(lambda: feed.size(good) == 1))
    assert feed.stop.reason is None


def test_evidence_that_is_none_is_passed_over(served: Any, tmp_path: Path) -> None:
    check_evidence(served.store, tmp_path)
    (tmp_path / EVIDENCE).write_bytes(b"nonsense")
    check_evidence(served.store, tmp_path)
    served.append(b"a")
    (tmp_path / EVIDENCE).write_bytes(served.store.checkpoint)
    check_evidence(served.store, tmp_path)

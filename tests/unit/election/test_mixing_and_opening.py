"""Mixers and trustees at work: what they make is admitted, and nothing is done before it is due or twice."""

from __future__ import annotations

import os

import pytest
from simulator import CLOSES, GROUP, Simulator

from vemre.checks import Check
from vemre.election import drafts
from vemre.election.dkg import KeyShare
from vemre.election.drafts import blob_of
from vemre.election.mixing import mix, shuffle_draft
from vemre.election.opening import DecryptedLists, decryption_draft, open_batch
from vemre.election.rules import keygen
from vemre.election.rules.decrypting import plaintexts
from vemre.election.rules.mixing import last_outputs
from vemre.election.rules.view import Batch
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.records import vote_bodies as v


def share(election: Simulator, k: int) -> KeyShare:
    return KeyShare(1, k, election.secrets[f"trustee/{k}"])


def mix_one(election: Simulator, mixer: str, batch: Batch) -> drafts.Draft:
    draft = shuffle_draft(election.view, os.urandom, mixer, batch, election.checkpoint("tally"))
    election.append("tally", mixer, draft)
    return draft


def mix_all(election: Simulator) -> None:
    for mixer in election.mixers[:2]:
        for batch in election.view.batches:
            mix_one(election, mixer, batch)


def decrypt(election: Simulator, k: int, batch: Batch, done: DecryptedLists | None = None) -> drafts.Draft:
    gate = election.checkpoint("tally")
    lists = DecryptedLists() if done is None else done
    return decryption_draft(election.view, os.urandom, share(election, k), lists, batch, gate)


def expect(check: Check, act: object, *arguments: object) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        act(*arguments)  # type: ignore[operator]
    assert caught.value.check is check
    return caught.value


def test_from_the_list_to_mix_to_the_count() -> None:
    election = Simulator().reach("close")
    mix_all(election)
    for k in (1, 3):
        for batch in election.view.batches:
            election.append("tally", f"trustee/{k}", decrypt(election, k, batch))
    for batch in election.view.batches:
        election.append("tally", "tally", drafts.result_batch(election.view, batch))
    bodies = {(b.urn, b.contest): b for _, _, b in election.view.tally.of(v.ResultBatch)}
    president = bodies["urna-09", "presidencia"]
    assert [(c.coalition, c.members, c.votes) for c in president.combinations] == [("fcm", ["pan", "pri"], 1)]
    assert (president.write_ins.votes, president.nulls, president.rows) == (1, 0, 3)
    assert len(plaintexts(election.view, ("urna-09", "presidencia"))) == 3


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_pass_through(rows: int) -> None:
    source = GROUP.base_mul(GROUP.random_scalars(4 * rows, os.urandom)).encode()
    mixed = mix(
        GROUP,
        os.urandom,
        context=bytes(32),
        urn="u",
        contest="c",
        mixer=1,
        width=2,
        joint_key=GROUP.generator(),
        source=source,
    )
    assert (mixed.output, mixed.proof) == (source, None)


def test_pass_through_is_admitted_and_opened() -> None:
    """One urn with a single ballot, one with none."""
    votes = (("urna-09", None), ("urna-17", Simulator().voters[4].choices), ("urna-17", None))
    election = Simulator(votes=votes).reach("close")
    mix_all(election)
    single, empty = ("urna-17", "presidencia"), ("urna-09", "presidencia")
    assert last_outputs(election.view)[empty] == blob_of(b"")
    for k in (1, 2):
        election.append("tally", f"trustee/{k}", decrypt(election, k, single))
    assert len(plaintexts(election.view, single)) == 1
    draft = decrypt(election, 1, empty)
    assert isinstance(draft.body, v.Decryption)
    assert (draft.blobs, draft.body.proof) == ((b"",), None)
    election.append("tally", "trustee/1", draft)


def test_damaged_ciphertexts_are_refused_before_the_key_is_used() -> None:
    arguments = {"context": bytes(32), "urn": "u", "contest": "c", "verification_key": GROUP.generator()}
    for data, check in ((bytes(64), Check.IDENTITY), (b"\xff" * 64, Check.ELEMENT), (bytes(63), Check.ELEMENT)):
        with pytest.raises(CheckFailed) as caught:
            open_batch(GROUP, os.urandom, KeyShare(1, 1, 5), ciphertexts=data, **arguments)  # type: ignore[arg-type]
        assert caught.value.check is check
        with pytest.raises(CheckFailed):
            mix(
                GROUP,
                os.urandom,
                context=bytes(32),
                urn="u",
                contest="c",
                mixer=1,
                width=1,
                joint_key=GROUP.generator(),
                source=data,
            )


# --- nothing before it is due ---


def test_mixing_waits_for_the_list() -> None:
    election = Simulator().reach("cast")
    with pytest.raises(Refused, match="not-due"):
        shuffle_draft(election.view, os.urandom, "mixer/1", ("urna-09", "presidencia"), election.checkpoint("tally"))
    with pytest.raises(Refused, match="not-due"):
        decrypt(election, 1, ("urna-09", "presidencia"))


def test_no_mixer_takes_a_batch_twice() -> None:
    election = Simulator().reach("close")
    batch = ("urna-09", "gubernatura")
    mix_one(election, "mixer/1", batch)
    failure = expect(Check.MIX_CHAIN, mix_one, election, "mixer/1", batch)
    assert failure.party == "mixer/1"


def test_nobody_mixes_after_decryption_began() -> None:
    election = Simulator(mixers=3).reach("close")
    mix_all(election)
    election.append("tally", "trustee/1", decrypt(election, 1, election.view.batches[0]))
    expect(Check.ORDER, mix_one, election, "mixer/3", election.view.batches[0])


def test_decryption_waits_for_all_mixing() -> None:
    """All shuffles of all batches, not only those of the batch at hand."""
    election = Simulator().reach("close")
    batches = election.view.batches
    mix_one(election, "mixer/1", batches[0])
    mix_one(election, "mixer/2", batches[0])
    with pytest.raises(Refused) as caught:
        decrypt(election, 1, batches[0])
    assert (caught.value.code, caught.value.params) == ("not-due", {"reason": "shuffle"})


def undecided() -> Simulator:
    """A list to mix with one small batch, on which the authority has not decided."""
    election = Simulator(min_batch=3).reach("cast")
    election.append("ballot", "ballot-box", drafts.close(election.view, now=CLOSES, late=0))
    ballot = election.checkpoint("ballot")
    election.append("registry", "registry", drafts.marks(election.view, ballot=ballot, countries={"US": 5}))
    registry = election.checkpoint("registry")
    election.append("tally", "tally", drafts.tally_input(election.view, ballot=ballot, registry=registry))
    return election


SMALL, LARGE = ("urna-17", "presidencia"), ("urna-09", "presidencia")


def test_mixing_waits_for_the_decision_on_small_batches() -> None:
    """Once mixing has begun a decision comes too late, and the small batch could never be opened."""
    election = undecided()
    for batch in (LARGE, SMALL):
        with pytest.raises(Refused) as caught:
            mix_one(election, "mixer/1", batch)
        assert (caught.value.code, caught.value.params) == ("not-due", {"reason": "small-batch-decision"})
    decision = drafts.small_batch_decision(election.view, SMALL, "the authority accepts the risk")
    election.append("tally", "authority", decision)
    mix_all(election)
    election.append("tally", "trustee/1", decrypt(election, 1, SMALL))


def test_a_small_batch_without_a_decision_is_not_opened() -> None:
    election = undecided()
    for mixer in election.mixers[:2]:
        for urn, contest in election.view.batches:
            draft = election.shuffle(mixer, urn, contest, election.checkpoint("tally"))
            election.append("tally", mixer, draft)
    done = DecryptedLists()
    expect(Check.MIN_BATCH, decrypt, election, 1, SMALL, done)
    assert done.plain() == []
    decrypt(election, 1, LARGE, done)
    assert len(done.plain()) == 1


# --- gates ---


@pytest.fixture(scope="module")
def mixed() -> Simulator:
    election = Simulator().reach("close")
    mix_all(election)
    return election


def test_the_gate_needs_two_auditors(mixed: Simulator) -> None:
    batch = mixed.view.batches[0]
    for auditors in ([], ["auditor/1"]):
        gate = mixed.checkpoint("tally", auditors=auditors)
        done = DecryptedLists()
        expect(Check.GATE, decryption_draft, mixed.view, os.urandom, share(mixed, 1), done, batch, gate)
        assert done.plain() == []


def test_the_gate_covers_the_last_shuffle_of_the_batch(mixed: Simulator) -> None:
    batch = mixed.view.batches[0]
    last = max(index for index, _, body in mixed.view.tally.of(v.Shuffle) if (body.urn, body.contest) == batch)
    early, enough = mixed.checkpoint("tally", last), mixed.checkpoint("tally", last + 1)
    expect(Check.GATE, decryption_draft, mixed.view, os.urandom, share(mixed, 1), DecryptedLists(), batch, early)
    decryption_draft(mixed.view, os.urandom, share(mixed, 1), DecryptedLists(), batch, enough)


def test_the_gate_is_of_this_log(mixed: Simulator) -> None:
    batch = mixed.view.batches[0]
    other = Simulator()
    for gate, check in (
        (mixed.checkpoint("ballot"), Check.NOTE),
        (other.checkpoint("tally"), Check.NOTE),
        ("", Check.NOTE),
    ):
        expect(check, decryption_draft, mixed.view, os.urandom, share(mixed, 1), DecryptedLists(), batch, gate)


def test_the_gate_is_no_fork(mixed: Simulator) -> None:
    """A cosigned checkpoint over an entry that this view does not have, or has otherwise."""
    batch, tally = mixed.view.batches[0], mixed.view.tally
    mixed.append("tally", "authority", drafts.incident("test", "one", CLOSES))
    gate = mixed.checkpoint("tally")
    tally.pop()
    expect(Check.CHECKPOINT, decryption_draft, mixed.view, os.urandom, share(mixed, 1), DecryptedLists(), batch, gate)
    mixed.append("tally", "authority", drafts.incident("test", "two", CLOSES))
    try:
        act = decryption_draft
        expect(Check.CHECKPOINT, act, mixed.view, os.urandom, share(mixed, 1), DecryptedLists(), batch, gate)
    finally:
        tally.pop()


# --- once ---


def test_a_second_list_is_refused() -> None:
    done = DecryptedLists()
    done.permit("c", "u", "x", "aa")
    done.permit("c", "u", "x", "aa")
    done.permit("c", "u", "y", "bb")
    done.permit("d", "u", "x", "bb")
    expect(Check.DECRYPT_ONCE, done.permit, "c", "u", "x", "bb")
    assert ("c", "u", "x") in done
    assert ("c", "u", "z") not in done
    again = DecryptedLists.from_plain(done.plain())
    assert again.plain() == done.plain()
    expect(Check.DECRYPT_ONCE, again.permit, "c", "u", "x", "bb")


@pytest.mark.parametrize("value", [None, {}, [1], [["a", "b", "c"]], [["a", "b", "c", 1]], ["abcd"]], ids=str)
def test_damaged_lists(value: object) -> None:
    with pytest.raises(KeyFileError, match="damaged"):
        DecryptedLists.from_plain(value)


def test_the_lists_key_is_that_of_the_attempt(mixed: Simulator) -> None:
    stale = KeyShare(2, 1, mixed.secrets["trustee/1"])
    gate = mixed.checkpoint("tally")
    with pytest.raises(Refused, match="key-state-lost"):
        decryption_draft(mixed.view, os.urandom, stale, DecryptedLists(), mixed.view.batches[0], gate)


def test_the_same_list_may_be_sent_again(mixed: Simulator) -> None:
    done = DecryptedLists()
    first, second = (decrypt(mixed, 2, mixed.view.batches[0], done) for _ in range(2))
    assert first.blobs == second.blobs
    key = keygen.joint_key(mixed.view)
    assert key is not None

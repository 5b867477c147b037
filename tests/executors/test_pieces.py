"""Mixing, decryption and verification by an executor: the same bytes and the same verdicts as in this process."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import run
from distributed import Client
from msgspec.structs import replace
from seeded import Deadly, DeadlyOnce, Seeded
from simulator import Simulator

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.election.mixing import Mixed, MixPiece, mix_of_piece
from vemre.election.opening import OpenPiece, open_piece
from vemre.election.rules import ballot_proofs, decryption_pieces
from vemre.election.rules.view import Anchors, LogView
from vemre.election.workers import Workers
from vemre.errors import CheckFailed
from vemre.group import Backend, backends, load
from vemre.proofs import decryption, shuffle
from vemre.records import vote_bodies as v
from vemre.records.policy import parse_policy
from vemre.records.record import Record

CASES = {case.name: case for case in run.read_cases()}
GOOD = ("VALID-11", "VALID-12", "VALID-17")
FAILING = (
    "BALLOT-SIGNATURE-01", "BALLOT-POK-01", "ELEMENT-01", "IDENTITY-01", "SCALAR-01", "SHUFFLE-LENGTH-01",
    "SHUFFLE-01", "SHUFFLE-02", "DECRYPT-PROOF-01", "DECRYPT-PROOF-02", "RESULT-01", "BLOB-DIGEST-01", "MIX-CHAIN-01",
)  # fmt: skip
ROWS = {"native": 300, "reference": 4}


def ciphertexts(backend: Backend, rows: int, width: int) -> bytes:
    group = load(backend)
    return group.base_mul(group.random_scalars(2 * rows * width, Seeded("ciphertexts"))).encode()


def mixing(backend: Backend, random: Seeded, rows: int = 0, width: int = 2) -> MixPiece:
    key = load(backend).base_mul(load(backend).scalars([7])).encode()
    source = ciphertexts(backend, rows or ROWS[backend], width)
    return MixPiece(backend, random, bytes(32), "urna-09", "presidencia", 1, width, key, source)


def opening(backend: Backend, random: Seeded) -> OpenPiece:
    group, secret = load(backend), (5).to_bytes(32, "little")
    key = group.base_mul(group.scalars([5])).encode()
    data = ciphertexts(backend, ROWS[backend], 1)
    return OpenPiece(backend, random, 1, 1, secret, bytes(32), "urna-09", "presidencia", key, data)


@pytest.mark.parametrize("backend", backends())
def test_mixing_gives_the_same_bytes_and_its_proof_holds(executor: Executor, backend: Backend) -> None:
    workers = Workers(executor)
    pieces = [(seed, mixing(backend, Seeded(seed))) for seed in ("one", "two", "three")]
    found = dict(workers.each(mix_of_piece, pieces))
    # Each piece takes its own copy of the randomness along.
    assert found == {seed: mix_of_piece(mixing(backend, Seeded(seed))) for seed in ("one", "two", "three")}
    assert len({mixed.output for mixed in found.values()}) == 3
    _verify_mix(backend, found["one"])


def _verify_mix(backend: Backend, mixed: Mixed) -> None:
    group, piece = load(backend), mixing(backend, Seeded(""))
    decoded = [group.decode(data) for data in (piece.joint_key, piece.source, mixed.output)]
    statement = shuffle.Statement(piece.context, piece.urn, piece.contest, piece.mixer, piece.width, *decoded)
    assert mixed.proof is not None
    shuffle.verify(group, os.urandom, statement, mixed.proof)


@pytest.mark.parametrize("backend", backends())
def test_decryption_gives_the_same_bytes_and_its_proof_holds(executor: Executor, backend: Backend) -> None:
    workers = Workers(executor)
    shares, proof = workers.start(open_piece, opening(backend, Seeded("nonce"))).result()
    assert (shares, proof) == open_piece(opening(backend, Seeded("nonce")))
    group, piece = load(backend), opening(backend, Seeded(""))
    statement = decryption.Statement(
        piece.context, piece.urn, piece.contest, 1,
        group.decode(piece.verification_key), group.decode(piece.ciphertexts).strided(0, 1, 2), group.decode(shares),
    )  # fmt: skip
    assert proof is not None
    parts = (bytes.fromhex(text) for text in (proof.t1, proof.t2, proof.response))
    decryption.verify(group, os.urandom, statement, decryption.Proof(*parts))


def test_the_systems_own_randomness_travels_as_a_name() -> None:
    piece = mixing(backends()[0], os.urandom)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(piece)).random is os.urandom


def test_what_carries_secrets_does_not_show_them() -> None:
    """Dask writes the arguments of what fails into its workers' logs."""
    piece = opening(backends()[0], Seeded("nonce"))
    assert piece.secret.hex()[:8] not in repr(piece)
    assert repr(piece.secret)[2:8] not in repr(piece)
    assert "source" not in repr(mixing(backends()[0], Seeded("")))


# --- verdicts ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["whole", "cut"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of a few ballots in one piece, and in one piece for every two ballots or ciphertexts."""
    if request.param == "cut":
        for module in (ballot_proofs, decryption_pieces):
            monkeypatch.setattr(module, "PIECE", {"native": 2, "reference": 2})


def report(name: str, workers: Workers, backend: Backend | None = None, random: Any = os.urandom) -> dict[str, Any]:
    case = CASES[name]
    anchors = Anchors(parse_policy(case.policy.read_bytes()))
    return verify_record(RecordFolder(case.record), anchors, load(backend), random, workers=workers).as_json()


@pytest.mark.usefixtures("cut")
def test_verdict_check_party_and_place_are_the_same(executor: Executor) -> None:
    lost: list[Exception] = []
    workers = Workers(executor, lost=lost.append)
    for name in (*GOOD, *FAILING):
        found = report(name, workers)
        assert found == report(name, Workers()), name
        assert found["first_failure"] == CASES[name].check, name
    assert lost == []


def test_verdicts_of_the_reference_arithmetic_are_the_same(executor: Executor) -> None:
    lost: list[Exception] = []
    for name in ("VALID-10", "BALLOT-POK-01", "SHUFFLE-01", "DECRYPT-PROOF-01"):
        found = report(name, Workers(executor, lost=lost.append), "reference")
        assert found == report(name, Workers(), "reference"), name
        assert found["first_failure"] == CASES[name].check
    assert lost == []


def test_of_two_bad_ballots_the_same_is_named(monkeypatch: pytest.MonkeyPatch, executor: Executor) -> None:
    """What does not decode is named before what does not verify, wherever the one or the other is judged."""
    monkeypatch.setattr(ballot_proofs, "PIECE", {"native": 1, "reference": 1})
    sim = Simulator().reach("cast")
    view = sim.view
    ballots = [record for record in view.ballot.records if record.type == "ballot"]
    unproved = with_proof(sim, ballots[0], commitment=ballots[1].body.contests[0].pok[0].commitment)
    undecodable = with_proof(sim, ballots[2], commitment="ff" * 32)
    for records in ([unproved, ballots[1], undecodable], [undecodable, ballots[1], unproved]):
        found = []
        for workers in (Workers(), Workers(executor)):
            log = LogView("ballot", [view.ballot.records[0], *records])
            other = view.over({"registry": view.registry, "ballot": log, "tally": view.tally})
            other.workers = workers
            with pytest.raises(CheckFailed) as caught:
                ballot_proofs.check_all_proofs(other)
            found.append((caught.value.check, caught.value.where, caught.value.party))
        assert found[0] == found[1]
        assert found[0] == (Check.ELEMENT, f"ballot/{1 + records.index(undecodable)}", "ballot-box")


def with_proof(sim: Simulator, record: Record, *, commitment: str) -> Record:
    """The ballot with another commitment in its first proof, signed as it should be."""
    body = record.body
    assert isinstance(body, v.Ballot)
    first = body.contests[0]
    proofs = [replace(first.pok[0], commitment=commitment), *first.pok[1:]]
    changed = replace(body, contests=[replace(first, pok=proofs), *body.contests[1:]])
    key = next(voter.key for voter in sim.voters if voter.key.public.hex() == record.signer)
    return sim.sign("ballot", record.signer, changed, key)


# --- loss ----------------------------------------------------------------------------------------------------


def test_a_pool_whose_processes_are_killed_loses_nothing(tmp_path: Path) -> None:
    backend = backends()[0]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        lost: list[Exception] = []
        workers = Workers(pool, lost=lost.append)
        pieces = [(seed, mixing(backend, Deadly(seed))) for seed in ("one", "two", "three", "four")]
        found = dict(workers.each(mix_of_piece, pieces))
        assert any(isinstance(error, BrokenProcessPool) for error in lost)
        assert found == {seed: mix_of_piece(mixing(backend, Seeded(seed))) for seed, _ in pieces}
        # The pool stays broken; verdicts come all the same.
        for name in ("VALID-10", "SHUFFLE-01"):
            assert report(name, workers) == report(name, Workers())


def test_a_pool_that_is_killed_during_a_verification_changes_no_verdict() -> None:
    for name in ("VALID-10", "BALLOT-POK-01", "SHUFFLE-01", "DECRYPT-PROOF-01"):
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            lost: list[Exception] = []
            found = report(name, Workers(pool, lost=lost.append), random=Deadly("weights"))
            assert lost
        assert found == report(name, Workers())


def test_a_worker_of_a_cluster_that_is_killed_in_the_middle_is_survived(client: Client, tmp_path: Path) -> None:
    backend, before = backends()[0], set(client.run(os.getpid).values())
    mark = tmp_path / "killed"
    pieces = [(seed, mixing(backend, DeadlyOnce(seed, mark))) for seed in ("one", "two", "three", "four")]
    found = dict(Workers(client.get_executor()).each(mix_of_piece, pieces))
    assert int(mark.read_text()) in before
    assert found == {seed: mix_of_piece(mixing(backend, Seeded(seed))) for seed, _ in pieces}

    mark.unlink()
    shares = Workers(client.get_executor()).start(open_piece, opening(backend, DeadlyOnce("nonce", mark))).result()
    assert mark.exists()
    assert shares == open_piece(opening(backend, Seeded("nonce")))

    for name in ("VALID-10", "SHUFFLE-01"):
        mark.unlink()
        verdict = report(name, Workers(client.get_executor()), random=DeadlyOnce("weights", mark))
        assert mark.exists()
        assert verdict == report(name, Workers())


def test_a_cluster_that_is_gone_is_done_without(client: Client) -> None:
    """Every worker that takes the piece dies, until the scheduler gives it up."""
    lost: list[Exception] = []
    backend = backends()[0]
    found = (
        Workers(client.get_executor(), lost=lost.append).start(mix_of_piece, mixing(backend, Deadly("one"))).result()
    )
    assert [type(error).__name__ for error in lost] == ["KilledWorker"]
    assert found == mix_of_piece(mixing(backend, Seeded("one")))

"""Time of every proof, made and verified, for every back end: run `pytest benchmarks/bench_proofs.py`.

Ballots are measured by `BALLOTS` of two blocks (the time to prove is that of one ballot), shuffles and decryptions by
rows of one and of three blocks; divide by the rows for the time of one.
"""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from vemre.group import Backend, Elements, Group, backends, load
from vemre.proofs import ballot_pok, decryption, possession, shuffle, threshold
from vemre.proofs.prove import ballot as prove_ballot
from vemre.proofs.prove import decryption as prove_decryption
from vemre.proofs.prove import possession as prove_possession
from vemre.proofs.prove import shuffle as prove_shuffle

CONTEXT = bytes(32)
BALLOTS = 50
TRUSTEES, THRESHOLD = 5, 3


@pytest.fixture(scope="module", params=backends())
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))


def points(group: Group, count: int) -> Elements:
    return group.decode(group.base_mul(group.random_scalars(count, os.urandom)).encode())


# --- key generation ------------------------------------------------------------------------------------------


def test_possession_prove(benchmark: Any, group: Group) -> None:
    secrets = group.random_scalars(THRESHOLD, os.urandom)
    statement = possession.Statement(CONTEXT, 1, group.base_mul(secrets))
    benchmark(prove_possession.prove, group, os.urandom, statement, secrets[0])


def test_possession_verify(benchmark: Any, group: Group) -> None:
    secrets = group.random_scalars(THRESHOLD, os.urandom)
    statement = possession.Statement(CONTEXT, 1, group.base_mul(secrets))
    proof = prove_possession.prove(group, os.urandom, statement, secrets[0])
    benchmark(possession.verify, group, statement, proof)


# --- ballots -------------------------------------------------------------------------------------------------


def one_ballot(group: Group, blocks: int = 2) -> tuple[ballot_pok.Statement, Any]:
    r = group.random_scalars(blocks, os.urandom)
    a, b = group.base_mul(r).encode(), points(group, blocks).encode()
    parts = [slice(32 * j, 32 * j + 32) for j in range(blocks)]
    listed = [ballot_pok.Block("contest", j, a[part], b[part]) for j, part in enumerate(parts)]
    return ballot_pok.Statement(CONTEXT, "urn", bytes(32), group.generator_h().encode(), listed), r


def test_ballot_prove(benchmark: Any, group: Group) -> None:
    statement, r = one_ballot(group)
    benchmark(prove_ballot.prove, group, os.urandom, statement, r)


@pytest.mark.parametrize("count", [1, BALLOTS])
def test_ballots_verify(benchmark: Any, group: Group, count: int) -> None:
    ballots = [one_ballot(group) for _ in range(count)]
    claims = [ballot_pok.Claim(s, prove_ballot.prove(group, os.urandom, s, r)) for s, r in ballots]
    benchmark(ballot_pok.verify, group, os.urandom, claims)


# --- shuffle -------------------------------------------------------------------------------------------------

SIZES = [(100, 1), (100, 3)]


def shuffled(group: Group, rows: int, width: int) -> tuple[shuffle.Statement, prove_shuffle.Witness]:
    key, inputs = points(group, 1), points(group, 2 * rows * width)
    outputs, witness = prove_shuffle.shuffle(group, os.urandom, key, inputs, width)
    outputs = group.decode(outputs.encode())
    return shuffle.Statement(CONTEXT, "urn", "contest", 1, width, key, inputs, outputs), witness


@pytest.mark.parametrize(("rows", "width"), SIZES)
def test_shuffle(benchmark: Any, group: Group, rows: int, width: int) -> None:
    key, inputs = points(group, 1), points(group, 2 * rows * width)

    def shuffle_and_encode() -> bytes:
        return prove_shuffle.shuffle(group, os.urandom, key, inputs, width)[0].encode()

    benchmark.pedantic(shuffle_and_encode, rounds=3)


@pytest.mark.parametrize(("rows", "width"), SIZES)
def test_shuffle_prove(benchmark: Any, group: Group, rows: int, width: int) -> None:
    statement, witness = shuffled(group, rows, width)
    benchmark.pedantic(prove_shuffle.prove, (group, os.urandom, statement, witness), rounds=3)


@pytest.mark.parametrize(("rows", "width"), SIZES)
def test_shuffle_verify(benchmark: Any, group: Group, rows: int, width: int) -> None:
    statement, witness = shuffled(group, rows, width)
    proof = prove_shuffle.prove(group, os.urandom, statement, witness)
    benchmark.pedantic(shuffle.verify, (group, os.urandom, statement, proof), rounds=3)


# --- decryption ----------------------------------------------------------------------------------------------

CIPHERTEXTS = 100


def decrypted(group: Group) -> tuple[decryption.Statement, int]:
    secret = group.random_scalars(1, os.urandom)
    bases = points(group, CIPHERTEXTS)
    shares = group.decode(prove_decryption.decrypt(group, bases, secret[0]).encode())
    key = group.base_mul(secret)
    return decryption.Statement(CONTEXT, "urn", "contest", 1, key, bases, shares), secret[0]


def test_decryption_shares(benchmark: Any, group: Group) -> None:
    bases, secret = points(group, CIPHERTEXTS), group.random_scalars(1, os.urandom)[0]
    benchmark.pedantic(lambda: prove_decryption.decrypt(group, bases, secret).encode(), rounds=5)


def test_decryption_prove(benchmark: Any, group: Group) -> None:
    statement, secret = decrypted(group)
    benchmark.pedantic(prove_decryption.prove, (group, os.urandom, statement, secret), rounds=5)


def test_decryption_verify(benchmark: Any, group: Group) -> None:
    statement, secret = decrypted(group)
    proof = prove_decryption.prove(group, os.urandom, statement, secret)
    benchmark.pedantic(decryption.verify, (group, os.urandom, statement, proof), rounds=5)


def test_decryption_combine(benchmark: Any, group: Group) -> None:
    payloads = points(group, CIPHERTEXTS)
    shares = {k: points(group, CIPHERTEXTS) for k in range(1, THRESHOLD + 1)}
    benchmark.pedantic(threshold.combine_shares, (group, payloads, shares), rounds=5)


def test_verification_keys(benchmark: Any, group: Group) -> None:
    dealt = [points(group, THRESHOLD) for _ in range(TRUSTEES)]
    benchmark(lambda: [threshold.verification_key(group, dealt, k) for k in range(1, TRUSTEES + 1)])

"""Time of what voters, mixers and trustees do, and of the count: run `pytest benchmarks/bench_election.py`.

Batches have `ROWS` rows of the presidential contest (two ciphertexts each); divide by it for the time of one.
"""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from vemre.crypto.boxes import BoxKey
from vemre.crypto.signing import SigningKey
from vemre.demo import pef2024
from vemre.election.blocks import decode_blocks, encode_blocks
from vemre.election.casting import encrypt_ballot
from vemre.election.challenge import check_challenge
from vemre.election.choice import Choice, encode_choice
from vemre.election.count import count_batch
from vemre.election.dkg import Ceremony, KeyShare, deal
from vemre.election.mixing import mix
from vemre.election.opening import open_batch
from vemre.group import Backend, Elements, Group, backends, load
from vemre.params import BLOCK_BYTES

ROWS = 100
OFFER = pef2024.offer(pef2024.entities(1))
URN = OFFER.urns[0].id
PRESIDENCY = OFFER.contests[0]
CONTEXT = bytes(32)


@pytest.fixture(scope="module", params=backends())
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))


@pytest.fixture(scope="module")
def joint_key(group: Group) -> Elements:
    return group.base_mul(group.random_scalars(1, os.urandom))


def choice(number: int) -> Choice:
    return pef2024.generate_choice("benchmark", str(number), PRESIDENCY)


@pytest.fixture(scope="module")
def plaintexts() -> bytes:
    return b"".join(encode_choice(PRESIDENCY, choice(number)) for number in range(ROWS))


@pytest.fixture(scope="module")
def ciphertexts(group: Group, joint_key: Elements, plaintexts: bytes) -> bytes:
    messages = encode_blocks(group, plaintexts)
    r = group.random_scalars(len(messages), os.urandom)
    a, b = group.base_mul(r).encode(), (messages + group.fixed_mul(joint_key, r)).encode()
    spans = [slice(start, start + 32) for start in range(0, len(a), 32)]
    return b"".join(a[span] + b[span] for span in spans)


def test_encrypt_ballot(benchmark: Any, group: Group, joint_key: Elements) -> None:
    """A whole ballot of three contests, six ciphertexts with their proofs."""
    key = SigningKey.generate(os.urandom)
    choices = {contest.id: pef2024.generate_choice("benchmark", "1", contest) for contest in OFFER.contests}
    benchmark(
        encrypt_ballot,
        group,
        os.urandom,
        context=CONTEXT,
        joint_key=joint_key,
        offer=OFFER,
        urn=URN,
        key=key,
        choices=choices,
    )


def test_check_challenge(benchmark: Any, group: Group, joint_key: Elements) -> None:
    key = SigningKey.generate(os.urandom)
    choices = {contest.id: pef2024.generate_choice("benchmark", "1", contest) for contest in OFFER.contests}
    ballot = encrypt_ballot(
        group, os.urandom, context=CONTEXT, joint_key=joint_key, offer=OFFER, urn=URN, key=key, choices=choices
    )
    shown, opening = ballot.fingerprint, ballot.challenge()
    benchmark(check_challenge, group, context=CONTEXT, joint_key=joint_key, offer=OFFER, shown=shown, opening=opening)


def test_encode_blocks(benchmark: Any, group: Group, plaintexts: bytes) -> None:
    assert len(benchmark(encode_blocks, group, plaintexts)) == 2 * ROWS


def test_decode_blocks(benchmark: Any, group: Group, plaintexts: bytes) -> None:
    """The blocks of votes, most of which are alike."""
    encodings = encode_blocks(group, plaintexts).encode()
    assert None not in benchmark(decode_blocks, group, encodings)


def test_decode_distinct_blocks(benchmark: Any, group: Group) -> None:
    """The worst that voters can do: no two blocks alike."""
    encodings = encode_blocks(group, os.urandom(2 * ROWS * BLOCK_BYTES)).encode()
    assert None not in benchmark(decode_blocks, group, encodings)


def test_count(benchmark: Any) -> None:
    """A whole board's worth of rows: no arithmetic of the group."""
    data = [encode_choice(PRESIDENCY, choice(number)) for number in range(1_500)]
    rows = [[row[:BLOCK_BYTES], row[BLOCK_BYTES:]] for row in data]
    assert benchmark(count_batch, PRESIDENCY, rows).rows == 1_500


def test_deal(benchmark: Any, group: Group) -> None:
    """All messages of one of five trustees, threshold three."""
    keys = [BoxKey.generate(os.urandom) for _ in range(5)]
    ceremony = Ceremony(1, CONTEXT, 3, tuple(key.public for key in keys))
    benchmark(deal, group, os.urandom, ceremony, 1, keys[0])


def test_mix(benchmark: Any, group: Group, joint_key: Elements, ciphertexts: bytes) -> None:
    benchmark(
        mix,
        group,
        os.urandom,
        context=CONTEXT,
        urn=URN,
        contest=PRESIDENCY.id,
        mixer=1,
        width=PRESIDENCY.blocks,
        joint_key=joint_key,
        source=ciphertexts,
    )


def test_open_batch(benchmark: Any, group: Group, ciphertexts: bytes) -> None:
    """One trustee's shares and their proof."""
    share = KeyShare(1, 1, group.random_scalars(1, os.urandom)[0])
    benchmark(
        open_batch,
        group,
        os.urandom,
        share,
        context=CONTEXT,
        urn=URN,
        contest=PRESIDENCY.id,
        verification_key=group.base_mul(group.scalars([share.secret()])),
        ciphertexts=ciphertexts,
    )

"""Receipts: what proves inclusion offline, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.note import Note
from vemre.log.proof import Receipt
from vemre.log.signer import Ed25519Cosigner, LogSigner

LOG = LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([1]) * 32))
WITNESS = Ed25519Cosigner("auditor1.example/w", SigningKey.from_seed(bytes([2]) * 32))
LEAVES = [merkle.leaf_hash(b"ballot %d" % i) for i in range(5)]


def read(level: int, index: int) -> bytes:
    return merkle.perfect_root(LEAVES[index << level : (index + 1) << level])


def receipt(index: int = 3, extra: bytes | None = None) -> Receipt:
    proof = merkle.inclusion_proof(index, len(LEAVES), read)
    return Receipt(index, tuple(proof), LOG.sign(len(LEAVES), merkle.root(LEAVES)), extra)


def refused(act: Callable[[], object], check: Check) -> None:
    with pytest.raises(CheckFailed) as caught:
        act()
    assert caught.value.check == check


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("extra", [None, b"", b"\x00urna-17"])
def test_round_trip_and_verification(index: int, extra: bytes | None) -> None:
    data = receipt(index, extra).encode()
    parsed = Receipt.parse(data)
    assert parsed == receipt(index, extra)
    assert parsed.encode() == data
    opened = parsed.verify(LEAVES[index], LOG.vkey)
    assert opened.size == 5
    assert not opened.cosigners


def test_the_format() -> None:
    single = Receipt(0, (), LOG.sign(1, LEAVES[0]), b"hi")
    head = single.encode().decode().split("\n\n")[0]
    assert head == "c2sp.org/tlog-proof@v1\nextra aGk=\nindex 0"
    assert Receipt.parse(single.encode()).verify(LEAVES[0], LOG.vkey).size == 1


def test_a_cosigned_receipt_tells_who_cosigned() -> None:
    plain = receipt()
    opened = plain.verify(LEAVES[3], LOG.vkey)
    lines = [WITNESS.cosign(opened.checkpoint, 1_700_000_000)]
    upgraded = Receipt(plain.index, plain.hashes, Note.parse(plain.checkpoint).with_lines(lines).encode())
    parsed = Receipt.parse(upgraded.encode())
    assert parsed.verify(LEAVES[3], LOG.vkey, [WITNESS.vkey]).cosigners == {WITNESS.vkey: 1_700_000_000}


def test_another_entry_index_or_log_is_refused() -> None:
    good = receipt()
    refused(lambda: good.verify(LEAVES[2], LOG.vkey), Check.LOG)
    refused(lambda: Receipt(2, good.hashes, good.checkpoint).verify(LEAVES[3], LOG.vkey), Check.LOG)
    refused(lambda: Receipt(5, good.hashes, good.checkpoint).verify(LEAVES[3], LOG.vkey), Check.LOG)
    refused(lambda: Receipt(3, good.hashes[:-1], good.checkpoint).verify(LEAVES[3], LOG.vkey), Check.LOG)
    refused(lambda: Receipt(3, (*good.hashes, bytes(32)), good.checkpoint).verify(LEAVES[3], LOG.vkey), Check.LOG)
    other = LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([9]) * 32))
    refused(lambda: good.verify(LEAVES[3], other.vkey), Check.NOTE)
    forged = Receipt(3, good.hashes, good.checkpoint.replace(b"\n5\n", b"\n6\n"))
    refused(lambda: forged.verify(LEAVES[3], LOG.vkey), Check.NOTE)


HEAD = b"c2sp.org/tlog-proof@v1\n"
HASH = b"jAmfNVtAfo6GXqsclUAY8TUN1hBbIp/iM/xDQlRXrZI="


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"index 3",
        HEAD + b"\nindex 3\n\nnote",
        b"c2sp.org/tlog-proof@v2\nindex 3\n\nnote",
        b"\n" + HEAD + b"index 3\n\nnote",
        HEAD + b"index 03\n\nnote",
        HEAD + b"index +3\n\nnote",
        HEAD + b"index  3\n\nnote",
        HEAD + b"Index 3\n\nnote",
        HEAD + b"index\n\nnote",
        HEAD + b"extra aGk\nindex 3\n\nnote",
        HEAD + b"extra aGl=\nindex 3\n\nnote",
        HEAD + b"extra aGk=\nextra aGk=\nindex 3\n\nnote",
        HEAD + b"index 3\nextra aGk=\n\nnote",
        HEAD + b"index 3\nindex 3\n\nnote",
        HEAD + b"index 3\n" + HASH[:-1] + b"\n\nnote",
        HEAD + b"index 3\n " + HASH + b"\n\nnote",
        HEAD + b"index 3\n" + b"\n".join([HASH] * 64) + b"\n\nnote",
        HEAD + b"index 3\r\n\nnote",
        HEAD + b"index 3\n\n\xff",
        HEAD + b"index 3\n\n" + b"x" * 200_000,
    ],
)
def test_malformed_receipts_refused(data: bytes) -> None:
    refused(lambda: Receipt.parse(data), Check.NOTE)


def test_63_hashes_are_read() -> None:
    assert len(Receipt.parse(HEAD + b"index 3\n" + b"\n".join([HASH] * 63) + b"\n\nnote").hashes) == 63

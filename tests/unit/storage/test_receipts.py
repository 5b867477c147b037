"""Receipts by the batch are those that are given one by one."""

from collections.abc import Callable

import pytest

from vemre.log import merkle
from vemre.log.signer import LogSigner
from vemre.storage.group_commit import GroupCommitter
from vemre.storage.log_store import LogStore


@pytest.mark.parametrize("before", [0, 1, 250, 256, 700])
def test_receipts_of_a_batch(store: LogStore, append: Callable[..., range], signer: LogSigner, before: int) -> None:
    if before:
        append(*(b"before %d" % number for number in range(before)))
    indices = append(*(b"entry %d" % number for number in range(20)))
    receipts = store.receipts(indices, store.checkpoint)
    assert receipts == [store.receipt(index) for index in indices]
    for receipt in receipts:
        opened = receipt.verify(store.leaf_hash(receipt.index), signer.vkey)
        assert opened.size == before + 20


def test_receipts_after_the_log_has_grown(store: LogStore, append: Callable[..., range]) -> None:
    indices = append(*(b"entry %d" % number for number in range(200)))
    note = store.checkpoint
    append(*(b"later %d" % number for number in range(200)))
    assert store.receipts(indices, note) == [store.receipt(index) for index in indices]


def test_committed_has_the_checkpoint_of_its_batch(store: LogStore, signer: LogSigner) -> None:
    with GroupCommitter(store) as committer:
        futures = [committer.submit(lambda t, n=n: t.append([b"%d" % n])) for n in range(5)]  # type: ignore[misc]
        for future in futures:
            committed = future.result()
            (receipt,) = store.receipts(committed.indices, committed.note)
            assert receipt.verify(merkle.leaf_hash(store.entry(receipt.index)), signer.vkey).size == committed.size

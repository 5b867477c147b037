"""A writer that is really killed: whatever it told anybody before is in the log afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.proof import Receipt
from vemre.log.signer import LogSigner
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade

WRITER = """
import sys
from vemre.crypto.signing import SigningKey
from vemre.log.signer import LogSigner
from vemre.storage.engine import open_engine
from vemre.storage.group_commit import GroupCommitter
from vemre.storage.log_store import LogStore

store = LogStore(open_engine(sys.argv[1]), LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([1]) * 32)))
with GroupCommitter(store) as committer:
    number = store.size
    while True:
        futures = [
            committer.submit(lambda transaction, entry=b"entry %d" % (number + i): transaction.append([entry]))
            for i in range(3)
        ]
        for future in futures:
            receipt = store.receipt(future.result().indices[0])
            sys.stdout.write(receipt.encode().hex() + "\\n")
            sys.stdout.flush()
        number += 3
"""


def test_receipts_survive_a_killed_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.sqlite"
    signer = LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([1]) * 32))
    engine = open_engine(url)
    upgrade(engine)
    LogStore.create(engine, signer)
    engine.dispose()
    receipts: list[Receipt] = []
    for wanted in (1, 7, 40):
        with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(wanted)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        receipts += [Receipt.parse(bytes.fromhex(line)) for line in lines if line.endswith("\n")]
        engine = open_engine(url)
        store = LogStore(engine, signer)
        assert list(store.entries()) == [b"entry %d" % i for i in range(store.size)]
        for receipt in receipts:
            entry = store.entry(receipt.index)
            opened = receipt.verify(merkle.leaf_hash(entry), signer.vkey)
            store.confirm(opened)
            assert store.receipt(receipt.index) == receipt
        engine.dispose()
    assert len(receipts) >= 48

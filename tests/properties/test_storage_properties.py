"""The store against a list: any sequence of batches, refusals and restarts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from vemre.crypto.signing import SigningKey
from vemre.errors import Refused
from vemre.log import merkle
from vemre.log.checkpoint import open_checkpoint
from vemre.log.reader import LogReader
from vemre.log.signer import LogSigner
from vemre.storage.engine import open_engine, sqlite_url
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade

SIGNER = LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes(32)))

requests = st.tuples(st.lists(st.binary(max_size=8), max_size=200), st.booleans())
batches = st.lists(requests, max_size=4)
steps = st.lists(st.tuples(batches, st.sampled_from(["commit", "roll back", "restart"])), max_size=6)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_the_store_is_the_list_of_what_was_accepted(steps: list[tuple[list[tuple[list[bytes], bool]], str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_url(Path(folder) / "log.sqlite"))
        upgrade(engine)
        store, accepted = LogStore.create(engine, SIGNER), list[bytes]()
        for requests, ending in steps:
            pending = list(accepted)
            try:
                with store.transaction() as transaction:
                    for entries, refused in requests:
                        try:
                            with transaction.savepoint():
                                indices = transaction.append(entries)
                                assert indices == range(len(pending), len(pending) + len(entries))
                                if refused:
                                    raise Refused("already-voted")
                            pending += entries
                        except Refused:
                            assert refused
                    if ending == "roll back":
                        raise LookupError
                accepted = pending
            except LookupError:
                assert ending == "roll back"
            if ending == "restart":
                store = LogStore(engine, SIGNER)
        opened = open_checkpoint(store.read_path("checkpoint"), SIGNER.vkey)
        assert opened.root == merkle.root(map(merkle.leaf_hash, accepted))
        assert list(LogReader(store.read_path, opened.checkpoint, name="ballot").entries()) == accepted
        assert list(LogStore(engine, SIGNER).entries()) == accepted
        engine.dispose()

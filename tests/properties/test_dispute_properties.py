"""Whatever two logs a key signed: a dispute is found exactly where the later one does not continue the earlier."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.proof import Receipt
from vemre.log.reader import Fetch
from vemre.log.signer import LogSigner
from vemre.log.tiles import Tile, encode_tile
from vemre.records.dispute import Dispute, find

LOG = LogSigner("a.example/ballot", SigningKey.from_seed(bytes(32)))
LEAVES = [hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(600)]


def tiles_of(leaves: list[bytes]) -> Fetch:
    rows = [leaves]
    while len(rows[-1]) >= 256:
        row = rows[-1]
        rows.append([merkle.perfect_root(row[i : i + 256]) for i in range(0, len(row) // 256 * 256, 256)])

    def fetch(path: str) -> bytes:
        tile = Tile.parse(path)
        return encode_tile(rows[tile.level][tile.start : tile.start + tile.width])

    return fetch


def receipt(leaves: list[bytes], index: int) -> bytes:
    def read(level: int, place: int) -> bytes:
        return merkle.perfect_root(leaves[place << level : (place + 1) << level])

    proof = merkle.inclusion_proof(index, len(leaves), read)
    return Receipt(index, tuple(proof), LOG.sign(len(leaves), merkle.root(leaves))).encode()


@settings(max_examples=120)
@given(st.data())
def test_dispute_is_found_where_there_is_one(data: st.DataObject) -> None:
    later_size = data.draw(st.integers(1, len(LEAVES)))
    size = data.draw(st.integers(1, later_size))
    index = data.draw(st.integers(0, size - 1))
    changed = data.draw(st.none() | st.integers(0, later_size - 1))
    later = LEAVES[:later_size]
    if changed is not None:
        later[changed] = bytes(32)
    note = LOG.sign(later_size, merkle.root(later))
    found = find(receipt(LEAVES[:size], index), LEAVES[index], note, LOG.vkey, tiles_of(later))
    if changed is None or changed >= size:
        assert found is None
        return
    assert found is not None
    fault = Dispute.parse(found.encode()).verify(LOG.vkey)
    expected = "two-roots" if size == later_size else "another-entry" if changed == index else "another-beginning"
    assert (fault.kind, fault.index, fault.later.size) == (expected, index, later_size)
    assert fault.found == (bytes(32) if expected == "another-entry" else merkle.root(later[:size]))

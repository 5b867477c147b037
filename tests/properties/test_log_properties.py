"""Properties of the log: any tree, any bytes."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import open_checkpoint
from vemre.log.note import Note, Vkey
from vemre.log.proof import Receipt
from vemre.log.signer import LogSigner
from vemre.log.tiles import Tile, decode_bundle, encode_bundle, tile_at, tiles
from vemre.log.witness import NOTHING_COSIGNED, decide

LEAVES = [hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(700)]
LOG = LogSigner("a.example/log", SigningKey.from_seed(bytes(32)))
NOTE = LOG.sign(700, merkle.root(LEAVES))


def read(level: int, index: int) -> bytes:
    return merkle.perfect_root(LEAVES[index << level : (index + 1) << level])


sizes = st.integers(0, len(LEAVES))


@given(sizes, st.integers(0, len(LEAVES)))
def test_inclusion_holds_for_the_leaf_and_no_other(size: int, index: int) -> None:
    if index < size:
        proof = merkle.inclusion_proof(index, size, read)
        root = merkle.subtree_hash(0, size, read)
        merkle.verify_inclusion(index, size, LEAVES[index], proof, root)
        for other in {index - 1, index + 1, size} - {index}:
            if 0 <= other < size:
                assert fails(lambda o=other: merkle.verify_inclusion(o, size, LEAVES[index], proof, root))  # type: ignore[misc]


@given(sizes, sizes)
def test_consistency_holds_for_prefixes_and_no_other(first: int, second: int) -> None:
    old, new = sorted((first, second))
    proof = merkle.consistency_proof(old, new, read)
    old_root, new_root = merkle.subtree_hash(0, old, read), merkle.subtree_hash(0, new, read)
    merkle.verify_consistency(old, new, old_root, new_root, proof)
    if old:
        assert fails(lambda: merkle.verify_consistency(old, new, LEAVES[0][::-1], new_root, proof))
        assert fails(lambda: merkle.verify_consistency(old, new, old_root, LEAVES[0][::-1], proof))


@given(st.integers(1, len(LEAVES) - 1), st.integers(2, len(LEAVES)), st.data())
def test_a_prefix_has_one_root_whatever_the_proof_says(first: int, second: int, data: st.DataObject) -> None:
    old, new = sorted((first, second))
    if old == new:
        return
    proof, new_root = merkle.prefix_proof(old, new, read), merkle.subtree_hash(0, new, read)
    old_root = merkle.subtree_hash(0, old, read)
    assert merkle.prefix_root(old, new, proof, new_root) == old_root
    other = data.draw(st.sampled_from([proof[:-1], [*proof, LEAVES[0]], proof[::-1], [LEAVES[0], *proof[1:]], []]))
    with suppress(CheckFailed):
        assert merkle.prefix_root(old, new, other, new_root) == old_root


@given(sizes)
def test_the_frontier_is_the_tree(size: int) -> None:
    frontier = merkle.Frontier.read(size, read)
    assert frontier.root() == merkle.subtree_hash(0, size, read)
    for leaf in LEAVES[size : size + 3]:
        frontier.append(leaf)
    assert frontier.root() == merkle.subtree_hash(0, frontier.size, read)


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@given(st.integers(0, 10**7))
def test_the_layout_covers_the_log(size: int) -> None:
    last = tile_at(0, max(size - 1, 0) // 256, size)
    assert (last is None) == (size == 0)
    if last is not None:
        assert last.start + last.width == size


@given(st.integers(0, 3000))
def test_paths_of_the_layout_parse(size: int) -> None:
    for tile in tiles(size):
        assert Tile.parse(tile.path) == tile


@settings(max_examples=300)
@given(st.integers(0, len(NOTE) - 1), st.binary(max_size=3), st.integers(0, 2))
def test_no_edit_of_a_checkpoint_is_believed(place: int, inserted: bytes, removed: int) -> None:
    edited = NOTE[:place] + inserted + NOTE[place + removed :]
    if edited != NOTE:
        try:
            opened = open_checkpoint(edited, LOG.vkey)
        except CheckFailed:
            return
        assert opened.note.text == Note.parse(NOTE).text  # at most an unknown line was added


@given(st.binary(max_size=400))
def test_parsers_refuse_any_bytes_in_one_way(data: bytes) -> None:
    for parse in (Note.parse, Receipt.parse):
        with suppress(CheckFailed):
            assert parse(data).encode() == data
    assert decide(data, {}, lambda origin: NOTHING_COSIGNED).status in (400, 404)


@given(st.text(max_size=80))
def test_vkeys_and_paths_have_one_spelling(text: str) -> None:
    with suppress(CheckFailed):
        assert str(Vkey.parse(text)) == text
    with suppress(CheckFailed):
        assert Tile.parse(text).path == text


def fails(act: object) -> bool:
    try:
        act()  # type: ignore[operator]
    except CheckFailed:
        return True
    return False

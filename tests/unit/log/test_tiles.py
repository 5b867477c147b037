"""Tile paths and bundles, strict in both directions."""

from __future__ import annotations

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.tiles import (
    ENTRIES,
    MAX_BUNDLE_BYTES,
    Tile,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    tile_at,
    tile_paths,
)

GOOD = {
    "tile/0/000": Tile(0, 0),
    "tile/entries/005": Tile(ENTRIES, 5),
    "tile/1/999.p/1": Tile(1, 999, 1),
    "tile/0/x001/000.p/255": Tile(0, 1000, 255),
    "tile/63/x001/x234/067": Tile(63, 1_234_067),
    "tile/9/x001/x000/x000/x000/x000/x000/000": Tile(9, 10**18),
}
BAD = [
    "",
    "tile",
    "tile/0",
    "tile/0/",
    "tile/0/5",
    "tile/0/05",
    "tile/0/0005",
    "tile/0/x000/005",
    "tile/0/001/234",
    "tile/0/x001",
    "tile/0/x001/x234",
    "tile/0/X001/234",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/+1/000",
    "tile/data/000",
    "tile/8/0/000/",
    "/tile/0/000",
    "tile//0/000",
    "tile/0/000.p",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/00",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/999",
    "tile/0/000.p/+1",
    "tile/0/000.P/1",
    "tile/0/000\n",
    "tile/0/000.p/1\n",
    "tile/0/../0/000",
    "tile/0/٠٠٠",
    "tile/entries/000.gz",
    "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
]


@pytest.mark.parametrize(("path", "tile"), GOOD.items())
def test_paths(path: str, tile: Tile) -> None:
    assert Tile.parse(path) == tile
    assert tile.path == path


@pytest.mark.parametrize("path", BAD)
def test_other_spellings_refused(path: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        Tile.parse(path)
    assert caught.value.check == Check.LOG


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/entries/000.p/1", "tile/0/000.p/1"]),
        (255, ["tile/entries/000.p/255", "tile/0/000.p/255"]),
        (256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_layout(size: int, paths: list[str]) -> None:
    assert list(tile_paths(size)) == paths


@pytest.mark.parametrize(
    ("size", "upper"),
    [
        (65_535, ["tile/1/000.p/255"]),
        (65_536, ["tile/1/000", "tile/2/000.p/1"]),
        (65_537, ["tile/1/000", "tile/2/000.p/1"]),
    ],
)
def test_upper_levels(size: int, upper: list[str]) -> None:
    paths = list(tile_paths(size))
    assert [path for path in paths if path[5] not in "0e"] == upper
    assert len(paths) == 2 * -(-size // 256) + len(upper)


def test_widths_of_the_specification() -> None:
    assert tile_at(0, 273, 70_000) == Tile(0, 273, 112)
    assert tile_at(1, 1, 70_000) == Tile(1, 1, 17)
    assert tile_at(2, 0, 70_000) == Tile(2, 0, 1)
    assert tile_at(0, 274, 70_000) is None
    assert tile_at(3, 0, 70_000) is None
    assert tile_at(0, 1, 256) is None
    assert tile_at(64, 0, 2**600) is None


def test_an_entry_of_65535_bytes_fits_and_one_more_byte_does_not() -> None:
    data = encode_bundle([b"x" * 65_535])
    assert len(data) == 65_537
    assert decode_bundle(data, 1) == [b"x" * 65_535]
    with pytest.raises(CheckFailed, match="65536 bytes"):
        encode_bundle([b"x" * 65_536])
    assert len(encode_bundle([b"x" * 65_535] * 256)) == MAX_BUNDLE_BYTES


def test_bundles_hold_their_entries_and_nothing_else() -> None:
    entries = [b"", b"a", b"bc" * 400]
    data = encode_bundle(entries)
    assert decode_bundle(data, 3) == entries
    for length in range(len(data)):
        with pytest.raises(CheckFailed):
            decode_bundle(data[:length], 3)
    for wrong, width in [(data + b"\0", 3), (data + b"\0\0", 3), (data, 2), (data, 4), (b"", 1)]:
        with pytest.raises(CheckFailed) as caught:
            decode_bundle(wrong, width)
        assert caught.value.check == Check.LOG


def test_tiles_hold_their_hashes_and_nothing_else() -> None:
    hashes = [bytes([i]) * 32 for i in range(3)]
    assert decode_tile(encode_tile(hashes), 3) == hashes
    for width in (2, 4):
        with pytest.raises(CheckFailed):
            decode_tile(encode_tile(hashes), width)
    with pytest.raises(CheckFailed):
        decode_tile(encode_tile(hashes)[:-1], 3)

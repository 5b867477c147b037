"""A log that nobody is trusted to serve: every alteration of a file is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint
from vemre.log.reader import LogReader

SIZES = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537]
Files = dict[str, bytes]
Builder = Callable[[Sequence[bytes]], Files]


def entry(index: int) -> bytes:
    return b"entry %d" % index


def fetcher(files: Files) -> Callable[[str], bytes]:
    def fetch(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    return fetch


def reader(files: Files, size: int, *, allow_full: bool = False, root: bytes | None = None) -> LogReader:
    expected = root or merkle.root(merkle.leaf_hash(entry(i)) for i in range(size))
    return LogReader(
        fetcher(files),
        Checkpoint("vemre.example/ballot", size, expected),
        name="ballot",
        party="ballot-box",
        allow_full=allow_full,
    )


@pytest.fixture(scope="module")
def build(make_static_log: Builder) -> Callable[[int], Files]:
    cache: dict[int, Files] = {}

    def build(size: int) -> Files:
        if size not in cache:
            cache[size] = make_static_log([entry(i) for i in range(size)])
        return dict(cache[size])

    return build


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_of_every_size(size: int, build: Callable[[int], Files]) -> None:
    log = reader(build(size), size)
    log.authenticate()
    assert list(log.entries()) == [entry(i) for i in range(size)]
    for start in {0, 1, 255, 256, size // 2, max(size - 1, 0), size}:
        assert list(log.entries(start)) == [entry(i) for i in range(start, size)]
    for index in {0, 255, 256, size - 1} & set(range(size)):
        assert log.entry(index) == entry(index)
        proof = log.inclusion_proof(index)
        merkle.verify_inclusion(index, size, merkle.leaf_hash(entry(index)), proof, log.checkpoint.root)
    for old in {0, 1, 255, 256, size // 3} & set(range(size + 1)):
        proof = log.consistency_proof(old)
        merkle.verify_consistency(old, size, log.root_at(old), log.checkpoint.root, proof)
    with pytest.raises(IndexError):
        log.entry(size)
    with pytest.raises(ValueError, match="not that long"):
        log.root_at(size + 1)


def refuse(files: Files, size: int, where: str) -> CheckFailed:
    """The log reads to a failure at `where` that names its writer."""
    with pytest.raises(CheckFailed) as caught:
        reader(files, size).authenticate()
    assert caught.value.check == Check.LOG
    assert caught.value.party == "ballot-box"
    assert caught.value.where == where
    return caught.value


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_537])
def test_a_flipped_bit_anywhere_is_found(size: int, build: Callable[[int], Files]) -> None:
    files = build(size)
    draw = random.Random(size)
    paths = sorted(files) if len(files) < 10 else [p for p in files if p[5] not in "0e"] + draw.sample(sorted(files), 6)
    for path in paths:
        altered = bytearray(files[path])
        altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
        # An altered edge tile shows in the root, any other file in itself.
        where = "ballot" if ".p/" in path and "entries" not in path else f"ballot/{path}"
        refuse({**files, path: bytes(altered)}, size, where)


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: d[:-32], lambda d: b"", lambda d: d * 2]
)
@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
)
def test_truncated_and_extended_files_are_found(
    path: str, change: Callable[[bytes], bytes], build: Callable[[int], Files]
) -> None:
    files = build(300)
    refuse({**files, path: change(files[path])}, 300, f"ballot/{path}")


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
)
def test_missing_files_are_found(path: str, build: Callable[[int], Files]) -> None:
    files = build(300)
    del files[path]
    assert refuse(files, 300, f"ballot/{path}").detail == "missing"


def test_swapped_doubled_and_dropped_entries_are_found(build: Callable[[int], Files], make_static_log: Builder) -> None:
    entries = [entry(i) for i in range(300)]
    for altered in (
        [*entries[:10], entries[11], entries[10], *entries[12:]],
        [*entries[:10], entries[9], *entries[11:]],
        [*entries[:255], entries[256], entries[255], *entries[257:]],
    ):
        bundles = {path: data for path, data in make_static_log(altered).items() if "entries" in path}
        refuse({**build(300), **bundles}, 300, "ballot/tile/entries/000")
    # With tiles to match, it is another tree.
    refuse(make_static_log([*entries[:10], entries[11], entries[10], *entries[12:]]), 300, "ballot")
    refuse(make_static_log([*entries[:10], *entries[11:], b"x"]), 300, "ballot")


def test_swapped_bundles_are_found(build: Callable[[int], Files]) -> None:
    files = build(600)
    files["tile/entries/000"], files["tile/entries/001"] = files["tile/entries/001"], files["tile/entries/000"]
    refuse(files, 600, "ballot/tile/entries/000")
    files = build(600)
    files["tile/0/000"], files["tile/0/001"] = files["tile/0/001"], files["tile/0/000"]
    refuse(files, 600, "ballot/tile/0/000")


def test_the_files_of_an_older_or_newer_size_are_found(build: Callable[[int], Files]) -> None:
    refuse(build(299), 300, "ballot/tile/0/001.p/44")
    refuse(build(300), 299, "ballot/tile/0/001.p/43")
    root = merkle.root(merkle.leaf_hash(entry(i)) for i in range(299))
    with pytest.raises(CheckFailed, match="checkpoint's root"):
        reader(build(300), 300, root=root)
    with pytest.raises(CheckFailed, match="checkpoint's root"):
        reader({}, 0, root=root)


def test_entries_before_the_damage_are_given_and_none_after(build: Callable[[int], Files]) -> None:
    files = build(600)
    files["tile/entries/001"] = files["tile/entries/001"][:-1] + b"?"
    log = reader(files, 600).entries()
    assert [next(log) for _ in range(256)] == [entry(i) for i in range(256)]
    with pytest.raises(CheckFailed):
        next(log)
    with pytest.raises(CheckFailed):
        next(reader(files, 600).entries(300))


def test_a_full_tile_stands_in_for_a_partial_one_only_while_served(build: Callable[[int], Files]) -> None:
    # Of size 300, the partial tiles that have grown full are gone; the one of level 1 has not grown full yet.
    upper = {"tile/1/000.p/1": build(300)["tile/1/000.p/1"]}
    served = {**build(512), **upper}
    log = reader(served, 300, allow_full=True)
    log.authenticate()
    assert list(log.entries(290)) == [entry(i) for i in range(290, 300)]
    with pytest.raises(CheckFailed, match="missing"):
        reader(served, 300)
    with pytest.raises(CheckFailed, match="missing"):
        reader(build(256), 300, allow_full=True)
    grown = {**build(512), **upper}
    grown["tile/entries/001"] = grown["tile/entries/001"].replace(entry(299), b"Entry 299")
    with pytest.raises(CheckFailed, match="entry 299"):
        reader(grown, 300, allow_full=True).authenticate()


def test_failures_of_the_fetcher_are_located(build: Callable[[int], Files]) -> None:
    def fetch(path: str) -> bytes:
        raise CheckFailed(Check.LOG, "too large")

    with pytest.raises(CheckFailed) as caught:
        LogReader(fetch, Checkpoint("o", 1, bytes(32)), name="tally", party="tally")
    assert (caught.value.where, caught.value.party) == ("tally/tile/0/000.p/1", "tally")

    def broken(path: str) -> bytes:
        raise PermissionError(path)

    with pytest.raises(PermissionError):
        LogReader(broken, Checkpoint("o", 1, bytes(32)), name="tally")

"""Releases do not depend on order, and comparisons say what was done, whatever was done."""

from hypothesis import given
from hypothesis import strategies as st

from vemre.election import release

SEGMENTS = st.text("abcxyz019_-", min_size=1, max_size=6)
PATHS = st.builds(
    lambda package, below: "/".join((package, *below)),
    st.sampled_from(release.PACKAGES),
    st.lists(SEGMENTS, min_size=1, max_size=4),
)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LISTS = st.dictionaries(PATHS, DIGESTS, min_size=1, max_size=20)


@given(LISTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(files: dict[str, str], random: object) -> None:
    items = list(files.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert release.digest(dict(items)) == release.digest(files)
    assert release.parse_list(release.encode_list(dict(items))) == files


@given(LISTS, LISTS)
def test_comparison_rebuilds_what_is_deployed(audited: dict[str, str], found: dict[str, str]) -> None:
    difference = release.compare(audited, release.Deployed(found))
    rebuilt = {path: digest for path, digest in audited.items() if path not in difference.missing}
    rebuilt.update({path: found[path] for path in (*difference.added, *difference.changed)})
    assert rebuilt == found
    assert (release.digest(found) == release.digest(audited)) == (not difference.paths)
    mirrored = release.compare(found, release.Deployed(audited))
    assert (mirrored.added, mirrored.missing) == (difference.missing, difference.added)
    assert mirrored.changed == difference.changed


@given(st.lists(PATHS, max_size=60), st.integers(2, 400))
def test_folded_paths_cover_all_and_only_grow_coarser(paths: list[str], limit: int) -> None:
    folded = release.fold(paths, limit)
    assert release.undeclared(paths, set(folded)) == []
    assert len(folded) <= len(set(paths)) or not paths
    assert folded == sorted(folded)


@given(st.lists(PATHS, max_size=20), st.sets(PATHS, max_size=5))
def test_an_exception_covers_what_it_names(paths: list[str], exceptions: set[str]) -> None:
    left = release.undeclared(paths, exceptions)
    assert left == sorted(set(paths) - exceptions)
    folders = {f"{path.rpartition('/')[0]}/" for path in paths}
    assert release.undeclared(paths, folders) == []

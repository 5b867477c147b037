"""Releases, differences and exceptions: the pure part."""

import pytest

from vemre.crypto import canonical
from vemre.election import release
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v

A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)
AUDITED = {"vemre/a.py": A, "vemre/b.py": B, "tally/x/y.py": C}


def test_digest_is_that_of_the_canonical_list() -> None:
    assert release.encode_list({"vemre/b.py": B, "vemre/a.py": A}) == (
        b'{"vemre/a.py":"' + A.encode() + b'","vemre/b.py":"' + B.encode() + b'"}'
    )
    assert release.digest(AUDITED) == release.digest(dict(reversed(AUDITED.items())))
    # printf '{"vemre/a.py":"<aa x 32>"}' | openssl dgst -sha3-256
    assert release.digest({"vemre/a.py": A}) == "eced15082fff842549db22546f2b64bf5dd9d1cf3327793498e8539ae373a65a"


def test_list_round_trip() -> None:
    assert release.parse_list(release.encode_list(AUDITED)) == AUDITED


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "vemre",
        "vemre/",
        "/vemre/a.py",
        "vemre//a.py",
        "vemre/../a.py",
        "vemre/./a.py",
        "other/a.py",
        "vemre/a b.py",
        "vemre/ñ.py",
        "vemre/a\n.py",
        "vemre/\\xff.py",
        "vemre/" + "a" * 600,
        "ENTRY-POINTS.json",
        "vemre/__pycache__/a.pyc",
        "audit/node_modules/x.js",
    ],
)
def test_no_list_has_such_a_path(path: str) -> None:
    with pytest.raises(CheckFailed):
        release.parse_list(canonical.encode({path: A}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"vemre/a.py":"AA"}',
        b'{"vemre/a.py":1}',
        b'{ "vemre/a.py":"' + A.encode() + b'"}',
        b'{"vemre/a.py":"' + A.upper().encode() + b'"}',
        b"{" * 50_000,
    ],
)
def test_malformed_lists_are_refused(data: bytes) -> None:
    with pytest.raises(CheckFailed):
        release.parse_list(data)


def test_every_kind_of_difference() -> None:
    found = release.Deployed({"vemre/a.py": A, "vemre/b.py": C, "vemre/new.py": A}, {"vemre/link": "a symbolic link"})
    difference = release.compare(AUDITED, found)
    assert difference == release.Comparison(("vemre/new.py",), ("tally/x/y.py",), ("vemre/b.py",), ("vemre/link",))
    assert difference.paths == ["tally/x/y.py", "vemre/b.py", "vemre/link", "vemre/new.py"]
    assert not release.compare(AUDITED, release.Deployed(AUDITED)).paths


def test_record_states_every_difference() -> None:
    draft = release.draft("tally", AUDITED, release.Deployed({**AUDITED, "vemre/a.py": B}, {"tally/p": "too large"}))
    assert isinstance(draft.body, v.Integrity)
    assert draft.body.differences == ["tally/p", "vemre/a.py"]
    assert draft.body.release == release.digest(AUDITED)
    assert release.parse_list(draft.blobs[0])["vemre/a.py"] == B


def test_long_lists_of_differences_are_folded_and_still_cover_everything() -> None:
    paths = [f"vemre/{'d' * 60}{n % 50}/{n:05}.py" for n in range(2_000)]
    folded = release.fold(paths)
    assert len(folded) == 50
    assert all(release.covers(folded, path) for path in paths)
    paths = [f"vemre/{'d' * 60}{n}/x.py" for n in range(2_000)] + ["tally/x.py", "tally"]
    folded = release.fold(paths)
    assert folded == ["tally", "tally/", "vemre/"]
    assert all(release.covers(folded, path) for path in paths)
    assert release.fold([f"{n:0300}/x" for n in range(1_000)]) == ["/"]
    assert release.fold(["b/x", "a/x", "b/x"]) == ["a/x", "b/x"]


def test_exceptions_cover_files_and_folders_and_nothing_beside_them() -> None:
    paths = ["vemre/a.py", "vemre/ab.py", "vemre/d/x.py", "vemre/d/e/y.py", "vemre/dd/z.py", "tally/"]
    assert release.undeclared(paths, {"vemre/a.py", "vemre/d/"}) == ["tally/", "vemre/ab.py", "vemre/dd/z.py"]
    assert release.undeclared(["tally/"], {"tally/"}) == []
    assert release.undeclared(["tally/"], {"tally/x.py"}) == ["tally/"]


def test_exceptions_file() -> None:
    assert release.parse_exceptions(b' {"vemre/a.py": "because", "tally/": "too"} ') == {
        "vemre/a.py": "because",
        "tally/": "too",
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"a": ""}',
        b'{"a": 1}',
        b'{"a": null}',
        b'{"": "x"}',
        b'{"/": "x"}',
        b'{"a": "x", "a": "y"}',
        b'{"a": "' + b"x" * 501 + b'"}',
        b"\xff",
        b"[" * 100_000,
        b'{"' + b"a" * 600 + b'": "x"}',
        b'{"a": "x"}' + b" " * release.MAX_EXCEPTIONS_BYTES,
    ],
)
def test_malformed_exceptions_are_refused(data: bytes) -> None:
    with pytest.raises(CheckFailed):
        release.parse_exceptions(data)


def test_exceptions_as_an_incident_tells_them() -> None:
    text = release.exceptions_text(A, {"vemre/a.py": "porque sí"})
    assert release.parse_exceptions_text(text) == (A, {"vemre/a.py": "porque sí"})
    for other in (
        "",
        "words",
        "{}",
        '{"exceptions":{},"files":1}',
        text + " ",
        "\ud800",
        '{"exceptions":1,"files":"x"}',
    ):
        assert release.parse_exceptions_text(other) is None

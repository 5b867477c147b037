"""What stands in a tree of deployed files: what counts, what is strange, and what cannot be read."""

import os
import py_compile
import shutil
import sys
import threading
from pathlib import Path

import deployed
import pytest

from vemre.demo.election import release_digest
from vemre.election import release
from vemre.errors import Refused
from vemre.service import bytecode, deployment

CODE = "vemre/inner/code.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return deployed.source_tree(tmp_path / "tree")


def compile_all(tree: Path, **options: int) -> None:
    for path in tree.rglob("*.py"):
        py_compile.compile(str(path), doraise=True, **options)


def test_an_installation_is_the_same_release_as_its_source(tree: Path, tmp_path: Path) -> None:
    installed = deployed.installed_tree(tmp_path / "site-packages")
    found = deployment.scan(tree)
    assert found == deployment.scan(installed)
    assert not found.strange
    assert len(found.files) == 5 * 3 + 1
    assert release.ENTRY_POINTS in found.files


def test_what_runs_here_has_the_release_that_the_demonstration_names() -> None:
    found = deployment.scan()
    assert not found.strange
    assert release.digest(found.files) == release_digest()
    assert {"vemre/messages/audit.toml", "tally/templates/ballots.html", "vemre/py.typed"} <= set(found.files)
    assert found.files == deployment.scan(deployment.installed_root()).files


def test_where_the_tree_lies_and_when_it_was_written_does_not_matter(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "else" / "where"
    shutil.copytree(tree, copy)
    os.utime(copy / CODE, (1, 1))
    assert deployment.scan(copy) == deployment.scan(tree)


def test_built_and_downloaded_things_do_not_count(tree: Path) -> None:
    before = deployment.scan(tree)
    (tree / "audit" / "node_modules" / "lib").mkdir(parents=True)
    (tree / "audit" / "node_modules" / "lib" / "index.js").write_text("x")
    compile_all(tree)
    compile_all(tree, optimize=2)
    assert deployment.scan(tree) == before


@pytest.mark.parametrize(
    "name", ["vemre/inner/code.cpython-311-x86_64-linux-gnu.so", "vemre/inner/code.pyc", "vemre/.hidden", "tally/x.txt"]
)
def test_every_other_file_counts(tree: Path, name: str) -> None:
    (tree / name).write_bytes(b"x")
    assert name in deployment.scan(tree).files


# --- compiled code ------------------------------------------------------------------------------------------------


def cache_of(tree: Path) -> Path:
    (path,) = (tree / "vemre" / "inner" / "__pycache__").glob("code.*.pyc")
    return path


def test_compiled_code_of_another_source_is_strange(tree: Path) -> None:
    compile_all(tree)
    source = tree / CODE
    honest, status = source.read_bytes(), source.stat()
    source.write_bytes(honest.replace(b"vemre", b"evil!"))
    py_compile.compile(str(source), doraise=True)
    # The header of the cache fits the source: Python would run it and never look at the text.
    source.write_bytes(honest)
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    data = bytearray(cache_of(tree).read_bytes())
    data[8:12] = int(status.st_mtime).to_bytes(4, "little")
    cache_of(tree).write_bytes(data)
    found = deployment.scan(tree)
    assert found.strange == {str(cache_of(tree).relative_to(tree)): "compiled from something else"}
    assert not deployment.scan(tree, caches=False).strange


@pytest.mark.parametrize(
    "data", [b"", b"short", b"\xff" * 200, bytes(16) + b"\xfb" + b"\xff" * 8], ids=["empty", "short", "junk", "other"]
)
def test_compiled_code_that_is_none_is_strange(tree: Path, data: bytes) -> None:
    compile_all(tree)
    cache_of(tree).write_bytes(data)
    assert list(deployment.scan(tree).strange) == [str(cache_of(tree).relative_to(tree))]


def test_compiled_code_without_source_or_for_another_interpreter_is_strange(tree: Path) -> None:
    compile_all(tree)
    folder = cache_of(tree).parent
    shutil.copy(cache_of(tree), folder / cache_of(tree).name.replace("code", "gone"))
    (folder / "code.cpython-27.pyc").write_bytes(cache_of(tree).read_bytes())
    (folder / "note.txt").write_text("x")
    found = deployment.scan(tree)
    assert {Path(path).name.partition(".")[0] for path in found.strange} == {"gone", "code", "note"}
    assert len(found.strange) == 3


def test_a_crash_of_the_comparing_process_makes_nothing_faithful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecode.sys, "executable", "/bin/false")
    assert bytecode.unfaithful([bytecode.Pair("a", b"x", b"y", 0)]) == ["a"]


# --- links, devices, names, sizes -----------------------------------------------------------------------------------


def test_links_are_strange_and_not_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    shutil.move(tree / CODE, outside)
    (tree / CODE).symlink_to(outside)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "evil.py").write_text("x")
    (tree / "vemre" / "linked").symlink_to(tmp_path / "folder")
    shutil.rmtree(tree / "tally")
    (tree / "tally").symlink_to(tmp_path / "folder")
    found = deployment.scan(tree)
    assert set(found.strange) == {CODE, "vemre/linked", "tally/"}
    assert found.strange[CODE] == "a symbolic link"
    assert CODE not in found.files
    assert not any("evil" in path for path in found.files)


def test_a_pipe_keeps_nobody_waiting(tree: Path) -> None:
    os.mkfifo(tree / "vemre" / "pipe")
    assert deployment.scan(tree).strange == {"vemre/pipe": "not a regular file"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"new\nline.py", "vemre/new\\nline.py"),
        (b"\xff\xfe.py", "vemre/\\udcff\\udcfe.py"),
        ("ñ.py".encode(), "vemre/\\xf1.py"),
        (b"a b.py", "vemre/a b.py"),
        (b"back\\slash.py", "vemre/back\\\\slash.py"),
        (b"esc\x1b[2J.py", "vemre/esc\\x1b[2J.py"),
    ],
)
def test_odd_names_are_strange_and_shown_in_plain_letters(tree: Path, name: bytes, shown: str) -> None:
    Path(os.fsdecode(os.fsencode(tree / "vemre") + b"/" + name)).write_bytes(b"x")
    assert deployment.scan(tree).strange == {shown: "a name that no release has"}


def test_folders_with_odd_names_cannot_pass_for_others(tree: Path) -> None:
    folder = tree / "vemre" / "ñ"
    folder.mkdir()
    (folder / "code.py").write_text("x")
    assert list(deployment.scan(tree).strange) == ["vemre/\\xf1/code.py"]


def test_a_huge_file_is_not_read(tree: Path) -> None:
    with open(tree / "vemre" / "huge", "wb") as file:
        file.truncate(deployment.MAX_FILE_BYTES + 1)
    assert deployment.scan(tree).strange == {"vemre/huge": "too large"}


def test_what_cannot_be_opened_is_strange(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: object, *arguments: object, **options: object) -> int:
        if path == "code.py":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(deployment.os, "open", refuse)
    found = deployment.scan(tree)
    assert found.strange[CODE] == "Permission denied"
    assert CODE not in found.files


def test_a_file_that_changes_while_it_is_read_is_read_anew(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, target, times = os.read, tree / CODE, [2]
    wanted = (tree / CODE).stat().st_ino

    def meddle(descriptor: int, count: int) -> bytes:
        data = real(descriptor, count)
        if data and os.fstat(descriptor).st_ino == wanted and times[0]:
            times[0] -= 1
            with open(target, "ab") as file:
                file.write(b"#")
        return data

    monkeypatch.setattr(deployment.os, "read", meddle)
    assert not deployment.scan(tree).strange
    times[0] = 100
    found = deployment.scan(tree)
    assert found.strange == {CODE: "changes while it is read"}
    assert CODE not in found.files


def test_a_file_that_is_exchanged_while_it_is_read_is_noticed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, wanted = os.read, (tree / CODE).stat().st_ino

    def exchange(descriptor: int, count: int) -> bytes:
        if os.fstat(descriptor).st_ino == wanted:
            (tree / "aside").write_bytes((tree / CODE).read_bytes())
            os.replace(tree / "aside", tree / CODE)
        return real(descriptor, count)

    monkeypatch.setattr(deployment.os, "read", exchange)
    assert CODE in deployment.scan(tree).files  # the second reading is of the new file, whole
    monkeypatch.setattr(deployment, "_READINGS", 1)
    (tree / CODE).write_text("x")
    wanted = (tree / CODE).stat().st_ino
    assert deployment.scan(tree).strange == {CODE: "changes while it is read"}


def test_a_reading_that_ends_early_is_none(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, wanted = os.read, (tree / CODE).stat().st_ino
    monkeypatch.setattr(
        deployment.os, "read", lambda fd, count: b"" if os.fstat(fd).st_ino == wanted else real(fd, count)
    )
    assert deployment.scan(tree).strange == {CODE: "changes while it is read"}


def test_a_tree_that_grows_while_it_is_read_ends(tree: Path) -> None:
    """Files come and go all the time; the answer is about what stays."""
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            (tree / "vemre" / "flicker.py").write_text("x")
            (tree / "vemre" / "flicker.py").unlink()

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        for _ in range(20):
            found = deployment.scan(tree)
            assert CODE in found.files
            assert set(found.strange) <= {"vemre/flicker.py"}
    finally:
        stop.set()
        thread.join()


def test_too_many_files_and_too_deep_folders(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tree / "vemre" / "/".join(["d"] * (deployment.MAX_DEPTH + 5))
    deep.mkdir(parents=True)
    (deep / "evil.py").write_text("x")
    found = deployment.scan(tree)
    assert list(found.strange.values()) == ["nested too deeply"]
    monkeypatch.setattr(deployment, "MAX_FILES", 10)
    with pytest.raises(Refused, match="release-too-large"):
        deployment.scan(tree)


# --- the commands of an installation ------------------------------------------------------------------------------


def test_another_distribution_that_declares_a_command_shows(tmp_path: Path) -> None:
    installed = deployed.installed_tree(tmp_path)
    before = deployment.scan(installed)
    (installed / "other-1.dist-info" / "entry_points.txt").write_text("[vemre.commands]\naudit = other:main\n")
    after = deployment.scan(installed)
    assert release.compare(before.files, after).changed == (release.ENTRY_POINTS,)


def test_a_package_that_comes_from_another_place_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tally").mkdir()
    (tmp_path / "tally" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tally"]:
        monkeypatch.delitem(sys.modules, name)
    assert deployment.scan(caches=False).strange == {"tally/": "taken from another place"}


@pytest.mark.parametrize("text", ["", "[project]\n", "[project]\nscripts = 1\nentry-points = 2\n", "\xff", "no toml"])
def test_a_declaration_that_cannot_be_read_decides_nothing(tree: Path, text: str) -> None:
    (tree / "pyproject.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused, match="release-not-found"):
        deployment.scan(tree)


def test_a_folder_without_packages_is_no_installation(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="release-not-found"):
        deployment.scan(tmp_path)

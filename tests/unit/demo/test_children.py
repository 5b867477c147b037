"""The processes of a demonstration: what they fail with is shown, and they are ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vemre.demo.children import ChildFailed, Children


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_is_given(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        assert b"vemre" in children.run("version", "--version")
        assert len(children.run_all([("one", ["--version"]), ("two", ["--version"])])) == 2


def test_a_failure_shows_the_last_lines(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ChildFailed) as failed:
        children.run("verify", "audit", "verify", tmp_path / "none", "--policy", tmp_path / "none")
    assert failed.value.code == 2
    assert "file-unusable" in failed.value.tail
    assert "verify" in str(failed.value)
    assert "Traceback" not in failed.value.tail


def test_a_code_that_is_expected_is_no_failure(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.run("verify", "audit", "verify", tmp_path, "--policy", tmp_path / "none", ok=(0, 2))


def test_a_background_failure_is_noticed(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.attend("auditor", "audit", "attend", "--data", tmp_path)
        with pytest.raises(ChildFailed) as failed:
            children.wait("auditor", seconds=60)
        assert failed.value.name == "auditor"
        with pytest.raises(ChildFailed):
            children.check()


def test_a_service_that_does_not_start_is_a_failure(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ChildFailed) as failed:
        children.serve([("tally", ["tally", "serve", "--data", tmp_path / "x", "--policy", tmp_path / "none"])])
    assert failed.value.code == 2


def test_children_that_wait_for_ever_are_ended(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        # It asks nobody, since its standard input is empty, and would wait on a pipe that nobody writes to.
        os.mkfifo(tmp_path / "pipe")
        children.attend("voters", "voter", "receipt", tmp_path / "pipe", "--policy", tmp_path / "pipe")
        child = children._running["voters"]
        assert child.poll() is None
        with pytest.raises(ChildFailed) as late:
            children.wait("voters", seconds=0.0)
        assert late.value.code is None
    assert not alive(child.pid)
    assert child.returncode is not None


def test_settings_of_the_person_do_not_reach_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEMRE_PORT", "no number")
    with Children(tmp_path) as children:
        public = children.run(
            "init", "tally", "init", "--data", tmp_path / "tally", "--host-name", "a.example",
            "--election-id", "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33", "--insecure", "--json",
        )  # fmt: skip
    assert b"tally" in public

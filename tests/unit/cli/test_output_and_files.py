"""What commands print, and how they read and write files and passphrases."""

import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from vemre.cli import console, files
from vemre.cli.command import Command
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.errors import Refused


def test_streams(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("to the person")
    console.put("the [bold]result[/bold]")
    captured = capsys.readouterr()
    assert captured.err == "to the person\n"
    assert captured.out == "the [bold]result[/bold]\n"


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    console.put_json({"verdict": "valid", "name": "México"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"verdict": "valid", "name": "México"}
    assert out.count("\n") == 1


def test_hostile_texts_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2Jb\x9b1mc\rd\u202ee\u2066f\u200bg\x00"
    assert console.printable(hostile) == "a\ufffd[2Jb\ufffd1mc\ufffdd\ufffde\ufffdf\ufffdg\ufffd"
    assert console.printable("año\nnuevo ✓") == "año\nnuevo ✓"
    console.say(hostile)
    console.put(hostile)
    console.put_table(hostile, [hostile], [[hostile]])
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    console.put_table("Votos", ["Opción", "Votos"], [["[red]A[/red]", 7], ["B", 12]], numeric={1})
    out = capsys.readouterr().out
    assert "[red]A[/red]" in out
    assert out.index("Votos") < out.index("Opción")


def test_progress_is_silent_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("Boletas", 3) as advance:
        advance(2)
        advance(1)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_write_and_read(tmp_path: Path) -> None:
    path = tmp_path / "record"
    files.write(path, b"one", private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files.read(path, limit=3) == b"one"
    with pytest.raises(Refused, match="file-unusable"):
        files.read(path, limit=2)
    with pytest.raises(Refused, match="file-exists"):
        files.write(path, b"two")
    assert path.read_bytes() == b"one"
    files.write(path, b"two", overwrite=True)
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["record"]


def test_write_loses_the_race_without_overwriting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"theirs")
    monkeypatch.setattr(Path, "exists", lambda self: False)
    with pytest.raises(Refused, match="file-exists"):
        files.write(path, b"ours")
    assert path.read_bytes() == b"theirs"


def test_write_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.write(tmp_path / "record", b"x")
    assert os.listdir(tmp_path) == ["record"]


def test_standard_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"in")))
    monkeypatch.setattr("sys.stdout", out)
    assert files.read("-", limit=10) == b"in"
    files.write("-", b"\x00\xff")
    assert out.buffer.getvalue() == b"\x00\xff"  # type: ignore[attr-defined]


def passphrase_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "passphrase"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_passphrase_file(tmp_path: Path) -> None:
    assert Passphrase(passphrase_file(tmp_path, b"long phrase \r\nsecond line")).get() == b"long phrase "
    with pytest.raises(Refused, match="passphrase-empty"):
        Passphrase(passphrase_file(tmp_path, b"\n")).get()
    for mode in (0o640, 0o604):
        with pytest.raises(Refused, match="passphrase-file-open"):
            Passphrase(passphrase_file(tmp_path, b"x\n", mode)).get()
    with pytest.raises(FileNotFoundError):
        Passphrase(tmp_path / "none").get()


def test_passphrase_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[bytes] = []

    @click.command("unlock", cls=Command)
    @passphrase_options
    def unlock(passphrase: Passphrase) -> None:
        got.append(passphrase.get(confirm=True))

    def run(*args: str, **extra: Any) -> Any:
        return CliRunner().invoke(unlock, args, **extra)

    assert run("--passphrase-file", str(passphrase_file(tmp_path, b"phrase\n"))).exit_code == 0
    warned = run("--insecure")
    assert "ATENCIÓN" in warned.stderr
    missing = run()
    assert missing.exit_code == 2
    assert "passphrase-missing" in missing.stderr
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    typed = run(input="typed\ntyped\n")
    assert typed.exit_code == 0
    assert "typed" not in typed.output
    assert got == [b"phrase", b"", b"typed"]

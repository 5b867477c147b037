"""A foreign client feeds our witness: Tessera makes the proofs, transparency-dev's client sends them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import go_programs
import pytest
from click.testing import CliRunner
from disk_log import DiskLog

from vemre.cli.main import root
from vemre.log.checkpoint import open_checkpoint
from vemre.log.note import Note, Vkey, parse_signature_lines

NAME = "testigo.example.org/w1"
Feed = Callable[..., tuple[list[tuple[int, str, int]], str]]


@pytest.fixture
def witness(disk_log: Any, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and vkey of our witness, which cosigns one log for its consistency alone."""
    data, port = tmp_path / "witness", go_programs.free_port()
    options = ["--data", str(data), "--insecure"]
    made = CliRunner().invoke(
        root, ["audit", "init", *options, "--number", "1", "--name", "Testigo", "--witness", NAME, "--json"]
    )
    assert made.exit_code == 0, made.output
    vkey = next(word for word in made.stdout.replace('"', " ").split() if word.startswith(f"{NAME}+"))
    command = [sys.executable, "-m", "vemre.cli", "audit", "witness", *options, "--port", str(port)]
    known = ["--consistency-log", disk_log(1).vkey]
    with go_programs.running([*command, *known], port, tmp_path / "output") as url:
        yield url, vkey


@pytest.fixture
def feed(programs: Path, witness: tuple[str, str]) -> Feed:
    """Feeds a log, claiming that the witness is at `old`; gives (old, status, size named) of each attempt, and the
    lines."""

    def call(log: DiskLog, old: int, *, vkey: str | None = None) -> tuple[list[tuple[int, str, int]], str]:
        answer = go_programs.feed(programs, log.folder, vkey or log.vkey, *witness, old)
        return [(item["old"], item["status"], item["size"]) for item in answer["attempts"]], answer["lines"]

    return call


def cosigned(log: DiskLog, lines: str, vkey: str) -> bool:
    """Whether our own code finds the cosignature too."""
    note = Note.parse((log.folder / "checkpoint").read_bytes()).with_lines(parse_signature_lines(lines))
    key = Vkey.parse(vkey)
    return list(open_checkpoint(note.encode(), log.signer.vkey, [key]).cosigners) == [key]


def test_first_contact_growth_and_again(feed: Feed, disk_log: Any, witness: tuple[str, str]) -> None:
    attempts, lines = feed(disk_log(3), 0)
    assert attempts == [(0, "cosigned", 0)]
    assert cosigned(disk_log(3), lines, witness[1])
    for old, size in ((3, 256), (256, 257), (257, 700)):
        attempts, lines = feed(disk_log(size), old)
        assert attempts == [(old, "cosigned", 0)]
        assert cosigned(disk_log(size), lines, witness[1])
    # Again, to make it fresh.
    assert feed(disk_log(700), 700)[0] == [(700, "cosigned", 0)]


def test_whoever_is_wrong_about_our_size_is_told_and_tries_again(feed: Feed, disk_log: Any) -> None:
    assert feed(disk_log(5), 3)[0] == [(3, "stale", 0), (0, "cosigned", 0)]
    assert feed(disk_log(300), 0)[0] == [(0, "stale", 5), (5, "cosigned", 0)]
    assert feed(disk_log(301), 4)[0] == [(4, "stale", 300), (300, "cosigned", 0)]


def test_a_log_that_went_back_is_told_how_far_we_are(feed: Feed, disk_log: Any) -> None:
    assert feed(disk_log(300), 0)[0] == [(0, "cosigned", 0)]
    assert feed(disk_log(7), 7)[0] == [(7, "stale", 300)]
    assert feed(disk_log(7), 300)[0] == [(300, "old-size-invalid", 0)]
    assert feed(disk_log(300), 300)[0] == [(300, "cosigned", 0)]


def test_a_fork_is_never_cosigned(feed: Feed, disk_log: Any, tmp_path: Path) -> None:
    assert feed(disk_log(7), 0)[0] == [(0, "cosigned", 0)]
    for size in (7, 8, 300):
        fork = disk_log(size, "fork", text="another history")
        assert feed(fork, 7) == ([(7, "invalid-proof", 0)], "")
        assert feed(fork, 0) == ([(0, "stale", 7), (7, "invalid-proof", 0)], "")
    # Our witness holds the proof that the log signed two histories, and cosigns the one that it knows, as C2SP says.
    assert list((tmp_path / "witness" / "evidence").iterdir())
    assert feed(disk_log(300), 7)[0] == [(7, "cosigned", 0)]


def test_unknown_logs_and_other_keys(feed: Feed, disk_log: Any) -> None:
    other = disk_log(5, "other", origin="vemre.example/other")
    assert feed(other, 0) == ([(0, "unknown-log", 0)], "")
    pretender = disk_log(5, "pretender", key=2)
    assert feed(pretender, 0) == ([(0, "no-valid-signature", 0)], "")

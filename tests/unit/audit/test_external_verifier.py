"""Another verifier behind an opinion: believed only where its answer is clean, within bounds of time and size."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.opinion import verifiers
from audit.opinion.verifiers import BuiltIn, External
from vemre import group
from vemre.election.rules.view import Anchors
from vemre.errors import Refused
from vemre.records.policy import parse_policy

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
RECORD, POLICY = GOLDEN / "record", GOLDEN / "policy.json"
LONG = 120.0
Program = Callable[[str], str]


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    """What a verifier says of the golden record."""
    anchors = Anchors(parse_policy(POLICY.read_bytes()))
    from vemre.records.record import plain

    return plain(BuiltIn(anchors, group.load(), os.urandom).verify(RECORD, POLICY))


@pytest.fixture
def program(tmp_path: Path, answer: dict[str, Any]) -> Program:
    """Gives the command of a program with this body; `ANSWER` is a clean answer."""

    def write(body: str) -> str:
        file = tmp_path / "a verifier.py"
        clean = tmp_path / "answer.json"
        clean.write_text(json.dumps(answer))
        file.write_text(f"import json, os, sys, time\nANSWER = json.load(open({str(clean)!r}))\n{body}\n")
        return f"{sys.executable} '{file}'"

    return write


def refusal(command: str, seconds: float = LONG) -> str:
    with pytest.raises(Refused, match="verifier-undecided") as caught:
        External(command, seconds).verify(RECORD, POLICY)
    return str(caught.value.params["reason"])


def test_a_clean_answer_is_taken(program: Program, answer: dict[str, Any]) -> None:
    command = program(
        "assert sys.argv[2:] == ['--policy', sys.argv[3], '--json'], sys.argv\n"
        "assert os.path.isdir(sys.argv[1]) and os.path.isfile(sys.argv[3])\n"
        "assert os.path.isabs(sys.argv[1]) and os.path.isabs(sys.argv[3])\n"
        "print('working', file=sys.stderr)\n"
        "print(json.dumps(ANSWER, indent=2))"
    )
    found = External(command, LONG).verify(RECORD, POLICY)
    assert found.verdict == "valid"
    assert [line.id for line in found.checks] == [line["id"] for line in answer["checks"]]


def test_a_finding_is_taken_with_place_and_party(program: Program) -> None:
    command = program(
        "ANSWER.update(verdict='invalid', first_failure='SHUFFLE', result=[], certified=False)\n"
        "line = next(line for line in ANSWER['checks'] if line['id'] == 'SHUFFLE')\n"
        "line.update(status='failed', where='tally/9', party='mixer/1')\n"
        "print(json.dumps(ANSWER)); sys.exit(1)"
    )
    found = External(command, LONG).verify(RECORD, POLICY)
    assert found.failed is not None
    assert (found.failed.id, found.failed.where, found.failed.party) == ("SHUFFLE", "tally/9", "mixer/1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print(json.dumps(ANSWER)); sys.exit(1)", "disagree"),
        ("ANSWER.update(verdict='invalid'); print(json.dumps(ANSWER)); sys.exit(1)", "does not follow"),
        ("print(json.dumps(ANSWER)); sys.exit(2)", "exit code 2"),
        ("print(json.dumps(ANSWER)); sys.exit(3)", "exit code 3"),
        ("print(json.dumps(ANSWER), flush=True); os.kill(os.getpid(), 9)", "exit code -9"),
        ("", "not that of a verifier"),
        ("print('VALID')", "not that of a verifier"),
        ("print('[' * 100000)", "not that of a verifier"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe')", "not that of a verifier"),
        ("print(json.dumps(ANSWER) + json.dumps(ANSWER))", "not that of a verifier"),
        ('print(json.dumps(ANSWER)[:-1] + \', "verdict": "valid"}\')', "duplicate"),
        ("ANSWER['extra'] = 1; print(json.dumps(ANSWER))", "extra"),
        ("del ANSWER['stage']; print(json.dumps(ANSWER))", "stage"),
        ("ANSWER['stage'] = 'won'; print(json.dumps(ANSWER))", "not that of a verifier"),
        ("ANSWER['certified'] = 1; print(json.dumps(ANSWER))", "bool"),
        ("ANSWER['checks'].pop(); print(json.dumps(ANSWER))", "not those of the protocol"),
        ("ANSWER['checks'].reverse(); print(json.dumps(ANSWER))", "not those of the protocol"),
        ("ANSWER['checks'][3]['status'] = 'failed'; print(json.dumps(ANSWER))", "first_failure"),
        ("ANSWER['checks'][3]['where'] = 'tally/1'; print(json.dumps(ANSWER))", "did not fail"),
        ("ANSWER['result'][0]['rows'] = 1.0; print(json.dumps(ANSWER))", "not an integer"),
        ("ANSWER['result'][0]['rows'] = float('nan'); print(json.dumps(ANSWER))", "not an integer"),
        ("ANSWER['result'][0]['rows'] = True; print(json.dumps(ANSWER))", "not that of a verifier"),
        ("ANSWER['result'][0]['rows'] = -1; print(json.dumps(ANSWER))", "not that of a verifier"),
        ("ANSWER['result'][0]['rows'] = 2 ** 53; print(json.dumps(ANSWER))", "not that of a verifier"),
        ("raise SystemError('cannot read the medium')", "cannot read the medium"),
    ],
)
def test_whatever_is_not_a_clean_answer_decides_nothing(program: Program, body: str, words: str) -> None:
    assert words in refusal(program(body))


@pytest.mark.parametrize("command", ["", "   ", "'unclosed", "/no/such/program at-all", "/"])
def test_a_command_that_is_none(command: str) -> None:
    with pytest.raises(Refused, match="verifier-undecided"):
        External(command, LONG).verify(RECORD, POLICY)


def test_one_that_never_ends_is_ended(program: Program, tmp_path: Path) -> None:
    own = tmp_path / "pid"
    command = program(f"open({str(own)!r}, 'w').write(str(os.getpid()))\nprint('{{', flush=True)\ntime.sleep(3600)")
    assert "within" in refusal(command, 3.0)
    assert not alive(int(own.read_text()))


def test_one_that_never_falls_silent_is_ended(program: Program) -> None:
    assert "within" in refusal(program("while True: sys.stderr.write('x' * 4096)"), 2.0)


def test_one_that_closes_its_output_and_stays_is_ended(program: Program) -> None:
    body = "print(json.dumps(ANSWER), flush=True)\nos.close(1); os.close(2)\ntime.sleep(3600)"
    assert "no end within" in refusal(program(body), 3.0)


def test_what_it_leaves_running_is_ended(program: Program, tmp_path: Path) -> None:
    own = tmp_path / "pid"
    command = program(
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'], stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL)\n"
        f"open({str(own)!r}, 'w').write(str(child.pid))\n"
        "print(json.dumps(ANSWER))"
    )
    assert External(command, LONG).verify(RECORD, POLICY).verdict == "valid"
    child = int(own.read_text())
    for _ in range(1000):
        if not alive(child):
            break
        os.sched_yield()
    assert not alive(child)


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_endless_answer_is_cut_off(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifiers, "MAX_REPORT_BYTES", 1 << 20)
    assert "more than 1048576 bytes" in refusal(program("while True: sys.stdout.write('[' * 65536)"))


def test_it_gets_none_of_our_secrets(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEMRE_SECRET", "s3cret")
    body = "assert 'VEMRE_SECRET' not in os.environ\nassert not sys.stdin.read()\nprint(json.dumps(ANSWER))"
    assert External(program(body), LONG).verify(RECORD, POLICY).verdict == "valid"


def test_it_says_its_name_and_version(program: Program) -> None:
    tool = External(program("assert sys.argv[1:] == ['--version']\nprint('a-verifier 1.2.3')"), LONG).tool()
    assert (tool.name, tool.version) == ("a-verifier", "1.2.3")
    assert BuiltIn(Anchors(parse_policy(POLICY.read_bytes())), group.load(), os.urandom).tool().name == "vemre"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "print('1.2.3')",
        "print('a verifier 1.2.3')",
        "print('name 1\\nmore')",
        "print('name 1'); sys.exit(1)",
        "print('x' * 100_000, '1')",
        "print('ñandú 1')",
        "print('name <b>')",
    ],
)
def test_one_that_does_not_say_what_it_is_is_not_used(program: Program, body: str) -> None:
    with pytest.raises(Refused, match="verifier-undecided"):
        External(program(body), LONG).tool()

"""Access at the command line: of officials, and of a voter who types."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from entering import PASSWORD, Person, posts
from served import BallotBoxUnderTest, listening
from simulator import Simulator

from ballot.access import factors
from ballot.commands import ballot as ballot_command
from ballot.voter import entering
from ballot.voter.commands import voter as voter_command
from vemre.messages import text


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> Iterator[tuple[BallotBoxUnderTest, str]]:
    """An open ballot box, and its address."""
    with BallotBoxUnderTest(sim, tmp_path, **posts(tmp_path)).running() as box:
        box.open()
        with listening(box.station.app) as url:
            yield box, url


def run(group: Any, *words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(group, list(map(str, words)), prog_name="vemre")
    return result.exit_code, result.stdout, result.stderr


def told(*words: object) -> Any:
    """The JSON of an official's command; the box logs into the same output."""
    code, output, _ = run(ballot_command, *words)
    assert code == 0, output
    return json.loads(output.splitlines()[-1])


def test_officials_send_links_and_recover_by_two(place: tuple[BallotBoxUnderTest, str]) -> None:
    box, url = place
    first = ("--url", url, "--token-file", box.data / "official.token")
    assert told("access-links", *first, "--json") == {"sent": 7, "without_phone": 0}
    ana = Person(box, box.sim.voters[0]).enter()
    old = ana.link()
    made = told("token", "add", "guardia", "--data", box.data, "--json")
    assert Path(made["file"]).stat().st_mode & 0o777 == 0o600
    assert run(ballot_command, "token", "add", "../x", "--data", box.data)[0] != 0
    second = ("--url", url, "--token-file", made["file"])
    order = ("--user", ana.user, "--reason", "perdió el teléfono")
    id = told("recovery", "open", *order, *first, "--json")["id"]
    assert id in run(ballot_command, "recovery", "open", *order, *second)[1]
    listed = told("recovery", "list", *second, "--json")["recoveries"]
    assert [(found["id"], found["reason"], found["opened_by"]) for found in listed] == [
        (id, "perdió el teléfono", "official")
    ]
    code, _, said = run(ballot_command, "recovery", "confirm", id, *first)
    assert code == 1
    assert "recovery-needs-another" in said
    assert told("recovery", "confirm", id, *second, "--json") == {"confirmed": True}
    assert told("recovery", "list", *first, "--json") == {"recoveries": []}
    assert ana.link(but=old) != old
    code, _, said = run(ballot_command, "recovery", "open", "--user", "x@y.org", "--reason", "x", *first)
    assert (code, "account-unknown" in said) == (1, True)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], list[str]]:
    """`types(answers)` lets somebody answer prompts (by the code of their text); gives what the program says."""

    def begin(answers: dict[str, Any]) -> list[str]:
        said: list[str] = []
        asked = {text(code, "es"): answer for code, answer in answers.items()}

        def prompt(question: str, **_: Any) -> Any:
            answer = asked[question]
            return answer() if callable(answer) else answer

        monkeypatch.setattr(entering, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
        monkeypatch.setattr(entering.click, "prompt", prompt)
        monkeypatch.setattr(entering.console, "say", lambda words, **_: said.append(words))
        return said

    return begin


def test_voter_types_with_an_application(
    place: tuple[BallotBoxUnderTest, str], types: Callable[[dict[str, Any]], list[str]], tmp_path: Path
) -> None:
    box, url = place
    box.official("access-links")
    ana = Person(box, box.sim.voters[0])
    passwords = iter(["corta", PASSWORD, PASSWORD])
    said: list[str] = []

    def code() -> str:
        (ana.secret,) = {found[0] for words in said if (found := re.findall(r"\b[A-Z2-7]{32}\b", words))}
        return factors.totp_code(ana.secret, box.clock())

    answers = {"voter-link": f"https://example.org/acceso#{ana.link()}", "voter-digits": ana.phone[-4:]}
    said = types({**answers, "voter-factor": "totp", "voter-password": lambda: next(passwords), "voter-code": code})
    assert run(voter_command, "access", "--ballot-url", url)[0] == 0
    assert any("al menos 12" in words for words in said)
    box.clock.now += 30
    said = types({"voter-user": ana.user, "voter-password": PASSWORD, "voter-code-totp": ana.code})
    session = tmp_path / "session"
    assert run(voter_command, "sign-in", "--ballot-url", url, "--session", session)[0] == 0
    assert ana.who(session.read_text().strip()).status_code == 200


def test_voter_types_with_text_messages(
    place: tuple[BallotBoxUnderTest, str], types: Callable[[dict[str, Any]], list[str]], tmp_path: Path
) -> None:
    box, url = place
    box.official("access-links")
    ana = Person(box, box.sim.voters[0])
    answers = {"voter-link": ana.link(), "voter-digits": ana.phone[-4:], "voter-factor": "sms"}
    types({**answers, "voter-password": PASSWORD, "voter-code": lambda: ana.text_code([])})
    assert run(voter_command, "access", "--ballot-url", url)[0] == 0
    types({"voter-user": ana.user, "voter-password": PASSWORD, "voter-code-sms": lambda: ana.text_code([""])})
    session = tmp_path / "session"
    assert run(voter_command, "sign-in", "--ballot-url", url, "--session", session)[0] == 0
    assert ana.who(session.read_text().strip()).status_code == 200


def test_box_that_answers_nonsense_is_no_box(place: tuple[BallotBoxUnderTest, str], tmp_path: Path) -> None:
    _, url = place
    (tmp_path / "keep").write_text('{"user":"a","password":"b","secret":"AAAA","used":1}')
    code, _, said = run(
        voter_command, "sign-in", "--ballot-url", f"{url}/health/x", "--keep", tmp_path / "keep", "--session", "s"
    )
    assert code != 0
    assert "Traceback" not in said

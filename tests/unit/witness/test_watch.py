"""`vemre audit watch` for parties, press and observers, and the commands of a witness's people."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from served import listening
from served_simulator import Served
from simulator import OPENS
from witnesses import Lie, serving, witness_of

from audit.witness.api import create_app
from vemre.cli.main import root
from vemre.election import drafts
from vemre.election.rules.view import LogView
from vemre.log.note import Vkey
from vemre.types import LogName


def add_incident(served: Served, text: str, *, signer: str = "tally", check: bool = True) -> None:
    served.simulator.append("tally", signer, drafts.incident("note", text, OPENS), check=check)


@contextmanager
def services(served: Served) -> Iterator[str]:
    """The address of the tally, whose `/logs` names all three."""
    found: dict[LogName, str] = {}

    def logs(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps(found).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    lies: dict[tuple[LogName, str], Lie] = {("tally", "/logs"): logs}
    with serving(served, lies) as urls:
        found.update(urls)
        yield urls["tally"]


@pytest.fixture
def watch(served: Served, tmp_path: Path) -> Callable[..., Result]:
    """Runs the command on a place, with the election's policy and a folder that stays."""
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(served.simulator.policy))

    def run(place: object, *words: str, data: str = "watch") -> Result:
        given = ["--policy", str(policy), "--data", str(tmp_path / data), *words]
        return CliRunner().invoke(root, ["audit", "watch", str(place), *given])

    return run


def events(result: Result) -> list[dict[str, Any]]:
    # The server in this process logs to the same place.
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_the_address_of_one_service_is_enough(served: Served, watch: Callable[..., Result]) -> None:
    with services(served) as url:
        first = watch(url, "--once", "--json")
        assert first.exit_code == 0, first.output
        assert {event["event"] for event in events(first)} == {"entry", "checkpoint"}
        add_incident(served, "one")
        second = watch(url, "--once", "--json")
        assert [event["event"] for event in events(second)] == ["checkpoint", "entry", "incident"], "only what is new"


def test_a_served_record_and_a_folder_are_enough(served: Served, watch: Callable[..., Result], tmp_path: Path) -> None:
    add_incident(served, "one")
    witness = witness_of(served, tmp_path / "witness")
    served.cosign_all()
    witness.round()
    with listening(create_app(witness)) as url:
        result = watch(f"{url}/record", "--once", "--json")
        assert result.exit_code == 0, result.output
        assert any(event["event"] == "incident" for event in events(result))
        assert watch(url, "--once", data="other").exit_code == 0, "a witness's own address is enough too"
    witness.close()
    record = served.simulator.write(tmp_path / "record")
    assert watch(record, "--once", data="folder").exit_code == 0
    assert watch(tmp_path / "record" / "tally", "--once", data="wrong").exit_code == 2


def test_a_person_reads_one_line_for_each_happening(served: Served, watch: Callable[..., Result]) -> None:
    add_incident(served, "the lights went out")
    with services(served) as url:
        result = watch(url, "--once")
    assert result.exit_code == 0
    assert "tally/0: manifest" in result.stdout
    assert "the lights went out" in result.stdout


def test_a_log_that_contradicts_itself_ends_it_with_the_evidence(
    served: Served, watch: Callable[..., Result], tmp_path: Path
) -> None:
    add_incident(served, "one")
    with services(served) as url:
        assert watch(url, "--once").exit_code == 0
        log = served.simulator.view.tally
        served.simulator.view.logs["tally"] = LogView("tally", log.records[:1])
        add_incident(served, "another")
        served.notes.clear()
        for _ in range(2):
            result = watch(url)
            assert result.exit_code == 1
    policy = str(tmp_path / "policy.json")
    (folder,) = (tmp_path / "watch" / "evidence").iterdir()
    assert CliRunner().invoke(root, ["audit", "evidence", str(folder), "--policy", policy]).exit_code == 0


def test_what_cannot_be_followed_is_undecided(served: Served, watch: Callable[..., Result]) -> None:
    served.lies["tally", "/log/tile/entries/000.p/1"] = b"x"
    with services(served) as url:
        assert watch(url, "--once").exit_code == 2
        assert watch("http://127.0.0.1:1", "--once").exit_code == 2
        assert watch("nothing", "--once").exit_code == 2


def test_it_ends_with_the_stage_that_was_asked_for(served: Served, watch: Callable[..., Result]) -> None:
    timer = threading.Timer(0.5, served.simulator.generate_key)
    with services(served) as url:
        timer.start()
        result = watch(url, "--until", "key-generation", "--interval", "0.2")
        timer.join()
    assert result.exit_code == 0


def test_an_observer_cosigns_with_a_key_of_its_own(served: Served, watch: Callable[..., Result]) -> None:
    heard: list[tuple[LogName, int]] = []
    served.on_cosignature = lambda log, size: heard.append((log, size))
    with services(served) as url:
        first = watch(url, "--once", "--cosign", "--insecure", "--name", "newspaper.example/witness")
        assert first.exit_code == 0, first.output
        vkey = next(word for word in first.stderr.split() if word.startswith("newspaper.example/witness+")).rstrip(".")
        assert ("tally", 1) in heard
        line = served.note("tally").line_of(Vkey.parse(vkey))
        assert line is not None
        assert served.cosigners("tally") == set(), "it counts for no quorum"
        again = watch(url, "--once", "--cosign", "--insecure")
        assert vkey in again.stderr, "the key stays"


def test_a_record_takes_no_cosignatures(served: Served, watch: Callable[..., Result], tmp_path: Path) -> None:
    record = served.simulator.write(tmp_path / "record")
    result = watch(record, "--once", "--cosign", "--insecure")
    assert result.exit_code == 1
    assert "watch-cannot-post" in result.stderr


def test_replay_and_admit_from_the_command_line(served: Served, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(served.simulator.policy))
    data = tmp_path / "witness"

    def run(*words: str) -> Result:
        return CliRunner().invoke(root, ["audit", "witness", *words, "--data", str(data), "--json"])

    assert run("replay", "--policy", str(policy)).exit_code == 2, "nothing has run here"
    witness = witness_of(served, data)
    witness.round()
    witness.close()
    answer = run("replay", "--policy", str(policy))
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["sizes"] == {"registry": 0, "ballot": 0, "tally": 1}
    assert run("admit", "--size", "5", "--reason", "the line was down").exit_code == 0
    again = witness_of(served, data)
    assert [(noted.size, noted.text) for noted in again.ground.store.in_time()] == [(5, "the line was down")]
    again.close()


@pytest.mark.parametrize("words", [["--policy", "x"], [], ["--consistency-log", "nonsense"]])
def test_a_witness_says_which_options_are_missing(words: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(root, ["audit", "witness", "--data", str(tmp_path), "--insecure", *words])
    assert result.exit_code in (1, 2)
    assert result.stderr

"""The auditor's commands: what they print, and how they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit import attend as attending
from audit import keys
from audit.auditor import Auditor
from vemre.checks import Check
from vemre.cli.main import root
from vemre.errors import CheckFailed, Refused
from vemre.messages import RemoteProblem, Unreachable, problem

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
URLS = (
    "--registry-url",
    "http://127.0.0.1:1",
    "--ballot-url",
    "http://127.0.0.1:2",
    "--tally-url",
    "http://127.0.0.1:3",
)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout, result.stderr


def init(folder: Path) -> tuple[int, str, str]:
    return run(
        "init", "--data", folder, "--number", 2, "--name", "Two", "--witness", "two.example/w", "--insecure", "--json"
    )


def attend(folder: Path, *more: object) -> tuple[int, str, str]:
    policy = GOLDEN / "policy.json"
    return run("attend", "--data", folder, "--policy", policy, *URLS, "--insecure", "--interval", 0.05, *more)


def test_init_prints_what_manifest_and_policy_need(tmp_path: Path) -> None:
    code, out, err = init(tmp_path)
    public = json.loads(out)
    assert code == 0
    assert set(public) == {"role", "name", "sign", "witness"}
    assert (public["role"], public["name"]) == ("auditor/2", "Two")
    assert public["witness"][0].startswith("two.example/w+")
    assert "unprotected" in err.lower() or "protect" in err.lower()
    assert init(tmp_path)[0] == 2


def test_keys_that_the_policy_does_not_name_attend_nothing(tmp_path: Path) -> None:
    init(tmp_path)
    code, _, err = attend(tmp_path)
    assert code == 1
    assert "auditor-not-in-policy" in err


@pytest.fixture
def hired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An auditor that the policy names."""
    init(tmp_path)
    monkeypatch.setattr(keys.AuditorKeys, "role_in", lambda _keys, _policy: "auditor/2")
    return tmp_path


def test_a_finding_is_shown_and_ends_with_1(hired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def finds(_auditor: Auditor) -> list[str]:
        raise CheckFailed(Check.SHUFFLE, "two rows are equal", where="tally/9", party="mixer/1")

    monkeypatch.setattr(Auditor, "round", finds)
    code, _, err = attend(hired)
    assert code == 1
    assert "check-shuffle" in err
    assert "mixer/1" in err
    assert "FINDING" in err


def test_what_can_be_waited_for_is_waited_for(hired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = [
        Unreachable("http://127.0.0.1:1", "ConnectError"),
        Refused("logs-out-of-step"),
        RemoteProblem(problem("not-cosigned-yet")),
    ]

    def comes(_auditor: Auditor) -> list[str]:
        if waits:
            raise waits.pop(0)
        return ["tally 7"]

    monkeypatch.setattr(Auditor, "round", comes)
    monkeypatch.setattr(attending, "reached", lambda _view, stage: stage == "certified")
    monkeypatch.setattr(Auditor, "cosigned_all", lambda _auditor: True)
    code, _, err = attend(hired, "--until", "certified")
    assert code == 0
    assert err.count("Waiting") == 3
    assert "Cosigned the log tally; entries: 7" in err


def test_what_cannot_be_waited_for_ends_it(hired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_auditor: Auditor) -> list[str]:
        raise RemoteProblem(problem("not-allowed"))

    monkeypatch.setattr(Auditor, "round", refused)
    assert attend(hired)[0] == 1

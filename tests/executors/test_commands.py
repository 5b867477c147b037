"""`--executor` on the commands, and how a trustee or mixer begins several acts at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import run
from click.testing import CliRunner
from distributed import LocalCluster
from simulator import Simulator

from tally.acts import Act
from tally.mixer_core import MixerState
from tally.roles import Mixer, Role, Runner, Trustee
from tally.trustee_core import TrusteeState
from vemre.checks import Check
from vemre.cli.main import root
from vemre.crypto.boxes import BoxKey
from vemre.election.dkg import KeyShare
from vemre.election.opening import OpenPiece
from vemre.election.rules import engine
from vemre.election.rules.view import View
from vemre.election.workers import Workers
from vemre.errors import CheckFailed
from vemre.records import bundle

CASES = {case.name: case for case in run.read_cases()}


def command(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", *map(str, words)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.stdout, result.stderr


def verify(name: str, *words: object) -> tuple[int, str, str]:
    case = CASES[name]
    return command("audit", "verify", case.record, "--policy", case.policy, *words)


# --- audit verify --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["VALID-11", "SHUFFLE-01"])
def test_verify_on_a_cluster_and_in_processes(cluster: LocalCluster, name: str) -> None:
    place = cluster.scheduler_address.removeprefix("tcp://")
    expected = verify(name, "--json")
    assert expected[0] == (0 if CASES[name].check is None else 1)
    for executor in ("local", "processes", f"dask://{place}"):
        code, out, err = verify(name, "--json", "--executor", executor)
        assert (code, json.loads(out), err) == (expected[0], json.loads(expected[1]), "")


@pytest.mark.parametrize(
    "name", ["", "dask", "dask://", "dask://host", "dask://host:port", "dask://a:1/b", "tcp://host:8786", "threads"]
)
def test_other_names_are_refused(name: str) -> None:
    code, _, err = verify("VALID-01", "--executor", name)
    assert code == 2
    assert "There is no such executor" in err


def test_without_the_extra_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("dask", "distributed"):
        monkeypatch.setitem(sys.modules, module, None)
    code, out, err = verify("VALID-01", "--executor", "dask://127.0.0.1:8786")
    assert (code, out) == (2, "")
    assert "Dask is not installed" in err
    assert "vemre[dask]" in err


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vemre.cli.executors._CONNECT_SECONDS", 1)
    code, out, err = verify("VALID-01", "--executor", "dask://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "The cluster does not answer" in err


def test_a_worker_with_another_program_is_refused(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vemre.__version__", "9.9.9")
    place = cluster.scheduler_address.removeprefix("tcp://")
    code, _, err = verify("VALID-01", "--executor", f"dask://{place}")
    assert code == 2
    assert "another program" in err


# --- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["trustee", "mixer"])
def test_secrets_go_to_a_cluster_only_when_told_and_encrypted(role: str, tmp_path: Path) -> None:
    key, policy = tmp_path / "key", tmp_path / "policy.json"
    words = [role, "init", "--key", key, "--number", 1, "--name", "One", "--insecure"]
    assert command(*words)[0] == 0
    step = [role, "step", "--key", key, "--policy", policy, "--insecure", "--out", tmp_path / "out", "--from", tmp_path]
    code, _, err = command(*step, "--executor", "dask://192.0.2.1:8786")
    assert code == 2
    assert "A cluster would see your secrets" in err
    code, _, err = command(*step, "--executor", "dask://192.0.2.1:8786", "--trust-cluster")
    assert code == 2
    assert "not encrypted" in err


# --- the runner ----------------------------------------------------------------------------------------------


@dataclass
class Source:
    """The simulated election as a runner looks at it."""

    sim: Simulator

    @property
    def view(self) -> View:
        return self.sim.view

    def refresh(self) -> View:
        engine.verify(self.sim.view)
        return self.sim.view

    def gate(self, _log: str) -> str:
        return self.sim.checkpoint("tally")


@dataclass
class Outlet:
    """Logs what is handed over."""

    sim: Simulator

    def given(self, _role: str, _acts: object) -> set[str]:
        return set()

    def hand_over(self, _role: str, _act: Act, data: bytes) -> None:
        submission = bundle.decode(data)
        self.sim.put(list(submission.blobs.values()))
        self.sim.admit("tally", submission.record)


@dataclass
class File:
    """A key file in memory, which says what was saved last."""

    saved: dict[str, Any] = field(default_factory=dict)
    acts: dict[str, bytes] = field(default_factory=dict)

    def save(self, secret: dict[str, Any]) -> None:
        self.saved = secret

    def put_act(self, name: str, data: bytes) -> str:
        self.acts[name] = data
        return "00" * 32

    def get_act(self, name: str, _digest: str) -> bytes | None:
        return self.acts.get(name)


class Watching(Executor):
    """Runs pieces in this process when their results are asked for, and tells of each that comes."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._tell(args[0])
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        return future


def runner(sim: Simulator, role: Role, file: File) -> Runner:
    return Runner(Source(sim), file, role, Outlet(sim), sim.random)  # type: ignore[arg-type]


def trustee(sim: Simulator, number: int) -> TrusteeState:
    role = f"trustee/{number}"
    state = TrusteeState(role, sim.keys[role], BoxKey(sim.box_keys[role].secret()))
    state.share = KeyShare(1, number, sim.secrets[role])
    return state


def test_mixers_and_trustees_work_with_an_executor(executor: Executor) -> None:
    sim, lost = Simulator().reach("close"), list[Exception]()
    sim.view.workers = Workers(executor, lost=lost.append)
    for number in (1, 2):
        acts = runner(sim, Mixer(MixerState(f"mixer/{number}", sim.keys[f"mixer/{number}"])), File()).run_due()
        assert [act.type for act in acts] == ["shuffle"] * 3
    for number in (1, 3):
        acts = runner(sim, Trustee(trustee(sim, number)), File()).run_due()
        assert [act.type for act in acts] == ["decryption"] * 3
    sim.count()
    sim.certify()
    sim.view.over(sim.view.logs)
    engine.verify(sim.view)
    assert lost == []


def test_all_due_acts_begin_at_once_and_lists_are_stored_before(tmp_path: Path) -> None:
    """A list that is about to be decrypted elsewhere is durable before the key leaves the process."""
    sim, file = Simulator().reach("mixed"), File()
    begun: list[int] = []

    def tell(piece: Any) -> None:
        if isinstance(piece, OpenPiece):
            assert {tuple(item[1:3]) for item in file.saved["lists"]} >= {(piece.urn, piece.contest)}
            begun.append(len(sim.view.tally.indices("decryption")))

    sim.view.workers = Workers(Watching(tell))
    runner(sim, Trustee(trustee(sim, 1)), file).run_due()
    assert begun == [0, 0, 0]
    assert len(sim.view.tally.indices("decryption")) == 3


def test_of_a_list_that_was_decrypted_no_other_begins() -> None:
    sim, sent = Simulator().reach("mixed"), list[Any]()
    sim.view.workers = Workers(Watching(sent.append))
    state = trustee(sim, 1)
    urn, contest = sim.view.batches[0]
    state.lists.permit(sim.view.context.hex(), urn, contest, "00" * 32)
    with pytest.raises(CheckFailed) as caught:
        runner(sim, Trustee(state), File()).run_due()
    assert caught.value.check is Check.DECRYPT_ONCE
    assert not any(isinstance(piece, OpenPiece) for piece in sent)

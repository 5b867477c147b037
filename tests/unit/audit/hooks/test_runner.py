"""Nothing that a hook does reaches the witness: not its time, not its process, not its memory."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from audit.hooks.commands import samples
from audit.hooks.events import EntryEvent, FindingEvent
from audit.hooks.runner import ATTEMPTS, HookRunner
from audit.hooks.settings import HookSetting
from audit.hooks.waiting import Waiting
from vemre.errors import Refused

ENTRY, CHECKPOINT, GATE, FINDING, INCIDENT = samples(1_717_000_000)
PATIENCE = 60.0

pytestmark = pytest.mark.usefixtures("naughty")


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@contextmanager
def running(*settings: HookSetting, close: float = PATIENCE) -> Iterator[HookRunner]:
    runner = HookRunner(settings, "test/w1", CollectorRegistry(), pause=0.01)
    runner.start()
    try:
        yield runner
    finally:
        runner.close(close)


def hook(use: str, folder: Path, **changes: object) -> HookSetting:
    values = {"timeout": PATIENCE, "settings": {"folder": str(folder)}, **changes}
    return HookSetting(use, f"naughty-{use}", **values)  # type: ignore[arg-type]


def heard(folder: Path) -> list[str]:
    return [path.name.partition("-")[2] for path in sorted(folder.glob("0*"))]


def processes(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.glob("0*")}


def test_every_event_is_told_in_order_and_counted(tmp_path: Path) -> None:
    with running(hook("noting", tmp_path / "a"), hook("noting", tmp_path / "b")) as runner:
        for event in (ENTRY, CHECKPOINT, GATE, FINDING, INCIDENT):
            runner(event)
            wait_for(lambda event=event: heard(tmp_path / "a")[-1:] == [type(event).__name__])  # type: ignore[misc]
    wanted = ["EntryEvent", "CheckpointEvent", "GateEvent", "FindingEvent", "IncidentEvent"]
    assert heard(tmp_path / "a") == wanted
    assert sorted(heard(tmp_path / "b")) == sorted(wanted)
    assert runner.counts("noting") == {
        (kind, "delivered"): 1 for kind in ("entry", "checkpoint", "gate", "finding", "incident")
    }
    assert len(processes(tmp_path / "a")) == 1


@pytest.mark.parametrize("use", ["raising", "saying", "leaving"])
def test_a_hook_that_raises_stays_and_is_counted(use: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(hook(use, tmp_path / "a"), hook("noting", tmp_path / "b")) as runner:
        runner(ENTRY)
        runner(FINDING)
    assert runner.counts(use) == {("entry", "failed"): 1, ("finding", "failed"): 1}
    assert heard(tmp_path / "a").count("FindingEvent") == ATTEMPTS
    assert heard(tmp_path / "a").count("EntryEvent") == 1
    assert len(processes(tmp_path / "a")) == 1
    assert runner.counts("noting") == {("entry", "delivered"): 1, ("finding", "delivered"): 1}
    out, err = capfd.readouterr()
    assert "secret-text" not in out + err
    assert ("the pager is off" in out + err) == (use == "saying")


def test_a_hook_that_dies_is_started_again(tmp_path: Path) -> None:
    with running(hook("dying", tmp_path / "a"), hook("noting", tmp_path / "b")) as runner:
        runner(ENTRY)
        runner(FINDING)
    assert runner.counts("dying") == {("entry", "failed"): 1, ("finding", "failed"): 1}
    assert len(processes(tmp_path / "a")) == 1 + ATTEMPTS
    assert runner.counts("noting") == {("entry", "delivered"): 1, ("finding", "delivered"): 1}


@pytest.mark.parametrize("use", ["hanging", "holding", "stopped"])
def test_a_hook_that_hangs_is_killed_and_started_again(use: str, tmp_path: Path) -> None:
    with running(hook(use, tmp_path / "a", timeout=0.2), hook("noting", tmp_path / "b")) as runner:
        runner(ENTRY)
        runner(CHECKPOINT)
    assert runner.counts(use) == {("entry", "failed"): 1, ("checkpoint", "failed"): 1}
    assert len(processes(tmp_path / "a")) == 2
    assert runner.counts("noting") == {("entry", "delivered"): 1, ("checkpoint", "delivered"): 1}


def test_a_flood_drops_entries_and_never_a_finding(tmp_path: Path) -> None:
    release = tmp_path / "release"
    settings = {"folder": str(tmp_path / "a"), "until": str(release)}
    with running(hook("hanging", tmp_path, settings=settings, queue=10)) as runner:
        runner(ENTRY)
        wait_for(lambda: heard(tmp_path / "a") == ["EntryEvent"])
        for number in range(1000):
            runner(EntryEvent("ballot", number, "ballot", "ballot-box", "00" * 32))
            if number % 100 == 0:
                runner(FINDING)
        for _ in range(5):
            runner(CHECKPOINT)
        release.touch()
    counts = runner.counts("hanging")
    assert counts["finding", "delivered"] == 10
    assert ("finding", "dropped") not in counts
    assert counts["checkpoint", "dropped"] == 5
    assert counts["entry", "delivered"] == 1
    assert counts["entry", "dropped"] == 1000
    assert heard(tmp_path / "a") == ["EntryEvent"] + ["FindingEvent"] * 10


def test_the_end_is_bounded_whatever_hooks_do(tmp_path: Path) -> None:
    """Without a bound this test would wait for ever."""
    uses = ("hanging", "holding", "stopped")
    with running(*(hook(use, tmp_path / use, timeout=600) for use in uses), close=0.2) as runner:
        for _ in range(3):
            runner(FINDING)
        wait_for(lambda: all(heard(tmp_path / use) for use in uses))
    for use in uses:
        assert sum(runner.counts(use).values()) == 3
        assert runner.counts(use)["finding", "dropped"] == 2
        for number in processes(tmp_path / use):
            assert not Path(f"/proc/{number}").exists()
    runner(FINDING)
    assert runner.counts("hanging")["finding", "dropped"] == 3


WITNESS = """
import sys, time
from prometheus_client import CollectorRegistry
from audit.hooks.commands import samples
from audit.hooks.runner import HookRunner
from audit.hooks.settings import HookSetting

uses = ("hanging", "holding", "stopped", "noting")
settings = [HookSetting(use, f"naughty-{use}", {"folder": f"{sys.argv[1]}/{use}"}, timeout=600) for use in uses]
runner = HookRunner(settings, "test/w1", CollectorRegistry())
runner.start()
runner(samples(0)[0])
time.sleep(600)
"""


def test_a_witness_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    uses = ("hanging", "holding", "stopped", "noting")
    witness = subprocess.Popen([sys.executable, "-c", WITNESS, str(tmp_path)])
    try:
        wait_for(lambda: all(heard(tmp_path / use) for use in uses))
    finally:
        witness.kill()
        witness.wait()
    for use in uses:
        [number] = processes(tmp_path / use)
        wait_for(lambda number=number: not alive(number))  # type: ignore[misc]


def alive(number: str) -> bool:
    """Whether a process runs; one that ended may still wait for whoever adopted it."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_only_what_a_hook_overrides_is_sent_to_it(tmp_path: Path) -> None:
    alone = HookSetting("findings", "naughty-findings", {"file": str(tmp_path / "file")}, timeout=PATIENCE)
    deaf = HookSetting("deaf", "naughty-deaf", {})
    chosen = hook("noting", tmp_path / "a", events=("gate",))
    with running(alone, deaf, chosen) as runner:
        for event in (ENTRY, CHECKPOINT, GATE, FINDING, INCIDENT):
            runner(event)
    assert runner.counts("findings") == {("finding", "delivered"): 1}
    assert runner.counts("deaf") == {}
    assert runner.counts("noting") == {("gate", "delivered"): 1}
    assert isinstance(FINDING, FindingEvent)
    assert (tmp_path / "file").read_text() == FINDING.detail
    assert (tmp_path / "file.closed").exists()


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("refusing", "HookError: no pager here"),
        ("broken", "SystemExit"),
        ("none", "HookError: naughty:NoHook is no subclass"),
        ("absent", "AttributeError"),
    ],
)
def test_a_hook_that_cannot_be_made_stops_the_start(use: str, reason: str, tmp_path: Path) -> None:
    good = hook("noting", tmp_path / "a")
    runner = HookRunner([good, hook(use, tmp_path / "b")], "test/w1", CollectorRegistry())
    with pytest.raises(Refused) as refused:
        runner.start()
    assert refused.value.code == "hook-unusable"
    assert str(refused.value.params["reason"]).startswith(reason)
    assert "secret-text" not in str(refused.value)


def test_a_hook_does_not_get_the_secrets_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEMRE_PASSPHRASE", "secret-text")
    with running(hook("peeping", tmp_path / "a")) as runner:
        runner(ENTRY)
    assert runner.counts("peeping") == {("entry", "delivered"): 1}
    names = (tmp_path / "a" / "environment").read_text().split("\n")
    assert "PATH" in names
    assert not [name for name in names if name.startswith("VEMRE")]


def test_metrics_of_hooks_show_under_their_name_and_garble_nothing(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    settings = (hook("garbling", tmp_path / "a"), HookSetting("numbers", "prometheus", {}))
    runner = HookRunner(settings, "test/w1", registry)
    runner.start()
    for event in (ENTRY, FINDING):
        runner(event)
    runner.close(PATIENCE)
    lines = generate_latest(registry).decode().split("\n")
    assert "vemre_hook_garbling_well 7.0" in lines
    assert 'vemre_hook_numbers_events_total{event="finding"} 1.0' in lines
    assert 'vemre_hook_numbers_verified_entries{log="tally"} 1.0' in lines
    assert 'vemre_audit_hook_events_total{event="entry",hook="garbling",outcome="delivered"} 1.0' in lines
    # A single line of another form, such as names in quotes, makes an older Prometheus refuse the whole page.
    plain = re.compile(
        r'vemre_(audit_)?hook_\w+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+]+|# (HELP|TYPE) vemre_\w+ .*|'
    )
    assert [line for line in lines if not plain.fullmatch(line)] == []


def test_the_queue_keeps_order_within_a_rank_and_drops_the_oldest_of_the_lowest() -> None:
    waiting = Waiting(3)
    entries = [EntryEvent("ballot", number, "ballot", "ballot-box", "00") for number in range(4)]
    assert [waiting.put(event) for event in entries] == [None, None, None, entries[0]]
    assert waiting.put(CHECKPOINT) is entries[1]
    assert waiting.put(FINDING) is entries[2]
    assert waiting.put(INCIDENT) is entries[3]
    assert waiting.put(entries[0]) is entries[0]
    assert waiting.put(FINDING) is CHECKPOINT
    assert waiting.put(GATE) is GATE
    assert waiting.put(INCIDENT) is FINDING
    waiting.close()
    assert [waiting.take() for _ in range(4)] == [INCIDENT, FINDING, INCIDENT, None]
    assert waiting.put(FINDING) is FINDING

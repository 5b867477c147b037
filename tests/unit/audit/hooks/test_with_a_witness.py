"""A witness with hooks and readers: everything that happened is told, nothing that is secret is, and hooks cost it
nothing."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import Simulator
from starlette.testclient import TestClient
from witnesses import witness_of

from audit.hooks import document
from audit.hooks.events import CheckpointEvent, EntryEvent, Event, GateEvent
from audit.hooks.settings import HookSetting
from audit.witness.api import create_app
from audit.witness.hub import EventHub
from vemre.types import LOG_NAMES


@pytest.fixture(scope="module")
def certified() -> Served:
    return Served(Simulator(trustees=2, threshold=2).reach("certified"))


def secrets_of(sim: Simulator) -> Iterator[bytes]:
    """What only its holder may have."""
    for key in (*sim.keys.values(), *sim.witness_keys.values(), *(voter.key for voter in sim.voters)):
        yield key.seed()
    yield from sim.log_seeds.values()
    for secret in sim.secrets.values():
        yield secret.to_bytes(32, "little")
        yield secret.to_bytes(32, "big")


def spellings(secret: bytes) -> Iterator[str]:
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    yield str(int.from_bytes(secret, "little"))
    yield str(int.from_bytes(secret, "big"))


def test_all_is_told_and_nothing_secret(certified: Served, tmp_path: Path) -> None:
    heard: list[Event] = []
    witness = witness_of(certified, tmp_path / "witness", heard=heard, post=True)
    hub = EventHub("ab12", events=100_000, size=1 << 30)
    witness.listen(hub)
    file = tmp_path / "events.jsonl"
    hooks = (HookSetting("file", "jsonl", {"file": str(file)}), HookSetting("numbers", "prometheus", {}))
    with TestClient(create_app(witness, interval=3600, hooks=hooks)) as client:
        witness.round()
        metrics = client.get("/metrics").text
        assert "vemre_audit_hook_starts_total" in metrics
    view = certified.simulator.view
    entries = [event for event in heard if isinstance(event, EntryEvent)]
    assert [(event.log, event.index) for event in entries if event.log == "ballot"] == [
        ("ballot", index) for index in range(len(view.logs["ballot"]))
    ]
    assert len(entries) == sum(len(view.logs[name]) for name in LOG_NAMES)
    assert {event.act for event in heard if isinstance(event, GateEvent)} >= {"setup", "open", "tally-input"}
    assert any(isinstance(event, CheckpointEvent) and event.cosigned for event in heard)
    written = [json.loads(line) for line in file.read_text().splitlines()]
    for line in written:
        del line["at"]
    # The queue puts what matters more first, and loses nothing.
    assert sorted(map(json.dumps, written)) == sorted(json.dumps(document.document(event)) for event in heard)
    assert [told.event for told in hub.after(0)[0]] == heard

    everything = file.read_text() + "".join(told.data.decode() for told in hub.after(0)[0]) + metrics
    secrets = [text for secret in secrets_of(certified.simulator) for text in spellings(secret)]
    assert len(secrets) > 50
    assert [text for text in secrets if text in everything] == []
    assert not re.search(r"(?i)passphrase|private|\bseed\b|credential\"", everything)


@pytest.mark.usefixtures("naughty")
def test_a_hook_that_hangs_costs_the_witness_nothing(certified: Served, tmp_path: Path) -> None:
    hooks = [
        HookSetting(name, f"naughty-{name}", {"folder": str(tmp_path / name)}, timeout=600, queue=3)
        for name in ("hanging", "holding", "dying", "raising")
    ]
    witness = witness_of(certified, tmp_path / "witness", number=2, post=True)
    with TestClient(create_app(witness, interval=3600, hooks=hooks)) as client:
        witness.round()
        assert {log.lag for log in witness.status().logs} == {0}
        metrics = client.get("/metrics").text
    found = re.search(
        r'vemre_audit_hook_events_total\{event="entry",hook="hanging",outcome="dropped"\} ([0-9.]+)', metrics
    )
    assert found is not None
    assert float(found[1]) > 0

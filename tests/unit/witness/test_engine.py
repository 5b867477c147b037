"""What a witness verifies, cosigns, posts, keeps over restarts and tells."""

import os
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import GROUP, OPENS, Simulator
from starlette.testclient import TestClient
from witnesses import Clock, offer, witness_of

from audit.hooks.events import CheckpointEvent, EntryEvent, Event, GateEvent, IncidentEvent
from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from audit.witness.api import create_app
from audit.witness.replay import replay
from vemre.election import drafts
from vemre.errors import StoreError
from vemre.log.checkpoint import open_checkpoint
from vemre.log.note import parse_signature_lines
from vemre.log.tiles import tile_paths
from vemre.service.settings import ServiceSettings
from vemre.types import LOG_NAMES


def add_incident(served: Served, text: str, *, signer: str = "tally", check: bool = True) -> None:
    served.simulator.append("tally", signer, drafts.incident("note", text, OPENS), check=check)


def test_verified_entries_are_cosigned(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    answer = witness.add_checkpoint(offer(served, "tally"), 0)
    assert answer.status == 200, answer.body
    note = served.note("tally").with_lines(parse_signature_lines(answer.body.decode()))
    anchors = served.simulator.view.anchors
    opened = open_checkpoint(note.encode(), anchors.logs["tally"], anchors.witnesses["auditor/1"])
    assert list(opened.cosigners.values()) == [OPENS]
    witness.close()


def test_what_is_not_verified_yet_is_asked_for_again(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    answer = witness.add_checkpoint(offer(served, "tally"), 0)
    assert (answer.status, answer.retry_after) == (503, 2)
    witness.start(3600)
    assert witness.add_checkpoint(offer(served, "tally"), 60).status == 200
    add_incident(served, "one")
    assert witness.add_checkpoint(offer(served, "tally", 1), 60).status == 200, "the request itself makes it look"
    witness.close()


def test_posting_makes_a_quorum_without_any_feeder(served: Served, tmp_path: Path) -> None:
    witnesses = [witness_of(served, tmp_path / str(number), number, post=True) for number in (1, 2)]
    for witness in witnesses:
        witness.round()
    assert served.cosigners("tally") == {"auditor/1", "auditor/2"}
    add_incident(served, "one")
    witnesses[0].round()
    assert served.cosigners("tally", 2) == {"auditor/1"}
    del served.notes["tally", 2]
    witnesses[0].round()
    assert served.cosigners("tally", 2) == {"auditor/1"}, "what the service lost is posted again"
    for witness in witnesses:
        witness.close()


def test_listeners_hear_each_fact_once_also_over_restarts(served: Served, tmp_path: Path) -> None:
    served.simulator.reach("open")
    heard: list[Event] = []
    for text in ("one", "two"):
        add_incident(served, text)
        served.cosign_all()
        witness = witness_of(served, tmp_path, heard=heard)
        witness.round()
        witness.round()
        witness.close()
    entries = [(event.log, event.index) for event in heard if isinstance(event, EntryEvent)]
    logs = served.simulator.view.logs
    assert sorted(entries) == sorted((name, index) for name in LOG_NAMES for index in range(len(logs[name])))
    assert [event.text for event in heard if isinstance(event, IncidentEvent)] == ["one", "two"]
    gates = [event for event in heard if isinstance(event, GateEvent)]
    assert {event.act for event in gates} == {"setup", "open"}
    assert all(event.auditors == ("auditor/1", "auditor/2") for event in gates)
    seen = [(event.origin, event.size) for event in heard if isinstance(event, CheckpointEvent)]
    assert len(seen) == len(set(seen)) == 4


def test_a_damaged_mirror_is_not_believed(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    witness.close()
    path = tmp_path / "mirror" / "tally.entries"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError):
        witness_of(served, tmp_path)


def test_what_a_crash_left_beyond_the_verified_size_is_cut_off(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    witness.close()
    path = tmp_path / "mirror" / "tally.entries"
    whole = path.read_bytes()
    for torn in (b"\x00", b"\x00\x05abc", b"\x00\x03abc\x00\x02de"):
        path.write_bytes(whole + torn)
        again = witness_of(served, tmp_path)
        again.round()
        assert again.election is not None
        assert again.election.size("tally") == 1
        again.close()
        assert path.read_bytes() == whole


def test_the_mirror_is_a_whole_record(tmp_path: Path) -> None:
    served = Served(Simulator().reach("certified"))
    served.cosign_all()
    witness = witness_of(served, tmp_path / "witness")
    witness.round()
    record = tmp_path / "record"
    with TestClient(create_app(witness, interval=3600)) as client:
        for name in LOG_NAMES:
            answer = client.get(f"/record/{name}/checkpoint")
            assert answer.headers["access-control-allow-origin"] == "*"
            size = int(answer.text.split("\n")[1])
            for path in ("checkpoint", *tile_paths(size)):
                target = record / name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(client.get(f"/record/{name}/{path}").content)
        (record / "blob").mkdir()
        for digest in served.simulator.blobs:
            found = client.get(f"/record/blob/{digest}")
            if found.status_code == 200:
                (record / "blob" / digest).write_bytes(found.content)
        for path in ("x/checkpoint", "tally/tile/0/1", "tally/tile/entries/001", "blob/abc", "blob/" + "0" * 64):
            assert client.get(f"/record/{path}").status_code == 404
    report = verify_record(RecordFolder(record), served.simulator.view.anchors, GROUP, os.urandom)
    assert report.failure is None
    assert report.certified


def test_the_mirror_shows_a_checkpoint_with_its_quorum(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    anchors = served.simulator.view.anchors

    def cosigners() -> set[str]:
        assert witness.mirror is not None
        note = witness.mirror.checkpoint("tally")
        assert note is not None
        keys = [key for keys in anchors.witnesses.values() for key in keys]
        return {key.name for key in open_checkpoint(note, anchors.logs["tally"], keys).cosigners}

    witness.round()
    assert cosigners() == set()
    assert witness.add_checkpoint(offer(served, "tally"), 0).status == 200
    witness.round()
    assert cosigners() == {"auditor1.example/w"}
    served.cosign_all()
    witness.round()
    assert cosigners() == {"auditor1.example/w", "auditor2.example/w"}
    add_incident(served, "one")
    witness.round()
    assert cosigners() == {"auditor1.example/w", "auditor2.example/w"}, "the larger one has no quorum yet"
    witness.close()


def settings_of(folder: Path) -> ServiceSettings:
    return ServiceSettings(data_dir=folder)


def test_a_replay_from_nothing_gives_the_same_state(tmp_path: Path) -> None:
    served = Served(Simulator())
    witness = witness_of(served, tmp_path)
    anchors = served.simulator.view.anchors
    for stage in (lambda s: s.generate_key(), lambda s: s.publish_roll(), lambda s: s.set_up(), lambda s: s.open_box()):
        stage(served.simulator)
        witness.round()
    served.simulator.cast_all()
    witness.round()
    beside = replay(settings_of(tmp_path), anchors, GROUP, os.urandom)
    assert beside.same, beside
    witness.close()
    outcome = replay(settings_of(tmp_path), anchors, GROUP, os.urandom)
    assert outcome.same
    assert outcome.sizes == {name: len(log) for name, log in served.simulator.view.logs.items()}


def test_a_replay_finds_another_state(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    kept = witness.ground.store.kept_digest(witness.mirror.id if witness.mirror else "")
    assert kept is not None
    witness.close()
    other = witness_of(served, tmp_path)
    assert other.mirror is not None
    other.ground.store.keep_digest(other.mirror.id, b"\0" * 32, kept[1])
    other.mirror.close()
    other.ground.store.close()
    outcome = replay(settings_of(tmp_path), served.simulator.view.anchors, GROUP, os.urandom)
    assert not outcome.same
    assert outcome.found == kept[0].hex()


def test_the_status_says_how_it_stands(served: Served, tmp_path: Path) -> None:
    clock = Clock()
    witness = witness_of(served, tmp_path, clock=clock)
    witness.round()
    witness.add_checkpoint(offer(served, "tally"), 0)
    add_incident(served, "one")
    clock.now += 5
    served.down.add("ballot")
    witness.round()
    status = witness.status()
    tally = next(log for log in status.logs if log.name == "tally")
    assert (tally.seen, tally.verified, tally.cosigned, tally.lag) == (2, 2, 1, 1)
    assert (tally.cosigned_time, tally.seen_time) == (OPENS, OPENS + 5)
    assert (status.mode, status.role, status.stage) == ("verify", "auditor/1", "configuration")
    assert status.waiting is not None
    served.down.clear()
    witness.round()
    assert witness.status().waiting is None
    witness.close()


def test_metrics_show_the_lag(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    with TestClient(create_app(witness, interval=3600)) as client:
        text = client.get("/metrics").text
    assert 'vemre_witness_entries{log="tally",state="verified"} 1.0' in text
    assert 'vemre_witness_entries{log="tally",state="cosigned"} 0.0' in text


def test_a_listener_that_fails_harms_nobody(served: Served, tmp_path: Path) -> None:
    heard: list[Event] = []
    witness = witness_of(served, tmp_path)

    def fail(_event: Event) -> None:
        raise RuntimeError

    witness.listen(fail)
    witness.listen(heard.append)
    witness.round()
    assert any(isinstance(event, EntryEvent) for event in heard)
    witness.close()

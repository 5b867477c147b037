"""What a verifying witness cosigns, what it never cosigns, and what it remembers."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import OPENS

from audit import keys
from audit.auditor import Auditor
from audit.witness.core import Roots, decide, keep, nothing_kept
from audit.witness.memory import Memory
from vemre.checks import Check
from vemre.election import drafts
from vemre.errors import CheckFailed, KeyFileError, Refused, StoreError
from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint
from vemre.messages import Unreachable

Hire = Callable[..., Auditor]


def offered(served: Served, size: int | None = None) -> OpenedCheckpoint:
    anchors = served.simulator.view.anchors
    witnesses = [key for keys in anchors.witnesses.values() for key in keys]
    return open_checkpoint(served.note("tally", size).encode(), anchors.logs["tally"], witnesses)


def add_incident(served: Served, text: str, *, check: bool = True) -> None:
    served.simulator.append("tally", "tally", drafts.incident("note", text, OPENS), check=check)


def test_new_entries_are_cosigned_once(served: Served, hire: Hire) -> None:
    auditor = hire()
    assert "tally 1" in auditor.round()
    assert served.cosigners("tally") == {"auditor/1"}
    assert auditor.round() == []
    add_incident(served, "one")
    assert "tally 2" in auditor.round()
    assert served.cosigners("tally", 2) == {"auditor/1"}
    assert auditor.cosigned_all()


def test_two_auditors_make_a_quorum(served: Served, hire: Hire) -> None:
    for number in (1, 2):
        hire(number).round()
    assert served.cosigners("tally") == {"auditor/1", "auditor/2"}


def test_memory_is_durable_before_the_cosignature_leaves(served: Served, hire: Hire, tmp_path: Path) -> None:
    seen: list[int] = []

    def look(log: str, _size: int) -> None:
        seen.append(json.loads((tmp_path / "auditor-1" / "cosigned" / f"{log}.json").read_text())["size"])

    served.on_cosignature = look
    hire().round()
    assert seen == [0, 0, 1]


def test_a_cosignature_that_got_lost_is_sent_again(served: Served, hire: Hire) -> None:
    auditor = hire()

    def fall(log: str, size: int) -> None:
        if log == "tally":
            del served.notes[log, size]
            served.down.add(log)

    served.on_cosignature = fall
    auditor.round()
    with pytest.raises(Unreachable):
        auditor.round()
    served.down.clear()
    served.on_cosignature = lambda _log, _size: None
    assert "tally 1" in auditor.round()
    assert served.cosigners("tally") == {"auditor/1"}


def test_a_broken_rule_is_a_finding_and_nothing_more_is_cosigned(served: Served, hire: Hire, tmp_path: Path) -> None:
    auditor = hire()
    auditor.round()
    served.simulator.append("tally", "mixer/1", drafts.incident("note", "x", OPENS), check=False)
    with pytest.raises(CheckFailed) as found:
        auditor.round()
    assert (found.value.check, found.value.where) == (Check.RECORD_ROLE, "tally/1")
    assert served.cosigners("tally", 2) == set()
    with pytest.raises(CheckFailed):
        auditor.round()
    evidence = json.loads((tmp_path / "auditor-1" / "evidence" / "0001-record-role.json").read_text())
    assert evidence["party"] == found.value.party
    assert evidence["seen"]["tally"] == served.note("tally").encode().decode()
    assert served.cosigners("tally", 2) == set()


def test_a_log_that_went_back_is_a_finding_also_after_a_restart(served: Served, hire: Hire, tmp_path: Path) -> None:
    add_incident(served, "one")
    auditor = hire()
    auditor.round()
    served.simulator.view.tally.pop()
    for witness in (auditor, hire()):
        with pytest.raises(CheckFailed) as found:
            witness.round()
        assert (found.value.check, found.value.party) == (Check.CHECKPOINT, "tally")
    assert served.cosigners("tally", 1) == set()
    kept = json.loads((tmp_path / "auditor-1" / "evidence" / "0002-checkpoint.json").read_text())
    assert kept["cosigned"]["tally"].splitlines()[1] == "2"
    assert kept["seen"]["tally"].splitlines()[1] == "1"


@pytest.mark.parametrize("longer", [False, True])
def test_a_fork_is_a_finding_also_after_a_restart(served: Served, hire: Hire, longer: bool) -> None:
    add_incident(served, "one")
    auditor = hire()
    auditor.round()
    served.simulator.view.tally.pop()
    served.notes.clear()
    for text in ("other", "more")[: 2 if longer else 1]:
        add_incident(served, text)
    for witness in (auditor, hire()):
        with pytest.raises(CheckFailed) as found:
            witness.round()
        assert found.value.check in (Check.CHECKPOINT, Check.LOG)
    assert served.cosigners("tally") == set()


def test_restarted_witness_goes_on(served: Served, hire: Hire) -> None:
    hire().round()
    add_incident(served, "one")
    assert "tally 2" in hire().round()


def test_damaged_memory_stops_the_witness(served: Served, hire: Hire, tmp_path: Path) -> None:
    hire().round()
    path = tmp_path / "auditor-1" / "cosigned" / "tally.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(StoreError):
        hire()
    path.write_text("{}")
    with pytest.raises(StoreError):
        hire()


def test_memory_of_another_log_is_refused(served: Served, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember("tally", keep(nothing_kept("one"), offered(served), 7))
    with pytest.raises(StoreError):
        memory.recall("tally", "two")


def test_keys_that_the_policy_does_not_name_are_refused(served: Served, hire: Hire) -> None:
    other = type(served)(type(served.simulator)(trustees=2, threshold=2))
    served.simulator.keys["auditor/1"] = other.simulator.keys["auditor/1"]
    with pytest.raises(Refused, match="auditor-not-in-policy"):
        hire()


def test_decisions(served: Served) -> None:
    add_incident(served, "one")
    now, records = offered(served), served.simulator.view.tally.records
    own = served.simulator.witnesses["auditor/1"].vkey
    none = nothing_kept(now.origin)
    assert decide(none, now, Roots(records), own)
    kept = keep(none, now, 5)
    assert decide(kept, now, Roots(records), own)
    assert not decide(kept, replace(now, cosigners={own: 5}), Roots(records), own)
    for bad in (
        replace(kept, root=bytes(32)),
        replace(kept, size=3),
        replace(kept, origin="other"),
    ):
        with pytest.raises(CheckFailed) as found:
            decide(bad, now, Roots(records), own)
        assert found.value.check is Check.CHECKPOINT
    with pytest.raises(CheckFailed):
        decide(none, replace(now, checkpoint=replace(now.checkpoint, root=bytes(32))), Roots(records), own)


def test_times_never_go_back(served: Served) -> None:
    kept = keep(nothing_kept("x"), offered(served), 100)
    assert keep(kept, offered(served), 90).time == 100
    assert keep(kept, offered(served), 110).time == 110


def test_keys_are_kept_encrypted_and_come_back(tmp_path: Path) -> None:
    made = keys.create(
        tmp_path / "a", "auditor/1", "Auditoría Uno", "one.example/w", b"phrase", os.urandom, insecure=False
    )
    path = tmp_path / "a" / keys.KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.sign.seed().hex() not in path.read_text()
    found = keys.load(tmp_path / "a", b"phrase", allow_insecure=False)
    assert found.public() == made.public()
    assert found.sign.seed() == made.sign.seed()
    assert found.witness.vkey == made.witness.vkey
    with pytest.raises(KeyFileError):
        keys.load(tmp_path / "a", b"other", allow_insecure=False)
    with pytest.raises(KeyFileError):
        keys.create(tmp_path / "a", "auditor/1", "x", "one.example/w", b"phrase", os.urandom, insecure=False)
    with pytest.raises(Refused, match="witness-name-unusable"):
        keys.create(tmp_path / "b", "auditor/1", "x", "no name", b"phrase", os.urandom, insecure=False)

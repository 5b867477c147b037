"""What a witness finds: what convicts stops it for good and is proven by its evidence; what does not, may heal."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from served_simulator import Served
from simulator import OPENS
from witnesses import consistency_witness, offer, plain_log, witness_of

from audit.hooks.events import FindingEvent
from audit.witness.engine import Witness
from audit.witness.evidence import NotProven
from audit.witness.evidence_command import examine
from vemre.checks import Check
from vemre.cli.main import root
from vemre.election import drafts
from vemre.election.rules.view import LogView
from vemre.log import merkle
from vemre.log.encoding import format_base64
from vemre.types import LogName


def add_incident(served: Served, text: str, *, signer: str = "tally", check: bool = True) -> None:
    served.simulator.append("tally", signer, drafts.incident("note", text, OPENS), check=check)


def rewrite(served: Served, log: LogName, start: int, *texts: str) -> None:
    """The log forgets everything from `start` on and tells another story."""
    old = served.simulator.view.logs[log]
    served.simulator.view.logs[log] = LogView(log, old.records[:start])
    for text in texts:
        add_incident(served, text)
    served.notes.clear()


def only(witness: Witness) -> FindingEvent:
    (found,) = witness.status().findings
    return found


def folder_of(witness: Witness) -> Path:
    return witness.evidence / only(witness).evidence


# --- what convicts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 5), (4, 6), (5, 3), (5, 4), (2, 300)])
def test_a_fork_convicts_the_log_whatever_the_sizes(served: Served, tmp_path: Path, before: int, after: int) -> None:
    for number in range(before - 1):
        add_incident(served, f"one {number}")
    witness = witness_of(served, tmp_path, post=True)
    witness.round()
    anchors = served.simulator.view.anchors
    rewrite(served, "tally", 1, *(f"other {number}" for number in range(after - 1)))
    witness.round()
    found = only(witness)
    assert (found.check, found.where, found.party, found.provable) == ("CHECKPOINT", "tally/checkpoint", "tally", True)
    proven = examine(folder_of(witness), anchors)
    assert (proven.log, proven.party, proven.check) == (anchors.logs["tally"].name, "tally", Check.CHECKPOINT)
    witness.close()
    again = witness_of(served, tmp_path, post=True)
    again.round()
    assert served.cosigners("tally", after) == set(), "not even after a restart"
    old = again.ground.store.last(anchors.logs["tally"].name).size
    if after >= old:
        assert again.add_checkpoint(offer(served, "tally", old), 0).status == 422
    assert len(again.status().findings) == 1
    again.close()


def test_one_log_that_convicts_itself_does_not_stop_the_others(served: Served, tmp_path: Path) -> None:
    served.simulator.reach("roll")
    witness = witness_of(served, tmp_path, post=True)
    witness.round()
    size = len(served.simulator.view.tally)
    rewrite(served, "tally", 5, "other")
    assert len(served.simulator.view.tally) < size
    served.simulator.append("registry", "registry", drafts.incident("note", "x", OPENS), check=False)
    witness.round()
    assert only(witness).provable
    assert served.cosigners("registry") == {"auditor/1"}
    assert served.cosigners("tally") == set()
    witness.close()


def test_a_broken_rule_convicts_and_stops_all_logs(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path, post=True)
    witness.round()
    add_incident(served, "x", signer="mixer/1", check=False)
    witness.round()
    found = only(witness)
    assert (found.check, found.where, found.party, found.provable) == ("RECORD-ROLE", "tally/1", "mixer/1", True)
    proven = examine(folder_of(witness), served.simulator.view.anchors)
    assert (proven.check, proven.where, proven.party) == (Check.RECORD_ROLE, "tally/1", "mixer/1")
    witness.close()
    again = witness_of(served, tmp_path, post=True)
    again.round()
    served.simulator.view.tally.pop()
    again.round()
    assert served.cosigners("tally", 2) == set()
    for name in ("tally", "registry"):
        last = again.ground.store.last(served.simulator.view.anchors.logs[name].name).size  # type: ignore[index]
        size = len(served.simulator.view.logs[name])  # type: ignore[index]
        assert again.add_checkpoint(offer(served, name, last, max(last, size)), 0).status == 422  # type: ignore[arg-type]
    assert len(again.status().findings) == 1
    again.close()


def test_an_entry_that_is_no_record_convicts(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()

    class Raw:
        kind = SimpleNamespace(name="incident")
        entry = b'{"no":"record"}'
        leaf_hash = merkle.leaf_hash(entry)

    served.simulator.view.tally.append(Raw())  # type: ignore[arg-type]
    witness.round()
    found = only(witness)
    assert (found.check, found.where, found.provable) == ("CANONICAL", "tally/1", True)
    assert examine(folder_of(witness), served.simulator.view.anchors).where == "tally/1"
    witness.close()


def test_the_evidence_command_says_it_with_its_exit_code(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path / "w")
    witness.round()
    add_incident(served, "x", signer="mixer/1", check=False)
    witness.round()
    folder = folder_of(witness)
    witness.close()
    policy = tmp_path / "policy.json"
    import msgspec

    policy.write_bytes(msgspec.json.encode(served.simulator.policy))

    def run(*words: str) -> tuple[int, Any]:
        result = CliRunner().invoke(root, ["audit", "evidence", *words, "--policy", str(policy), "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else None

    code, answer = run(str(folder))
    assert code == 0
    assert (answer["proven"], answer["check"], answer["where"], answer["party"]) == (
        True, "RECORD-ROLE", "tally/1", "mixer/1",
    )  # fmt: skip
    assert run(str(folder / "evidence.json"))[0] == 0
    shown = CliRunner().invoke(root, ["audit", "evidence", str(folder), "--policy", str(policy)])
    assert "RECORD-ROLE" in shown.stdout
    shutil.rmtree(folder / "record" / "tally")
    assert run(str(folder)) == (1, {"proven": False, "reason": "entries of the tally log are missing"})
    (folder / "evidence.json").write_text("not JSON")
    assert run(str(folder))[0] == 2
    assert run(str(tmp_path / "nothing"))[0] == 2


def spoil(file: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def test_tampered_evidence_of_a_fork_proves_nothing(served: Served, tmp_path: Path) -> None:
    for number in range(2):
        add_incident(served, f"one {number}")
    witness = witness_of(served, tmp_path)
    witness.round()
    honest = served.note("tally", 2).encode().decode(), served.note("tally", 3).encode().decode()
    tree = [record.leaf_hash for record in served.simulator.view.tally.records]
    rewrite(served, "tally", 1, *(f"other {number}" for number in range(4)))
    witness.round()
    folder, anchors = folder_of(witness), served.simulator.view.anchors
    kept = (folder / "evidence.json").read_text()
    assert examine(folder, anchors).party == "tally"

    def read(level: int, index: int) -> bytes:
        return merkle.perfect_root(tree[index << level : (index + 1) << level])

    proof = [format_base64(value) for value in merkle.prefix_proof(2, 3, read)]
    lies: list[Callable[[Any], None]] = [
        lambda v: v.update(older=v["older"].replace("\n3\n", "\n2\n")),
        lambda v: v.update(newer=v["older"]),
        lambda v: v.update(older=v["newer"], newer=v["older"]),
        lambda v: v.update(proof=[]),
        lambda v: v.update(proof=[format_base64(b"x" * 32), *v["proof"][1:]]),
        lambda v: v.update(proof=v["proof"] * 40),
        lambda v: v.update(proof="x"),
        lambda v: v.update(log=anchors.logs["ballot"].name),
        lambda v: v.update(log="another.example/log"),
        lambda v: v.update(older=honest[0], newer=honest[1], proof=proof),
        lambda v: v.update(kind="observation", seen={}),
        lambda v: v.update(kind="anything"),
        lambda v: v.update(format="vemre-evidence-2"),
        lambda v: v.pop("older"),
        lambda v: v.update(kind="violation", logs={}),
    ]
    for lie in lies:
        (folder / "evidence.json").write_text(kept)
        spoil(folder / "evidence.json", lie)
        with pytest.raises(NotProven):
            examine(folder, anchors)
    witness.close()


def test_nobody_is_convicted_by_leaving_entries_out(tmp_path: Path) -> None:
    from simulator import Simulator

    served = Served(Simulator().reach("open"))
    served.cosign_all()
    witness = witness_of(served, tmp_path)
    witness.round()
    served.simulator.append("ballot", "mixer/1", drafts.incident("note", "x", OPENS), check=False)
    witness.round()
    folder, anchors = folder_of(witness), served.simulator.view.anchors
    assert examine(folder, anchors).where == "ballot/1"
    whole = json.loads((folder / "evidence.json").read_text())

    def truncate(log: LogName, size: int) -> Callable[[Any], None]:
        def change(value: Any) -> None:
            note = served.simulator.checkpoint(log, size, auditors=())
            value["logs"][log] = {"size": size, "note": note, "proof": []}

        return change

    for log in ("tally", "registry"):
        for size in (0, 1):
            (folder / "evidence.json").write_text(json.dumps(whole))
            spoil(folder / "evidence.json", truncate(log, size))  # type: ignore[arg-type]
            from forge import write_log

            entries = [record.entry for record in served.simulator.view.logs[log].records[:size]]  # type: ignore[index]
            shutil.rmtree(folder / "record" / log)
            write_log(folder / "record" / log, entries, b"")
            with pytest.raises(NotProven):
                examine(folder, anchors)
    witness.close()


# --- what does not convict --------------------------------------------------------------------------------------


def test_a_log_that_serves_an_older_state_is_a_finding_and_heals(served: Served, tmp_path: Path) -> None:
    add_incident(served, "one")
    witness = witness_of(served, tmp_path, post=True)
    witness.round()
    record = served.simulator.view.tally.records[-1]
    served.simulator.view.tally.pop()
    for _ in range(3):
        witness.round()
    found = only(witness)
    assert (found.check, found.party, found.provable) == ("CHECKPOINT", "tally", False)
    with pytest.raises(NotProven):
        examine(folder_of(witness), served.simulator.view.anchors)
    served.simulator.view.tally.append(record)
    add_incident(served, "two")
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    witness.close()
    again = witness_of(served, tmp_path, post=True)
    served.simulator.view.tally.pop()
    again.round()
    assert len(again.status().findings) == 1, "the same fact once"
    again.close()


def test_tiles_that_do_not_match_are_a_finding_and_heal(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path, post=True)
    for path, data in {
        "/log/tile/0/000.p/1": b"x" * 32,
        "/log/tile/entries/000.p/1": b"\0\1x",
    }.items():
        served.lies["tally", path] = data
        witness.round()
        witness.round()
        served.lies.clear()
        assert served.cosigners("tally") == set()
    assert [(found.check, found.provable) for found in witness.status().findings] == [("LOG", False)] * 2
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    assert witness.status().waiting is None
    witness.close()


def test_a_blob_that_is_not_served_is_a_finding_and_heals(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path, post=True)
    (digest,) = served.simulator.blobs
    data = served.simulator.blobs.pop(digest)
    witness.round()
    found = only(witness)
    assert (found.check, found.where, found.provable) == ("BLOB-DIGEST", f"blob/{digest}", False)
    served.lies["tally", f"/blob/{digest}"] = b"another"
    witness.round()
    served.lies.clear()
    served.simulator.blobs[digest] = data
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    witness.close()


def test_a_checkpoint_that_nobody_signed_convicts_nobody(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path, post=True)
    note = served.note("tally").encode()
    served.lies["tally", "/log/checkpoint"] = note.replace(b"\n1\n", b"\n2\n")
    witness.round()
    assert (only(witness).check, only(witness).provable) == ("NOTE", False)
    served.lies.clear()
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    witness.close()


def test_one_unreachable_log_does_not_hold_up_the_others(served: Served, tmp_path: Path) -> None:
    served.down |= {"registry", "ballot"}
    witness = witness_of(served, tmp_path, post=True)
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    assert witness.status().waiting is not None
    assert witness.status().findings == ()
    witness.close()


# --- foreign logs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(7, 7), (7, 9), (6, 12)])
def test_a_foreign_log_convicts_itself_by_its_own_proof(tmp_path: Path, old: int, new: int) -> None:
    log, fork = plain_log(20), plain_log(20, b"otra %d\n")
    witness = consistency_witness(tmp_path, [log])
    assert witness.add_checkpoint(log.request(0, old)).status == 200
    assert witness.add_checkpoint(fork.request(old, new)).status == 422
    proven = examine(folder_of(witness), None, [log.signer.vkey])
    assert proven.log == log.origin
    assert witness.add_checkpoint(log.request(old, 15)).status == 200, "what is consistent goes on, as C2SP says"
    witness.close()
    again = consistency_witness(tmp_path, [log])
    assert again.add_checkpoint(fork.request(15, 20)).status == 422
    assert again.add_checkpoint(log.request(15, 20)).status == 200
    assert only(again).provable
    again.close()


def test_two_roots_of_one_size_convict_also_where_the_size_was_never_cosigned(tmp_path: Path) -> None:
    log, fork = plain_log(20), plain_log(20, b"otra %d\n")
    witness = consistency_witness(tmp_path, [log])
    assert witness.add_checkpoint(log.request(3, 9)).status == 409
    assert witness.add_checkpoint(fork.request(3, 9)).status == 409
    assert examine(folder_of(witness), None, [log.signer.vkey]).log == log.origin
    witness.close()


def test_a_wrong_proof_convicts_nobody(tmp_path: Path) -> None:
    log = plain_log(20)
    witness = consistency_witness(tmp_path, [log])
    assert witness.add_checkpoint(log.request(0, 7)).status == 200
    assert witness.add_checkpoint(log.request(7, 9, [os.urandom(32)] * 3)).status == 422
    assert witness.status().findings == ()
    assert witness.add_checkpoint(log.request(7, 9)).status == 200
    witness.close()

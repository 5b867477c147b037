"""Records that are easily judged wrongly: sizes of blobs, entries that stand twice, keys that cancel out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import simulator
from forge import Forgery
from simulator import GROUP, Simulator, refusal

from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.election import drafts
from vemre.election.choice import Choice, Marks, Null
from vemre.params import GROUP_ORDER


def verified(election: Simulator, folder: Path) -> Report:
    return verify_record(RecordFolder(folder), election.view.anchors, GROUP, os.urandom)


def test_each_reference_to_a_blob_has_its_right_size(tmp_path: Path) -> None:
    election = Simulator().reach("certified")
    forgery = Forgery.open(election.write(tmp_path / "record"), election.forge_keys())
    report = forgery.body("tally", "opinion", 0)["report"]
    forgery.body("tally", "opinion", 1)["report"] = {**report, "size": report["size"] + 1}
    failure = verified(election, forgery.write(tmp_path / "forged")).failure
    assert failure is not None
    assert (failure.check, failure.where) == (Check.BLOB_DIGEST, f"blob/{report['sha256']}")


def test_an_opinion_that_stands_twice_is_one_opinion(tmp_path: Path) -> None:
    election = Simulator().reach("setup")
    election.admit("tally", election.view.tally.records[-1])
    election.open_box()
    election.cast_all()
    election.close_box()
    election.mix_all()
    election.decrypt_all()
    election.count()
    checkpoints = {name: election.checkpoint(name) for name in ("registry", "ballot", "tally")}
    for role in election.auditors:
        draft = drafts.opinion(
            election.view, favourable=True, checkpoints=checkpoints, report=role.encode(), tool=("vemre", "0")
        )
        record = election.append("tally", role, draft)
    election.admit("tally", record)
    gate = election.checkpoint("tally")
    election.append("tally", "authority", drafts.certification(election.view, gate=gate))
    assert verified(election, election.write(tmp_path / "record")).certified


def test_what_is_passed_through_is_decrypted_upon_the_tally_input(tmp_path: Path) -> None:
    votes: list[tuple[str, tuple[Choice, ...] | None]] = [("urna-09", (Marks((1,)), Null())), ("urna-17", None)]
    election = Simulator(votes=votes).reach("close")
    before = election.checkpoint("tally")
    election.mix_all()
    for role in election.trustees[:2]:
        for contest in ("presidencia", "gubernatura"):
            election.append("tally", role, election.decryption(role, "urna-09", contest, before))
    election.count()
    election.certify()
    assert verified(election, election.write(tmp_path / "record")).certified


def test_a_key_that_cancels_out_is_refused_at_the_reveal_that_did_it(monkeypatch: pytest.MonkeyPatch) -> None:
    election = Simulator()
    drawn: list[int] = []
    original = simulator.GROUP.random_scalars

    def cancelling(count: int, random: object) -> object:
        scalars = original(count, os.urandom)
        if count != election.t:
            return scalars
        constant, *others = scalars
        if len(drawn) == election.n - 1:
            constant = -sum(drawn) % GROUP_ORDER
        drawn.append(constant)
        return simulator.GROUP.scalars([constant, *others])

    monkeypatch.setattr(simulator.GROUP, "random_scalars", cancelling)
    failure = refusal(election.generate_key)
    reveals = election.view.tally.indices("dkg-reveal")
    assert (failure.check, failure.where) == (Check.IDENTITY, f"tally/{reveals[-1]}")

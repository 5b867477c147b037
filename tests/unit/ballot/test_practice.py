"""The practice election: made anew byte for byte, a whole election by all rules, and nothing to anybody real."""

from __future__ import annotations

import json
from pathlib import Path

import practice_election
import pytest
from practice_election import document, practice_policy, view_under
from simulator import Simulator

from vemre.errors import CheckFailed
from vemre.log.checkpoint import open_checkpoint, require_quorum
from vemre.records.policy import parse_policy


def test_it_is_made_anew_byte_for_byte() -> None:
    assert practice_election.maker().build() == practice_election.FILE.read_bytes()


def test_every_name_in_it_says_that_it_is_not_real() -> None:
    policy = practice_policy()
    names = [policy.log_vkey("registry"), policy.log_vkey("ballot"), policy.log_vkey("tally")]
    assert all(name.startswith("practica.vemre.invalid/") for name in names)
    for anchor in policy.auditors.values():
        assert all(".practica.vemre.invalid/" in key for key in anchor.witness)
    manifest = json.loads(document()["logs"]["tally"]["entries"][0])["body"]
    assert manifest["name"]["es"].startswith("SIMULACRO")
    assert manifest["name"]["en"].startswith("MOCK")


def test_it_is_a_whole_election_by_all_rules() -> None:
    view = view_under(practice_policy())
    assert view.ballots_by_urn() == {document()["voter"]["urn"]: 0}
    witnesses = [key for keys in view.anchors.witnesses.values() for key in keys]
    for name, log in view.logs.items():
        opened = open_checkpoint(document()["logs"][name]["checkpoint"], view.anchors.logs[name], witnesses)
        require_quorum(opened, view.anchors.witnesses, 2)
        assert (opened.size, opened.root) == (len(log), log.root(len(log)))
        assert len(log)


def test_a_real_policy_refuses_all_of_it() -> None:
    real = Simulator()
    golden = parse_policy((Path(__file__).parents[2] / "vectors" / "golden" / "policy.json").read_bytes())
    for policy in (real.policy, golden):
        with pytest.raises(CheckFailed):
            view_under(policy)
    for name, key in real.view.anchors.logs.items():
        with pytest.raises(CheckFailed, match="NOTE"):
            open_checkpoint(document()["logs"][name]["checkpoint"], key)

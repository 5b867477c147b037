"""The whole record: off-line verification of an election, per ballot, and the making of its parts."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import simulator

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.election.choice import Marks
from vemre.election.rules.ballots import RULES_BEFORE_PROOF, check_proofs, state_of

VOTERS = 40


@pytest.fixture(scope="module")
def election() -> simulator.Simulator:
    votes = [("urna-17", (Marks((0, 1)),)) for _ in range(VOTERS)]
    return simulator.Simulator(votes=votes).reach("certified")


def test_verify_record_of_40_ballots(benchmark: Any, election: simulator.Simulator) -> None:
    """Two blocks a ballot, two mixers, two of three trustees."""
    with tempfile.TemporaryDirectory() as folder:
        record = RecordFolder(election.write(Path(folder) / "record"))
        report = benchmark(verify_record, record, election.view.anchors, simulator.GROUP, os.urandom)
    assert report.valid


def test_make_ballot(benchmark: Any, election: simulator.Simulator) -> None:
    """Encrypt, prove and sign a ballot of two blocks."""
    benchmark(election.ballot, election.voters[0], (Marks((0, 1)),))


def test_accept_ballot(benchmark: Any) -> None:
    """All rules of acceptance for one ballot of two blocks."""
    election = simulator.Simulator().reach("open")
    voter = next(voter for voter in election.voters if voter.urn == "urna-17" and voter.choices)
    ballot = election.ballot(voter, (Marks((0, 1)),))
    state = state_of(election.view)
    assert state is not None

    def accept() -> None:
        for rule in RULES_BEFORE_PROOF:
            rule(state, ballot)
        check_proofs(simulator.GROUP, os.urandom, state, [("ballot/1", ballot)])

    benchmark(accept)

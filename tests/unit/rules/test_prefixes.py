"""Every prefix of an election verifies as far as it goes, and the rare turns that an election may take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import simulator
from simulator import GROUP, STAGES, Simulator

from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.election import drafts
from vemre.election.choice import Choice, Marks, Null
from vemre.election.rules import keygen
from vemre.errors import CheckFailed
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import format_time, parse_time
from vemre.records.record import Record

NAMES = {
    "keys": "key-generation",
    "roll": "key-generation",
    "setup": "setup",
    "open": "open",
    "cast": "open",
    "close": "tally-input",
    "mixed": "mixing",
    "decrypted": "decryption",
    "counted": "result",
    "certified": "certified",
}


def verified(election: Simulator, folder: Path) -> Report:
    return verify_record(RecordFolder(election.write(folder)), election.view.anchors, GROUP, os.urandom)


@pytest.mark.parametrize("stage", STAGES)
def test_a_running_election_verifies_as_far_as_it_goes(stage: str, tmp_path: Path) -> None:
    report = verified(Simulator().reach(stage), tmp_path / "record")
    assert report.failure is None
    assert report.stage == NAMES[stage]
    assert report.certified == (stage == "certified")
    assert bool(report.result) == (stage in ("counted", "certified"))


def test_a_manifest_alone_verifies(tmp_path: Path) -> None:
    assert verified(Simulator(), tmp_path / "record").stage == "configuration"


def test_urns_without_or_with_one_ballot_pass_through(tmp_path: Path) -> None:
    votes: list[tuple[str, tuple[Choice, ...] | None]] = [("urna-17", None), ("urna-09", (Marks((1,)), Null()))]
    report = verified(Simulator(votes=votes).reach("certified"), tmp_path / "record")
    assert report.failure is None
    rows = {(batch["urn"], batch["contest"]): batch["rows"] for batch in report.result}
    assert rows == {("urna-09", "presidencia"): 1, ("urna-09", "gubernatura"): 1, ("urna-17", "presidencia"): 0}


def test_a_log_of_more_than_one_tile_verifies(tmp_path: Path) -> None:
    election = Simulator().reach("cast")
    for number in range(300):
        incident = drafts.incident("test", f"number {number}", simulator.OPENS)
        election.append("ballot", "ballot-box", incident, check=False)
    election.close_box()
    report = verified(election, tmp_path / "record")
    assert report.failure is None
    assert (tmp_path / "record/ballot/tile/1/000.p/1").exists()


def test_drills_go_on_after_the_setup(tmp_path: Path) -> None:
    election = Simulator().reach("cast")
    election.append("tally", "tally", drafts.Draft(election.drill(2, election.trustees[:2])))
    assert verified(election, tmp_path / "record").valid
    failure = simulator.refusal(
        lambda: election.append("tally", "tally", drafts.Draft(election.drill(3, election.trustees[:1])))
    )
    assert (failure.check, failure.party) == (Check.DRILL, "tally")
    failure = simulator.refusal(
        lambda: election.append("tally", "tally", drafts.Draft(election.drill(2, election.trustees)))
    )
    assert failure.check is Check.DRILL


def test_replaced_and_blocked_credentials(tmp_path: Path) -> None:
    election = Simulator().reach("roll")
    voter = election.voters[0]
    old, new = voter.key.public.hex(), simulator.SigningKey.generate(os.urandom)
    replace = s.RollReplace(voter.urn, old, new.public.hex())
    election.append("registry", "registry", drafts.Draft(replace))
    back = drafts.Draft(s.RollReplace(voter.urn, new.public.hex(), old))
    failure = simulator.refusal(lambda: election.append("registry", "registry", back))
    assert (failure.check, failure.party) == (Check.ROLL_UNIQUE, "registry")
    election.set_up()
    again = drafts.Draft(s.RollReplace(voter.urn, new.public.hex(), "11" * 32))
    assert simulator.refusal(lambda: election.append("registry", "registry", again)).check in (
        Check.ROLL_FROZEN,
        Check.ROLL_KEYS,
    )
    election.open_box()
    choices = voter.choices or ()
    failure = simulator.refusal(lambda: election.admit("ballot", election.ballot(voter, choices)))
    assert failure.check is Check.BALLOT_ELIGIBLE
    renewed = simulator.Voter(voter.urn, new, choices)
    context = (election.view.context or b"").hex()
    block = drafts.Draft(v.Block(context, voter.urn, new.public.hex(), "post"))
    election.append("ballot", "registry", block)
    failure = simulator.refusal(lambda: election.admit("ballot", election.ballot(renewed, choices)))
    assert failure.check is Check.BALLOT_ONCE
    assert simulator.refusal(lambda: election.append("ballot", "registry", block)).check is Check.BALLOT_ONCE
    assert verified(election, tmp_path / "record").valid


# --- complaints in key generation ------------------------------------------------------------------------------


def complaining(answer: int | None) -> Simulator:
    """Trustee 2 complains against trustee 1, which answers with its share plus `answer`, or not at all."""
    election = Simulator()
    original = election.append
    appended: list[Record] = []

    def append(log: str, signer: str, draft: drafts.Draft, *, check: bool = True) -> Record:
        if isinstance(draft.body, s.DkgAck):
            if not appended:
                complaint = s.DkgComplaint(1, "trustee/1")
                appended.append(original("tally", "trustee/2", drafts.Draft(complaint)))
                if answer is not None:
                    share = (election.share("trustee/1", 2) + answer).to_bytes(32, "little").hex()
                    appended.append(original("tally", "trustee/1", drafts.Draft(s.DkgAnswer(1, "trustee/2", share))))
            leaves = [
                record.leaf_hash
                for _, record in keygen.attempts(election.view)[-1].records
                if not isinstance(record.body, s.DkgAck)
            ]
            draft = drafts.Draft(s.DkgAck(1, keygen.transcript_digest(leaves).hex()))
        return original(log, signer, draft, check=check)  # type: ignore[arg-type]

    election.append = append  # type: ignore[method-assign]
    return election.reach("roll")


def test_a_complaint_with_a_right_answer_leads_to_a_key(tmp_path: Path) -> None:
    election = complaining(0)
    election.set_up()
    assert verified(election, tmp_path / "record").valid


@pytest.mark.parametrize("answer", [None, 1])
def test_a_complaint_without_a_right_answer_names_the_dealer(answer: int | None) -> None:
    failure = simulator.refusal(complaining(answer).set_up)
    assert (failure.check, failure.party) == (Check.DKG_ACK, "trustee/1")


def test_answers_without_a_complaint_and_second_complaints_are_out_of_order() -> None:
    election = complaining(0)
    for signer, body in (
        ("trustee/1", s.DkgAnswer(1, "trustee/3", "00" * 32)),
        ("trustee/1", s.DkgAnswer(1, "trustee/2", "00" * 32)),
        ("trustee/2", s.DkgComplaint(1, "trustee/1")),
        ("trustee/2", s.DkgComplaint(1, "trustee/9")),
    ):
        failure = simulator.refusal(lambda s=signer, b=body: election.append("tally", s, drafts.Draft(b)))
        assert (failure.check, failure.party) == (Check.DKG_ORDER, signer)


def test_whoever_acknowledged_has_no_complaint() -> None:
    election = Simulator().reach("keys")
    complaint = drafts.Draft(s.DkgComplaint(1, "trustee/1"))
    failure = simulator.refusal(lambda: election.append("tally", "trustee/3", complaint))
    assert (failure.check, failure.party) == (Check.DKG_ORDER, "trustee/3")


@pytest.mark.parametrize(
    "time", ["2027-05-18t02:00:00z", "2027-5-18T02:00:00Z", "2027-02-30T00:00:00Z", "2027-05-18T02:00:00Z "]
)
def test_times_have_one_spelling(time: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        parse_time(time)
    assert caught.value.check is Check.CANONICAL


def test_a_failed_attempt_is_followed_by_another(tmp_path: Path) -> None:
    election = Simulator()
    election.generate_key(abandon=True)
    commit = drafts.Draft(s.DkgCommit(3, "00" * 32))
    assert simulator.refusal(lambda: election.append("tally", "trustee/1", commit)).check is Check.DKG_ORDER
    election.generate_key(attempt=2)
    late = drafts.Draft(s.DkgAnswer(1, "trustee/2", "00" * 32))
    assert simulator.refusal(lambda: election.append("tally", "trustee/1", late)).check is Check.DKG_ORDER
    election.publish_roll()
    election.set_up()
    assert verified(election, tmp_path / "record").valid


def test_a_drill_waits_for_all_acknowledgements() -> None:
    election = Simulator()
    election.generate_key()
    tally = election.view.tally
    drill, last_ack = tally.records[-1], tally.records[-2]
    tally.pop()
    tally.pop()
    failure = simulator.refusal(lambda: election.admit("tally", drill))
    assert (failure.check, failure.party) == (Check.DRILL, "tally")
    election.admit("tally", last_ack)
    election.admit("tally", drill)


def test_documents_of_another_form_are_refused() -> None:
    election = Simulator().reach("cast")
    good, bad = b'{"vemre/x.py":"' + b"0" * 64 + b'"}', b'{"vemre/x.py":"?"}'
    for data in (good, bad):
        body = v.Integrity("ballot-box", "00" * 32, drafts.blob_of(data), [])
        draft = drafts.Draft(body, (data,))
        if data is good:
            election.append("ballot", "ballot-box", draft)
        else:
            failure = simulator.refusal(lambda d=draft: election.append("ballot", "auditor/1", d))
            assert (failure.check, failure.party) == (Check.CANONICAL, "auditor/1")


def test_incidents_may_be_signed_by_the_writer_the_authority_and_auditors_alone() -> None:
    election = Simulator().reach("open")
    incident = drafts.Draft(v.Incident(format_time(0), "test", "text"))
    for signer in ("ballot-box", "authority", "auditor/2"):
        election.append("ballot", signer, incident)
    for signer in ("tally", "registry", "trustee/1", "mixer/1"):
        failure = simulator.refusal(lambda s=signer: election.append("ballot", s, incident))
        assert (failure.check, failure.party) == (Check.RECORD_ROLE, signer)

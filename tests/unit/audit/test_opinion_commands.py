"""Plans and opinions by two auditors' commands over a real tally: what is signed, what is refused, how it ends."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opinion_cases import Office, answer_in, office
from served import BallotBoxUnderTest
from served_tally import TallyUnderTest
from simulator import GROUP, OPENS, Simulator

from audit.opinion import dictamen
from tally.authority import Authority
from vemre.cli.main import root
from vemre.crypto import canonical
from vemre.election import drafts
from vemre.errors import Refused
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

ONE, TWO = "auditor/1", "auditor/2"
RELEASE = hashlib.sha3_256(b"release").hexdigest()
OTHER = "cd" * 32
Start = Callable[[Simulator], Office]
FAVOURABLE = ("--release", RELEASE, "--verdict", "favourable")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs the tally of an election, with auditors' desks over it."""
    with ExitStack() as stack:

        def begin(sim: Simulator) -> Office:
            tally = stack.enter_context(TallyUnderTest(sim, tmp_path).running())
            return stack.enter_context(office(tally, tmp_path))

        yield begin


def before_opinions() -> Simulator:
    """An election with its setup and nothing from any auditor."""
    sim = Simulator(trustees=2, threshold=2).reach("roll")
    lnere = {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}
    registry = sim.checkpoint("registry")
    sim.append("tally", "authority", drafts.setup(sim.view, registry=registry, lnere=lnere, release=RELEASE))
    return sim


def counted() -> Simulator:
    return Simulator(trustees=2, threshold=2).reach("counted")


def system_report(desks: Office, index: int) -> dict[str, Any]:
    sim = desks.tally.pull()
    body = sim.view.tally.records[index].body
    assert isinstance(body, s.SystemOpinion)
    value: dict[str, Any] = canonical.decode(sim.blobs[body.report.sha256], limit=1 << 30)
    return value


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_is_posted_once(start: Start, tmp_path: Path) -> None:
    desks = start(before_opinions())
    code, first, _ = desks.run(ONE, "plan")
    assert code == 0
    assert desks.run(ONE, "plan")[1] == first
    document = tmp_path / "plan.pdf"
    document.write_bytes(b"%PDF our own")
    code, own, _ = desks.run(TWO, "plan", "--document", document, "--scope", "source", "--scope", "intrusion")
    assert code == 0
    assert own["document"] == hashlib.sha256(b"%PDF our own").hexdigest()
    sim = desks.tally.pull()
    plans = [(record.signer, body.scope) for _, record, body in sim.view.tally.of(s.AuditPlan)]
    assert [signer for signer, _ in plans] == [ONE, TWO]
    assert plans[1][1] == ["source", "intrusion"]


def test_nothing_is_stated_about_an_election_that_has_not_begun(start: Start) -> None:
    sim = Simulator(trustees=2, threshold=2)
    sim.view.tally.pop()
    desks = start(sim)
    for act, *more in (("plan",), ("system-opinion", *FAVOURABLE), ("opinion",)):
        code, answer, err = desks.run(ONE, act, *more)
        assert (code, answer) == (2, None), act
        assert "opinion-too-early" in err or "not-cosigned-yet" in err


# --- the opinion on the system ----------------------------------------------------------------------------------------


def test_a_favourable_opinion_is_over_the_release_that_was_examined(start: Start) -> None:
    desks = start(before_opinions())
    code, answer, err = desks.run(ONE, "system-opinion", "--release", OTHER, "--verdict", "favourable")
    assert (code, answer) == (1, None)
    assert "release-differs" in err
    assert OTHER in err
    assert RELEASE in err
    assert not list(desks.tally.pull().view.tally.of(s.SystemOpinion))
    code, answer, _ = desks.run(ONE, "system-opinion", *FAVOURABLE)
    assert (code, answer["repeated"], answer["open"]) == (0, False, False)
    report = system_report(desks, answer["index"])
    assert report["release"] == {"examined": RELEASE, "setup": RELEASE}
    assert (report["verdict"], report["reasons"], report["annex"]) == ("favourable", [], None)
    assert {line["id"]: line["status"] for line in report["checks"]}["SETUP"] == "passed"
    code, again, _ = desks.run(ONE, "system-opinion", *FAVOURABLE)
    assert (code, again["repeated"], again["index"]) == (0, True, answer["index"])


def test_an_unfavourable_opinion_can_always_be_given_with_a_reason(start: Start, tmp_path: Path) -> None:
    desks = start(before_opinions())
    against = ("system-opinion", "--release", OTHER, "--verdict", "unfavourable")
    for reason in ((), ("--reason", " "), ("--reason", "x" * 2_001)):
        code, _, err = desks.run(ONE, *against, *reason)
        assert code == 2
        assert "opinion-reason-missing" in err
    annex = tmp_path / "informe.pdf"
    annex.write_bytes(b"%PDF findings")
    code, answer, _ = desks.run(ONE, *against, "--reason", "A key was found in the source.", "--report", annex)
    assert (code, answer["verdict"]) == (0, "unfavourable")
    report = system_report(desks, answer["index"])
    assert report["reasons"][0] == "A key was found in the source."
    assert OTHER in report["reasons"][1]
    assert base64.b64decode(report["annex"]["data"]) == b"%PDF findings"
    assert report["annex"]["name"] == "informe.pdf"
    # The same auditor may change its mind: the last opinion counts.
    assert desks.run(ONE, "system-opinion", *FAVOURABLE)[1]["repeated"] is False
    assert desks.run(ONE, *against, "--reason", "Again.")[1]["repeated"] is False
    assert len(list(desks.tally.pull().view.tally.of(s.SystemOpinion))) == 3


def test_nothing_favourable_is_signed_over_an_election_that_does_not_verify(start: Start) -> None:
    sim = before_opinions()
    sim.append("tally", "tally", drafts.Draft(sim.drill(7, sim.trustees)), check=False)
    desks = start(sim)
    code, answer, err = desks.run(ONE, "system-opinion", *FAVOURABLE)
    assert (code, answer) == (1, None)
    assert "check-drill" in err


@pytest.mark.parametrize("release", ["", "ab", "AB" * 32, "ab" * 33])
def test_a_digest_that_is_none(start: Start, release: str) -> None:
    code, _, err = start(before_opinions()).run(ONE, "system-opinion", "--release", release, "--verdict", "favourable")
    assert code == 1
    assert "release-unusable" in err


def test_a_system_opinion_needs_its_setup(start: Start) -> None:
    desks = start(Simulator(trustees=2, threshold=2).reach("roll"))
    code, _, err = desks.run(ONE, "system-opinion", *FAVOURABLE)
    assert code == 2
    assert "setup" in err


def test_the_box_stays_shut_without_two_favourable_opinions(start: Start, tmp_path: Path) -> None:
    """Through the real tally and the real ballot box."""
    desks = start(before_opinions())
    tally, sim = desks.tally, desks.tally.sim
    assert desks.run(ONE, "system-opinion", *FAVOURABLE)[0] == 0

    def refusal() -> dict[str, Any]:
        tally.cosign()
        with pytest.raises(Refused, match="system-opinions-missing") as refused:
            Authority(tally.source(GROUP), sim.keys["authority"], lambda: OPENS).open()
        return dict(refused.value.params)

    assert refusal() == {"found": 1, "needed": 2, "missing": TWO, "against": "—"}
    against = ("system-opinion", "--release", RELEASE, "--verdict", "unfavourable", "--reason", "No.")
    assert desks.run(TWO, *against)[0] == 0
    assert refusal() == {"found": 1, "needed": 2, "missing": "—", "against": TWO}
    tally.pull()
    leaves = {record.signer: record.leaf_hash.hex() for _, record, _ in sim.view.tally.of(s.SystemOpinion)}
    setup = sim.view.tally.records[sim.view.setup_index or 0].leaf_hash.hex()
    box = BallotBoxUnderTest(sim, tmp_path)
    with box.running():
        assert box.official("roster", box.roster()).status_code == 200

        def order(*opinions: str) -> Any:
            body = v.Open((sim.view.context or b"").hex(), "2027-05-11T07:06:40Z", setup, list(opinions),
                          sim.checkpoint("tally"))  # fmt: skip
            answer = box.submit(sim.sign("ballot", "authority", body))
            return answer.status_code, answer.json().get("check"), answer.json().get("finding", "")

        assert order(leaves[ONE]) == (422, "SYSTEM-TWO", "the opening names opinions of 1 auditors, 2 are needed")
        assert order(leaves[ONE], leaves[TWO])[:2] == (422, "SYSTEM-TWO")
        assert TWO in order(leaves[ONE], leaves[TWO])[2]
        assert order(leaves[ONE], leaves[ONE])[:2] == (422, "SYSTEM-TWO")
    assert desks.run(TWO, "system-opinion", *FAVOURABLE)[0] == 0
    tally.cosign()
    opening = Authority(tally.source(GROUP), sim.keys["authority"], lambda: OPENS).open()
    tally.pull()
    box = BallotBoxUnderTest(sim, tmp_path / "again")
    with box.running():
        assert box.official("roster", box.roster()).status_code == 200
        assert box.submit(bundle.decode(opening.submission).record).status_code == 201


# --- the opinion on the count -----------------------------------------------------------------------------------------


def test_an_opinion_leaves_everything_it_rests_on(start: Start, tmp_path: Path) -> None:
    desks = start(counted())
    tally = desks.tally
    tally.cosign()
    out = tmp_path / "opinion"
    code, answer, err = desks.run(ONE, "opinion", "--out", out)
    assert code == 0, err
    assert (answer["verdict"], answer["verification"], answer["posted"]) == ("favourable", "valid", True)
    assert {path.name for path in out.iterdir()} == {
        "record", "policy.json", "report.json", "dictamen.pdf", "opinion.submission",
    }  # fmt: skip
    report = (out / "report.json").read_bytes()
    assert answer["report"] == hashlib.sha256(report).hexdigest()
    assert (out / "dictamen.pdf").read_bytes() == dictamen.pdf(report)
    view = tally.pull().view
    record = view.tally.records[answer["index"]]
    assert isinstance(record.body, v.Opinion)
    assert (record.signer, record.body.verdict, record.body.tool.name) == (ONE, "favourable", "vemre")
    assert view.blob(record.body.report, "tally") == report
    assert json.loads(report)["logs"]["tally"]["note"] == record.body.tally
    verified = CliRunner().invoke(root, ["audit", "verify", str(out / "record"), "--policy", str(out / "policy.json")])
    assert verified.exit_code == 0
    assert "PRELIMINAR" in verified.stdout
    # In a folder with something in it nothing is written.
    assert desks.run(ONE, "opinion", "--out", out)[0] == 1


def test_the_second_auditor_verifies_with_another_program(start: Start, tmp_path: Path) -> None:
    desks = start(counted())
    desks.tally.cosign()
    program = tmp_path / "other.py"
    program.write_text(
        "import sys\n"
        "if sys.argv[1:] == ['--version']: print('other 2.0'); sys.exit(0)\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from vemre.cli.main import root\n"
        "root.main(['audit', 'verify', *sys.argv[1:]], prog_name='vemre')\n"
    )
    code, answer, err = desks.run(TWO, "opinion", "--verifier", f"{sys.executable} '{program}'")
    assert code == 0, err
    assert answer["tool"] == {"name": "other", "version": "2.0"}
    opinion = desks.tally.pull().view.tally.records[answer["index"]].body
    assert isinstance(opinion, v.Opinion)
    assert (opinion.tool.name, opinion.tool.version) == ("other", "2.0")
    assert Path(answer["out"]).parent == tmp_path / "auditor-2" / "opinions"


LIAR = """
import json, sys
if sys.argv[1:] == ['--version']: print('liar 1'); sys.exit(0)
sys.path[:0] = {path!r}
from vemre.checks import Check
checks = [dict(id=c.value, status='passed', where=None, party=None) for c in Check]
print(json.dumps(dict(verdict='valid', stage={stage!r}, first_failure=None, checks=checks, result=[],
                      certified={certified!r})))
"""


@pytest.mark.parametrize(("stage", "certified"), [("result", False), ("certified", True)])
def test_a_verifier_that_lies_decides_nothing(start: Start, tmp_path: Path, stage: str, certified: bool) -> None:
    desks = start(counted())
    desks.tally.cosign()
    program = tmp_path / "liar.py"
    program.write_text(LIAR.format(path=sys.path, stage=stage, certified=certified))
    command, out = f"{sys.executable} '{program}'", tmp_path / "opinion"
    code, answer, err = desks.run(ONE, "opinion", "--verifier", command, "--out", out)
    assert (code, answer) == (2, None)
    assert "verifier-undecided" in err
    assert not out.exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".opinion")]
    assert not list(desks.tally.pull().view.tally.of(v.Opinion))
    # The auditor can decide against on its own.
    code, answer, _ = desks.run(
        ONE, "opinion", "--verifier", command, "--out", out, "--verdict", "unfavourable", "--reason", "It lies."
    )
    assert (code, answer["verdict"], answer["verification"]) == (0, "unfavourable", None)
    assert answer["reasons"][0] == "It lies."
    assert len(answer["reasons"]) == 2


def test_what_is_not_there_yet_is_said(start: Start) -> None:
    desks = start(Simulator(trustees=2, threshold=2).reach("close"))
    desks.tally.cosign()
    code, answer, err = desks.run(ONE, "opinion")
    assert (code, answer) == (2, None)
    assert "result" in err
    assert "opinion-too-early" in err


def test_what_is_not_cosigned_yet_is_not_opined_on(start: Start) -> None:
    desks = start(counted())
    desks.tally.cosign([ONE])
    code, answer, err = desks.run(ONE, "opinion")
    assert (code, answer) == (2, None)
    assert "not-cosigned-yet" in err


def test_no_post_leaves_it_signed(start: Start, tmp_path: Path) -> None:
    desks = start(counted())
    desks.tally.cosign()
    code, answer, _ = desks.run(ONE, "opinion", "--no-post", "--out", tmp_path / "o")
    assert (code, answer["posted"]) == (0, False)
    assert not list(desks.tally.pull().view.tally.of(v.Opinion))
    url = desks.urls[desks.urls.index("--tally-url") + 1]
    sent = CliRunner().invoke(root, ["tally", "submit", str(tmp_path / "o" / "opinion.submission"), "--url", url])
    assert sent.exit_code == 0
    assert len(list(desks.tally.pull().view.tally.of(v.Opinion))) == 1


def test_the_last_opinion_counts_and_one_against_forbids_the_certification(start: Start, tmp_path: Path) -> None:
    desks = start(counted())
    tally = desks.tally

    def certify() -> Any:
        tally.cosign()
        return Authority(tally.source(GROUP), tally.sim.keys["authority"], lambda: OPENS).certify()

    def refusal() -> tuple[str, dict[str, Any]]:
        with pytest.raises(Refused) as refused:
            certify()
        return refused.value.code, dict(refused.value.params)

    tally.cosign()
    assert desks.run(ONE, "opinion", "--out", tmp_path / "1")[0] == 0
    assert refusal() == ("opinions-missing", {"found": 1, "needed": 2, "missing": TWO})
    against = ("--verdict", "unfavourable", "--reason", "A trustee was seen with two keys.")
    code, answer, _ = desks.run(TWO, "opinion", "--out", tmp_path / "2", *against)
    # Its own decision is no finding of the verification.
    assert (code, answer["verdict"], answer["verification"]) == (0, "unfavourable", "valid")
    assert refusal() == ("opinion-unfavourable", {"auditor": TWO})
    assert desks.run(TWO, "opinion", "--out", tmp_path / "3")[1]["verdict"] == "favourable"
    assert len(list(tally.pull().view.tally.of(v.Opinion))) == 3
    order = certify()
    assert tally.post(order.submission).status_code == 201
    tally.cosign()
    code, _, err = desks.run(ONE, "opinion", "--out", tmp_path / "4")
    assert code == 1
    assert "opinion-too-late" in err


def test_a_reason_belongs_to_a_decision_against(start: Start) -> None:
    desks = start(counted())
    assert desks.run(ONE, "opinion", "--reason", "x")[0] == 2
    assert desks.run(ONE, "opinion", "--verdict", "unfavourable")[0] == 2
    assert desks.run(ONE, "opinion", "--verdict", "favourable")[0] == 2


def test_a_finding_is_an_unfavourable_opinion_and_exit_code_1(start: Start, tmp_path: Path) -> None:
    """A tally that counts wrongly would not log an opinion either: the auditor keeps it, signed, and publishes it."""
    sim = Simulator(trustees=2, threshold=2).reach("decrypted")
    for number, batch in enumerate(sim.view.batches):
        draft = drafts.result_batch(sim.view, batch)
        body = draft.body
        assert isinstance(body, v.ResultBatch)
        if not number:
            draft = drafts.Draft(v.ResultBatch(**{**fields(body), "nulls": body.nulls + 1}), draft.blobs)
        sim.append("tally", "tally", draft, check=False)
    sim.append("tally", "tally", drafts.result(sim.view, gate=sim.checkpoint("tally")), check=False)
    desks = start(sim)
    desks.tally.cosign()
    out = tmp_path / "o"
    code, answer, err = desks.run(ONE, "opinion", "--out", out)
    assert code == 1
    assert (answer["verdict"], answer["first_failure"], answer["posted"]) == ("unfavourable", "RESULT", False)
    assert "tally" in answer["reasons"][0]
    assert str(out / "opinion.submission") in err.replace("\n", "")
    submission = bundle.decode((out / "opinion.submission").read_bytes())
    body = submission.record.body
    assert isinstance(body, v.Opinion)
    assert body.verdict == "unfavourable"
    assert submission.blobs[body.report.sha256] == (out / "report.json").read_bytes()


def fields(body: v.ResultBatch) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


# --- how official an export is ----------------------------------------------------------------------------------------


def export(desks: Office, out: Path) -> tuple[dict[str, Any], str]:
    words = ["--lang", "en", "export", "--policy", str(desks.policy), "--out", str(out), *desks.urls, "--json"]
    result = CliRunner().invoke(root, words)
    assert result.exit_code == 0, result.stderr
    return answer_in(result.stdout), result.stderr


def test_an_export_says_that_it_is_preliminary_and_what_came_later(start: Start, tmp_path: Path) -> None:
    desks = start(counted())
    tally = desks.tally
    tally.cosign()
    answer, err = export(desks, tmp_path / "1")
    assert (answer["status"], answer["later"]) == ("preliminary", {})
    assert "PRELIMINARY" in err
    tally.pull()
    tally.must("authority", drafts.incident("note", "something", OPENS))
    answer, err = export(desks, tmp_path / "2")
    size = len(tally.entries())
    assert answer["later"] == {"tally": size}
    assert answer["sizes"]["tally"] == size - 1
    assert f"The log tally has {size} entries by now" in err
    tally.cosign()
    tally.certify()
    assert export(desks, tmp_path / "3")[0]["status"] == "preliminary"
    tally.must("authority", drafts.certification(tally.sim.view, gate=tally.sim.checkpoint("tally")))
    answer, err = export(desks, tmp_path / "4")
    assert (answer["status"], list(answer["later"])) == ("preliminary", ["tally"])
    tally.cosign()
    answer, err = export(desks, tmp_path / "5")
    assert (answer["status"], answer["later"]) == ("certified", {})
    assert "PRELIMINARY" not in err


def test_keys_that_the_policy_does_not_name_sign_nothing(start: Start, tmp_path: Path) -> None:
    desks = start(before_opinions())
    made = CliRunner().invoke(
        root,
        ["audit", "init", "--data", str(tmp_path / "auditor-9"), "--number", "9", "--name", "Nine", "--witness", "n/w",
         "--insecure"],
    )  # fmt: skip
    assert made.exit_code == 0
    for act, *more in (("plan",), ("system-opinion", *FAVOURABLE), ("opinion",)):
        code, _, err = desks.run("auditor/9", act, *more)
        assert code == 1
        assert "auditor-not-in-policy" in err

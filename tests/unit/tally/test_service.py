"""The tally service: what is due, drills, the list to mix, counting; every act safe to repeat."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from served_tally import TallyUnderTest
from simulator import VOTES, Simulator

from vemre.crypto import canonical
from vemre.election import drafts
from vemre.election.rules import engine
from vemre.errors import Refused
from vemre.records.record import plain
from vemre.records.setup_bodies import DkgCommit
from vemre.records.vote_bodies import Shuffle

Start = Callable[[Simulator], TallyUnderTest]


def due(tally: TallyUnderTest) -> list[tuple[str, tuple[str, ...]]]:
    answer = tally.client.get("/state")
    assert answer.status_code == 200, answer.text
    return [(item["act"], tuple(item["by"])) for item in answer.json()["due"]]


def share_body(tally: TallyUnderTest, role: str, number: int = 1) -> bytes:
    share = tally.sim.drill(number, [role]).shares[0]
    return canonical.encode(plain(share))


def give(tally: TallyUnderTest, body: bytes, number: int = 1) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"}
    answer = tally.client.post(f"/drills/{number}/shares", content=body, headers=headers)
    return answer.status_code, answer.json()


# --- the whole way --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_stage_says_what_is_due_and_by_whom(start: Start) -> None:
    sim = Simulator(min_batch=3)
    tally = start(sim)
    trustees = tuple(sim.trustees)
    assert due(tally) == [("roll", ("registry",)), ("dkg-commit", trustees)]
    tally.generate_key()
    assert due(tally) == [("roll", ("registry",))]
    sim.publish_roll()
    tally.push()
    assert due(tally) == [("setup", ("authority",))]
    lnere = {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}
    tally.must("authority", drafts.setup(sim.view, registry=sim.checkpoint("registry"), lnere=lnere, release="ab" * 32))
    tally.pull()
    assert due(tally) == [("audit-plan", tuple(sim.auditors)), ("system-opinion", tuple(sim.auditors))]
    for role in sim.auditors:
        tally.must(role, drafts.audit_plan(f"plan {role}".encode(), ["source"]))
        tally.must(role, drafts.system_opinion(sim.view, favourable=True, report=role.encode()))
    assert due(tally) == [("open", ("authority",))]
    tally.pull()
    sim.open_box()
    tally.push()
    assert due(tally) == [("close", ("ballot-box",))]
    tally.vote()
    assert due(tally) == [("tally-input", ("tally",))]
    assert tally.official("tally-input").json()["new"] is True
    decision = ("small-batch-decision", ("authority",))
    assert due(tally) == [("shuffle", ("mixer/1",)), ("shuffle", ("mixer/1",)), decision]
    tally.cosign()
    mixers = {role: tally.mixer(role) for role in sim.mixers}
    # Nobody mixes before the authority has decided: after a shuffle the decision would come too late.
    waits: list[float] = []
    mixers["mixer/1"].sleep = waits.append
    with pytest.raises(Refused, match="not-due"):
        mixers["mixer/1"].attend(poll=1.0, patience=2.0)
    assert waits == [1.0, 1.0]
    tally.pull()
    for batch in [("urna-17", "presidencia")]:
        tally.must("authority", drafts.small_batch_decision(sim.view, batch, "few voters"))
    tally.cosign()
    assert mixers["mixer/2"].step() is None
    while mixers["mixer/1"].step():
        tally.cosign()
    assert due(tally) == [("shuffle", ("mixer/2",))] * 3
    while mixers["mixer/2"].step():
        tally.cosign()
    assert due(tally) == [("decryption", trustees)] * 3
    first = tally.trustee("trustee/1")
    while first.step():
        tally.cosign()
    assert due(tally) == [("decryption", ("trustee/2", "trustee/3"))] * 3
    answer = tally.official("results").json()
    assert [(item["what"], item["found"], item["needed"]) for item in answer["missing"]] == [("decryption", 1, 2)] * 3
    assert (answer["batches"], answer["result"]) == (0, None)
    third = tally.trustee("trustee/3")
    while third.step():
        tally.cosign()
    # Enough is enough: the second trustee's key is not used.
    assert tally.trustee("trustee/2").step() is None
    none = tally.client.get("/results").json()
    assert (none["status"], none["batches"]) == ("none", [])
    assert [(given["auditor"], given["verdict"]) for given in none["opinions"]] == [(who, None) for who in sim.auditors]
    tally.official("results")
    tally.cosign()
    placed = tally.official("results").json()["result"]
    assert tally.official("results").json()["result"] == {**placed, "new": False}
    assert due(tally) == [("opinion", tuple(sim.auditors))]
    results = tally.client.get("/results").json()
    assert results["status"] == "preliminary"
    assert results["batches"][0]["write_ins"] == {"votes": 1, "texts": ["Benito Juárez"]}
    tally.cosign()
    tally.certify()
    assert due(tally) == [("certification", ("authority",))]
    tally.must("authority", drafts.certification(sim.view, gate=sim.checkpoint("tally")))
    assert tally.client.get("/results").json()["status"] == "certified"
    assert due(tally) == [("destruction", trustees)]
    assert first.role.finished(first.source.refresh())
    engine.verify(tally.pull().view)


def test_an_empty_log_waits_for_the_manifest(start: Start) -> None:
    sim = Simulator()
    record = sim.view.tally.records[0]
    sim.view.tally.pop()
    tally = start(sim)
    assert due(tally) == [("manifest", ("authority",))]
    assert tally.client.get("/results").json()["status"] == "none"
    assert tally.client.get("/drills/next").json()["code"] == "key-not-complete"
    assert tally.official("results").json()["code"] == "no-tally-input"
    offer = drafts.offer_blob(sim.offer)
    assert tally.submit(record, [offer]).status_code == 201
    assert tally.submit(record, [offer]).status_code == 200
    assert due(tally)[0] == ("roll", ("registry",))


# --- officials ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["drill", "tally-input", "results"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
def test_official_acts_need_the_token(start: Start, act: str, headers: dict[str, str]) -> None:
    tally = start(Simulator())
    answer = tally.official(act, headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")


def test_acts_that_come_too_early_say_what_is_missing(start: Start) -> None:
    tally = start(Simulator().reach("setup"))
    answers = {act: tally.official(act).json()["code"] for act in ("tally-input", "results")}
    assert answers == {"tally-input": "box-not-closed", "results": "no-tally-input"}


# --- drills ---------------------------------------------------------------------------------------------------


def key_without_drill() -> Simulator:
    sim = Simulator()
    sim.generate_key()
    sim.view.tally.pop()
    return sim


def test_a_drill_before_the_setup_needs_everybody(start: Start) -> None:
    tally = start(key_without_drill())
    for role in ("trustee/1", "trustee/3"):
        status, answer = give(tally, share_body(tally, role))
        assert (status, answer["new"]) == (201, True)
    assert tally.client.get("/drills/next").json() == {
        "number": 1,
        "trustees": ["trustee/1", "trustee/3"],
        "needed": 3,
    }
    assert due(tally)[-1] == ("drill-share", ("trustee/2",))
    refused = tally.official("drill").json()
    assert refused["code"] == "drill-shares-missing"
    assert "trustee/2" in refused["detail"]
    give(tally, share_body(tally, "trustee/2"))
    assert due(tally)[-1] == ("drill", ("tally",))
    closed = tally.official("drill").json()
    assert (closed["number"], closed["record"]["new"]) == (1, True)
    # The same request again tells of the same drill.
    assert tally.official("drill").json() == {**closed, "record": {**closed["record"], "new": False}}
    assert tally.entries()[-1].type == "drill"


def test_a_later_drill_needs_the_threshold(start: Start) -> None:
    tally = start(Simulator().reach("setup"))
    assert give(tally, share_body(tally, "trustee/2", 2), 2)[0] == 201
    assert tally.official("drill").json()["code"] == "drill-shares-missing"
    assert give(tally, share_body(tally, "trustee/1", 2), 2)[0] == 201
    assert tally.official("drill").json()["number"] == 2


def test_a_share_is_taken_once_and_the_first_stays(start: Start) -> None:
    tally = start(key_without_drill())
    first, second = share_body(tally, "trustee/1"), share_body(tally, "trustee/1")
    assert first != second
    assert [give(tally, body)[0] for body in (first, first, second)] == [201, 200, 200]


def test_a_share_survives_a_restart(start: Start, tmp_path: pytest.TempPathFactory) -> None:
    sim = key_without_drill()
    tally = start(sim)
    give(tally, share_body(tally, "trustee/1"))
    tally.client.__exit__(None, None, None)
    with tally.running():
        assert tally.client.get("/drills/next").json()["trustees"] == ["trustee/1"]


def test_a_share_of_another_drill_is_refused(start: Start) -> None:
    tally = start(Simulator().reach("setup"))
    status, answer = give(tally, share_body(tally, "trustee/1", 3), 3)
    assert (status, answer["code"]) == (409, "drill-number")
    # A share that stands in the log already is no error.
    logged = next(body for _, _, body in tally.sim.view.tally.of(type(tally.sim.drill(1, []))))
    assert give(tally, canonical.encode(plain(logged.shares[0])), 1) == (
        200,
        {"number": 1, "trustee": "trustee/1", "new": False},
    )


@pytest.mark.parametrize("wrong", ["share", "proof", "trustee", "element", "other", "json", "fields"])
def test_a_wrong_share_is_refused_before_it_is_kept(start: Start, wrong: str) -> None:
    tally = start(key_without_drill())
    value = json.loads(share_body(tally, "trustee/1"))
    other = json.loads(share_body(tally, "trustee/2"))
    if wrong == "share":
        value["share"] = other["share"]
    elif wrong == "proof":
        value["proof"]["response"] = other["proof"]["response"]
    elif wrong == "trustee":
        value["trustee"] = "trustee/9"
    elif wrong == "element":
        value["share"] = "ff" * 32
    elif wrong == "other":
        value["trustee"] = "trustee/2"
    elif wrong == "fields":
        value["more"] = 1
    body = b"{" if wrong == "json" else canonical.encode(value)
    status, answer = give(tally, body)
    expected = {"element": "ELEMENT", "json": "CANONICAL", "fields": "CANONICAL"}.get(wrong, "DRILL")
    assert (status, answer["check"]) == (422, expected)
    if wrong in ("share", "proof", "element"):
        assert answer["party"] == "trustee/1"
    assert tally.client.get("/drills/next").json()["trustees"] == []
    # Anybody may post a share: nobody is accused of one.
    assert tally.incidents() == []


# --- the list to mix and the count ----------------------------------------------------------------------------


def test_the_list_to_mix_is_published_once(start: Start) -> None:
    sim = Simulator().reach("close")
    sim.view.tally.pop()
    tally = start(sim)
    first = tally.official("tally-input").json()
    assert (first["index"], first["new"]) == (len(sim.view.tally), True)
    assert tally.official("tally-input").json() == {**first, "new": False}


def test_nothing_is_counted_while_any_batch_lacks_something(start: Start) -> None:
    """The first count would end all decryption."""
    sim = Simulator(min_batch=3).reach("mixed")
    tally = start(sim)
    gate = sim.checkpoint("tally")
    batches = sim.view.batches
    for role in ("trustee/1", "trustee/2"):
        for urn, contest in batches[:-1]:
            tally.must(role, sim.decryption(role, urn, contest, gate))
    answer = tally.official("results").json()
    assert (answer["batches"], [(item["urn"], item["contest"]) for item in answer["missing"]]) == (0, [batches[-1]])
    assert "result-batch" not in {entry.type for entry in tally.entries()}


def test_the_result_waits_for_cosignatures_and_names_who_is_missing(start: Start) -> None:
    sim = Simulator().reach("decrypted")
    tally = start(sim)
    answer = tally.official("results").json()
    assert (answer["batches"], answer["result"], answer["waiting"]) == (3, None, "auditor/1, auditor/2")
    tally.cosign(["auditor/1"])
    assert tally.official("results").json()["waiting"] == "auditor/2"
    tally.cosign(["auditor/2"])
    assert tally.official("results").json()["result"]["new"] is True


def test_empty_and_lonely_urns_pass_through_to_the_result(start: Start) -> None:
    """No ballot in one urn, one in the other: nothing to decrypt, and a decision."""
    votes = [VOTES[0], ("urna-09", None), ("urna-17", None)]
    sim = Simulator(votes=votes).reach("mixed")
    tally = start(sim)
    tally.cosign()
    for role in ("trustee/1", "trustee/2"):
        runner = tally.trustee(role)
        acts = [act.batch for act in runner.run_due()]
        assert acts == [("urna-09", "presidencia"), ("urna-09", "gubernatura")]
        tally.cosign()
    tally.official("results")
    tally.cosign()
    assert tally.official("results").json()["result"] is not None
    assert tally.client.get("/results").json()["batches"][-1]["rows"] == 0


def test_a_trustee_alone_begins_no_new_attempt_at_the_key(start: Start) -> None:
    sim = key_without_drill()
    tally = start(sim)
    commit = sim.sign("tally", "trustee/1", DkgCommit(2, "00" * 32))
    answer = tally.submit(commit)
    assert (answer.status_code, answer.json()["check"]) == (422, "DKG-ORDER")
    assert tally.incidents() == []
    tally.must("authority", drafts.incident("dkg-void", "a share was lost", sim.time))
    answer = tally.submit(commit)
    assert answer.status_code == 201, answer.text


def test_a_refused_record_names_its_signer_in_an_incident(start: Start) -> None:
    sim = Simulator().reach("close")
    tally = start(sim)
    gate = sim.checkpoint("tally")
    draft = sim.shuffle("mixer/1", "urna-09", "presidencia", gate)
    other = sim.shuffle("mixer/1", "urna-09", "presidencia", gate)
    assert isinstance(draft.body, Shuffle)
    assert isinstance(other.body, Shuffle)
    mixed_up = Shuffle(
        *(getattr(draft.body, name) for name in ("context", "urn", "contest", "rows", "output")),
        other.body.proof,
        gate,
    )
    blobs = (draft.blobs[0], other.blobs[1])
    record = sim.sign("tally", "mixer/1", mixed_up)
    answer = tally.submit(record, blobs)
    assert (answer.status_code, answer.json()["check"], answer.json()["party"]) == (422, "SHUFFLE", "mixer/1")
    assert [text.split(":")[0] for text in tally.incidents()] == ["mixer/1"]
    # Once: nobody floods the log.
    tally.submit(record, blobs)
    assert len(tally.incidents()) == 1
    # And the honest one is taken.
    assert tally.submit(sim.sign("tally", "mixer/1", draft.body), draft.blobs).status_code == 201


def test_strangers_fill_no_disk(start: Start) -> None:
    sim = Simulator().reach("close")
    tally = start(sim)
    draft = sim.shuffle("mixer/1", "urna-09", "presidencia", sim.checkpoint("tally"))
    forged = sim.sign("tally", "mixer/1", draft.body, key=sim.keys["trustee/1"])
    before = sorted(tally.station.blobs.digests())
    answer = tally.submit(forged, draft.blobs)
    assert (answer.status_code, answer.json()["check"]) == (422, "RECORD-SIGNATURE")
    assert sorted(tally.station.blobs.digests()) == before
    assert tally.post(os.urandom(50)).json()["check"] == "CANONICAL"

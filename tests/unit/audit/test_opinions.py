"""What an auditor posts, when, and what its opinion rests on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from served_simulator import Served

from audit.auditor import Auditor, reached
from audit.opinion import core
from audit.verify.report import Report
from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election import drafts
from vemre.election.rules import engine
from vemre.errors import CheckFailed
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

Hire = Callable[..., Auditor]


def settle(*auditors: Auditor, rounds: int = 8) -> None:
    for _ in range(rounds):
        for auditor in auditors:
            auditor.round()


def before_opinions(served: Served) -> None:
    """Setup without the simulator's own auditors."""
    simulator = served.simulator
    simulator.reach("roll")
    auditors, simulator.auditors = simulator.auditors, []
    registry = simulator.checkpoint("registry", auditors=auditors)
    simulator.auditors = auditors
    lnere = {urn.id: sum(voter.urn == urn.id for voter in simulator.voters) for urn in simulator.offer.urns}
    draft = drafts.setup(simulator.view, registry=registry, lnere=lnere, release="ab" * 32)
    simulator.append("tally", "authority", draft)


def test_plan_and_system_opinion_once_the_setup_stands(served: Served, hire: Hire) -> None:
    one, two = hire(1), hire(2)
    settle(one, two, rounds=2)
    assert served.posted == []
    before_opinions(served)
    settle(one, two)
    assert sorted(served.posted) == ["audit-plan"] * 2 + ["system-opinion"] * 2
    view = served.simulator.view
    opinions = list(view.tally.of(s.SystemOpinion))
    assert {record.signer for _, record, _ in opinions} == {"auditor/1", "auditor/2"}
    assert all(body.verdict == "favourable" for _, _, body in opinions)
    _, _, first = opinions[0]
    report = canonical.decode(view.blob(first.report, "tally"), limit=1 << 20)
    assert report["tool"]["name"] == "vemre"
    assert {"id": "SETUP", "applied": True} in report["checks"]
    # The box opens on them, and nothing is said twice.
    served.simulator.open_box()
    settle(one, two)
    assert len(served.posted) == 4


def test_opinion_on_the_count_waits_for_cosignatures_and_verifies_anew(served: Served, hire: Hire) -> None:
    served.simulator.reach("counted")
    one, two = hire(1), hire(2)
    one.round()
    assert served.posted == []
    assert one.verdict is None
    settle(one, two)
    assert served.posted == ["opinion"] * 2
    view = served.simulator.view
    for _, record, body in view.tally.of(v.Opinion):
        assert body.verdict == "favourable"
        report: Any = canonical.decode(view.blob(body.report, "tally"), limit=1 << 20)
        assert report["verification"]["verdict"] == "valid"
        assert report["verification"]["result"]
        assert report["auditor"] == record.signer
        assert report["entries"]["tally"] > (view.tally.first("result") or 0)
    engine.verify(view)
    assert reached(view, "result")
    assert not reached(view, "certified")
    assert core.due(view, "auditor/1") is None


def test_what_only_the_full_verification_finds_is_an_unfavourable_opinion(
    served: Served, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.simulator.reach("counted")
    one, two = hire(1), hire(2)
    one.round()

    def finds(*_: object) -> Any:
        report = Report()
        report.fail(CheckFailed(Check.RESULT, "wrong", where="tally/1", party="tally"))
        return report

    monkeypatch.setattr("audit.auditor.verify_record", finds)
    with pytest.raises(CheckFailed):
        settle(one, two)
    opinions = [body for _, _, body in served.simulator.view.tally.of(v.Opinion)]
    assert [body.verdict for body in opinions] == ["unfavourable"]
    blob = served.simulator.blobs[opinions[0].report.sha256]
    assert json.loads(blob)["verification"]["first_failure"] == "RESULT"

"""A13: a log shows one history to one auditor and another history to the other.

Each witness sees both sides as soon as one of them is shown what the other one cosigned. Both refuse, and what they
keep convicts the log with a command of its own, for anybody who has the policy.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from click.testing import CliRunner
from served import listening
from served_simulator import Served
from simulator import OPENS, Simulator
from witnesses import offer, witness_of

from audit.witness.api import create_app
from audit.witness.engine import Witness
from vemre.cli.main import root
from vemre.election import drafts
from vemre.election.rules.view import LogView

AUDITORS = (1, 2)


@pytest.fixture
def served() -> Served:
    return Served(Simulator(trustees=2, threshold=2))


@pytest.fixture
def witnesses(served: Served, tmp_path: Path) -> Iterator[list[Witness]]:
    made = [witness_of(served, tmp_path / str(number), number) for number in AUDITORS]
    yield made
    for witness in made:
        witness.close()


def tell(served: Served, *texts: str) -> None:
    """The tally log from its manifest on."""
    log = served.simulator.view.logs["tally"]
    served.simulator.view.logs["tally"] = LogView("tally", log.records[:1])
    for text in texts:
        served.simulator.append("tally", "tally", drafts.incident("note", text, OPENS))
    served.notes.clear()


def judged(served: Served, folder: Path) -> tuple[int, Any]:
    """What `vemre audit evidence` says."""
    policy = folder.parent / "policy.json"
    policy.write_bytes(msgspec.json.encode(served.simulator.policy))
    result = CliRunner().invoke(root, ["audit", "evidence", str(folder), "--policy", str(policy), "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("stories", [(("one",), ("two",)), (("one",), ("two", "three", "four"))])
def test_both_witnesses_refuse_and_the_evidence_convicts(
    served: Served, witnesses: list[Witness], stories: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    first, second = witnesses
    tell(served, *stories[0])
    first.round()
    asked = offer(served, "tally")
    assert first.add_checkpoint(asked, 0).status == 200
    tell(served, *stories[1])
    second.round()
    other = offer(served, "tally")
    assert second.add_checkpoint(other, 0).status == 200

    # Somebody shows each of them what the other one got: by asking, as any feeder may.
    origin = served.simulator.log_signers["tally"].origin
    shown = {first: other, second: asked}
    for witness, request in shown.items():
        with listening(create_app(witness)) as url:
            answer = httpx2.post(f"{url}/add-checkpoint", content=request)
            assert answer.status_code in (409, 422)
        if witness is first and len(stories[1]) > len(stories[0]):
            # It is larger than what is verified here: the log is looked at, and serves the other story.
            witness.round()
    for witness in witnesses:
        (found,) = witness.status().findings
        assert (found.check, found.party) == ("CHECKPOINT", "tally")
        code, answer_ = judged(served, witness.evidence / found.evidence)
        assert (code, answer_["proven"], answer_["log"]) == (0, True, origin)
        old = witness.ground.store.last(origin).size
        size = len(served.simulator.view.tally)
        if size >= old:
            assert witness.add_checkpoint(offer(served, "tally", old), 0).status == 422, "never again"


def test_an_honest_log_is_convicted_by_neither(served: Served, witnesses: list[Witness]) -> None:
    for witness in witnesses:
        witness.round()
        assert witness.add_checkpoint(offer(served, "tally"), 0).status == 200
    tell(served, "one")
    for witness in witnesses:
        witness.round()
        assert witness.add_checkpoint(offer(served, "tally", 1), 0).status == 200
        assert witness.status().findings == ()


def test_evidence_against_one_log_convicts_no_other(served: Served, witnesses: list[Witness]) -> None:
    first, _ = witnesses
    tell(served, "one")
    first.round()
    tell(served, "two")
    first.round()
    (found,) = first.status().findings
    folder = first.evidence / found.evidence
    assert judged(served, folder)[0] == 0
    stranger = Served(Simulator(trustees=2, threshold=2))
    assert judged(stranger, folder)[0] == 1
    value = json.loads((folder / "evidence.json").read_text())
    value["log"] = served.simulator.log_signers["ballot"].origin
    (folder / "evidence.json").write_text(json.dumps(value))
    assert judged(served, folder)[0] == 1
    assert os.listdir(folder) == ["evidence.json"]

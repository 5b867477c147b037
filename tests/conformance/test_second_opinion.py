"""Two auditors, two programs: the second one's opinion rests on the verifier in TypeScript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import second_verifier
from opinion_cases import office
from served_tally import TallyUnderTest
from simulator import GROUP, OPENS, Simulator

from tally.authority import Authority
from vemre.records import vote_bodies as v

NODE = f"node '{second_verifier.COMMAND}'"


@pytest.mark.slow
def test_two_auditors_with_two_programs_certify_a_result(tmp_path: Path) -> None:
    sim = Simulator(trustees=2, threshold=2).reach("counted")
    with TallyUnderTest(sim, tmp_path).running() as tally, office(tally, tmp_path) as desks:
        tally.cosign()
        code, first, err = desks.run("auditor/1", "opinion", "--out", tmp_path / "1")
        assert code == 0, err
        code, second, err = desks.run("auditor/2", "opinion", "--verifier", NODE, "--out", tmp_path / "2")
        assert code == 0, err
        assert (first["tool"]["name"], second["tool"]["name"]) == ("vemre", "vemre-verifier-ts")
        one, two = (json.loads((tmp_path / name / "report.json").read_bytes())["verification"] for name in "12")
        assert one["result"] == two["result"]
        tally.cosign()
        order = Authority(tally.source(GROUP), sim.keys["authority"], lambda: OPENS).certify()
        assert tally.post(order.submission).status_code == 201
        opinions = [body for _, _, body in tally.pull().view.tally.of(v.Opinion)]
        assert [body.tool.name for body in opinions] == ["vemre", "vemre-verifier-ts"]

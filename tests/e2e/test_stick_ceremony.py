"""A whole election in which trustees, mixers and the authority have no network: everything travels on sticks.

Each command runs in a namespace of its own without any network (`unshare -n`), reads the election from a record in a
folder, and writes files that the real tally service then takes. In the end the record verifies, just as offline.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import offline
import pytest
from served_tally import TallyUnderTest, write_key, write_policy
from simulator import Simulator

from vemre.election import drafts

START = "from vemre.cli.main import main; main()"

pytestmark = [pytest.mark.slow, pytest.mark.offline]


class Ceremony:
    """The offline machines: one folder with keys and policy, and the sticks between them and the tally."""

    def __init__(self, tally: TallyUnderTest) -> None:
        self.tally = tally
        self.sim = tally.sim
        self.folder = tally.folder
        self.policy = write_policy(self.sim, self.folder)
        roles = ["authority", *self.sim.trustees, *self.sim.mixers]
        self.keys = {role: write_key(self.sim, self.folder, role) for role in roles}
        self.out = self.folder / "out"
        self.sticks = 0

    def offline(self, *words: str | Path, code: int = 0) -> str:
        """Run the command without network; gives its standard output."""
        command = [*offline.WITHOUT_NETWORK, sys.executable, "-c", START, "--lang", "en", *map(str, words)]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(self.folder)}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stick(self) -> Path:
        """The election as it stands, cosigned, on a new stick."""
        self.sticks += 1
        return self.tally.stick(f"stick-{self.sticks}")

    def work(self, role: str, stick: Path, *more: str, act: str = "attend") -> list[str]:
        """One role does what is due; its files go to the tally, twice. Gives the types of its acts."""
        kind = role.partition("/")[0]
        yes = ["--yes"] if act != "step" else []
        options = (*self._options(role, stick), "--insecure-reference")
        answer = json.loads(self.offline(kind, act, *options, *yes, *more, "--json"))
        for path in sorted(self.out.iterdir()):
            for expected in (201, 200):
                assert self.deliver(path).status_code == expected, path.name
            path.unlink()
        return [done["type"] for done in answer["acts"]]

    def _options(self, role: str, stick: Path) -> list[str | Path]:
        self.out.mkdir(exist_ok=True)
        return ["--key", self.keys[role], "--policy", self.policy, "--from", stick, "--out", self.out, "--insecure"]

    def authority(self, act: str, stick: Path, *more: str | Path) -> bytes:
        """An act of the authority; gives the submission."""
        file = self.folder / f"{act}.vemre"
        options: list[str | Path] = ["--key", self.keys["authority"], "--policy", self.policy, "--from", stick]
        self.offline("tally", act, *options, "--out", file, "--insecure", *more)
        return file.read_bytes()

    def deliver(self, path: Path) -> Any:
        """What the clerk at the service does with a file from a stick."""
        data = path.read_bytes()
        if path.suffix == ".vemre":
            return self.tally.post(data)
        drill = json.loads(data)
        content = json.dumps(drill["shares"][0], separators=(",", ":"), sort_keys=True).encode()
        url = f"/drills/{drill['number']}/shares"
        return self.tally.client.post(url, content=content, headers={"Content-Type": "application/json"})

    def log(self, data: bytes) -> None:
        """Hand an act of the authority to the tally."""
        answer = self.tally.post(data)
        assert answer.status_code == 201, answer.text
        self.tally.pull()


def test_a_whole_election_on_sticks(tmp_path: Path) -> None:
    sim = Simulator(min_batch=3)
    with TallyUnderTest(sim, tmp_path).running() as tally:
        ceremony = Ceremony(tally)
        generate_key(ceremony)
        set_up_and_vote(ceremony)
        mix_and_decrypt(ceremony)
        count_and_certify(ceremony)
        record = ceremony.stick()
    report = json.loads(ceremony.offline("audit", "verify", record, "--policy", ceremony.policy, "--json"))
    assert (report["verdict"], report["certified"], report["first_failure"]) == ("valid", True, None)
    assert report["result"][0]["write_ins"]["texts"] == ["Benito Juárez"]


def generate_key(ceremony: Ceremony) -> None:
    for expected in ("dkg-commit", "dkg-reveal", "dkg-shares", "dkg-ack", "drill-share"):
        stick = ceremony.stick()
        for role in ceremony.sim.trustees:
            assert ceremony.work(role, stick) == [expected]
    assert ceremony.tally.official("drill").status_code == 200
    # Nothing more is due; saying so is no error.
    assert ceremony.work("trustee/1", ceremony.stick()) == []


def set_up_and_vote(ceremony: Ceremony) -> None:
    sim, tally = ceremony.sim, ceremony.tally
    tally.pull()
    sim.publish_roll()
    tally.push()
    lnere = ceremony.folder / "lnere.json"
    lnere.write_text(json.dumps({urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}))
    ceremony.log(ceremony.authority("setup", ceremony.stick(), "--lnere", lnere, "--release", "ab" * 32))
    for role in sim.auditors:
        tally.must(role, drafts.audit_plan(f"plan {role}".encode(), ["source"]))
        tally.must(role, drafts.system_opinion(sim.view, favourable=True, report=role.encode()))
    # The box opens at the simulated time, which the authority's own clock has not reached.
    tally.vote()
    assert tally.official("tally-input").status_code == 200


def mix_and_decrypt(ceremony: Ceremony) -> None:
    sim = ceremony.sim
    ceremony.log(ceremony.authority("decide", ceremony.stick(), "--reason", "few voters"))
    stick = ceremony.stick()
    assert ceremony.work("mixer/2", stick) == []
    assert ceremony.work("mixer/1", stick) == ["shuffle"] * len(sim.view.batches)
    assert ceremony.work("mixer/2", ceremony.stick()) == ["shuffle"] * len(sim.view.batches)
    stick = ceremony.stick()
    # One by one with `step`, or all that are due with `attend`.
    assert ceremony.work("trustee/1", stick, act="step") == ["decryption"]
    assert ceremony.work("trustee/1", ceremony.stick()) == ["decryption"] * 2
    assert ceremony.work("trustee/3", ceremony.stick()) == ["decryption"] * 3


def count_and_certify(ceremony: Ceremony) -> None:
    tally = ceremony.tally
    assert tally.official("results").json()["waiting"]
    tally.cosign()
    assert tally.official("results").json()["result"] is not None
    tally.cosign()
    tally.certify()
    ceremony.log(ceremony.authority("certify", ceremony.stick()))
    assert tally.client.get("/results").json()["status"] == "certified"
    assert ceremony.work("trustee/2", ceremony.stick(), act="destroy") == ["destruction"]

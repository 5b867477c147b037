"""One auditor is killed before the first ballot: casting goes on, the gate waits and says for whom, and receipts are
completed once it is back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from vemre.demo import pef2024, voters
from vemre.demo.children import Children
from vemre.demo.election import PATIENCE, WINDOW, Demonstration
from vemre.demo.places import Places
from vemre.demo.stages import Stages
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import auditors_of
from vemre.log.proof import Receipt
from vemre.messages import RemoteProblem
from vemre.records.policy import parse_policy
from vemre.types import LogName

pytestmark = pytest.mark.slow

VOTERS = 4
DOWN = 2
BOTH = {"auditor/1", "auditor/2"}


class Interrupted(Demonstration):
    """A demonstration whose second auditor is killed before the first ballot and returns after the close."""

    def cast(self) -> None:
        name = f"auditor-{DOWN}"
        os.killpg(leader(str(self.places.auditor(DOWN))), signal.SIGKILL)
        self.children.stop(name)
        super().cast()

    def close(self) -> None:
        self.places.clock.write_text(f"{WINDOW}\n", encoding="ascii")
        self.official("ballot", "close")
        self.refused = self.refusal("registry", "marks")
        self.during = self.receipts_now()
        self.auditors.start(self.urls, DOWN)
        super().close()
        self.after = self.receipts_now()

    def refusal(self, service: LogName, act: str) -> RemoteProblem:
        """What an official act is refused with once the auditor that is up has cosigned."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with pytest.raises(RemoteProblem) as caught:
                self.clients[service].post(f"/official/{act}", b"", "application/json")
            if "auditor/1" not in caught.value.problem.es.detail or time.monotonic() > deadline:
                return caught.value
            time.sleep(0.2)

    def receipts_now(self) -> list[set[str]]:
        """The auditors behind the receipt of every ballot, as the ballot box gives it now."""
        anchors = Anchors(parse_policy(self.places.policy.read_bytes()))
        witnesses = [vkey for vkeys in anchors.witnesses.values() for vkey in vkeys]
        found = []
        for path in sorted((self.places.root / "receipts").iterdir()):
            leaf = Receipt.parse(path.read_bytes()).extra
            assert leaf is not None
            receipt = Receipt.parse(self.clients["ballot"].request("GET", f"/receipts/{leaf.hex()}"))
            opened = receipt.verify(leaf, anchors.logs["ballot"], witnesses)
            found.append(auditors_of(opened, anchors.witnesses))
        return found


def leader(folder: str) -> int:
    """The process group of the witness that works in `folder`."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "witness" in words and folder in words:
                return os.getpgid(int(entry.name))
    raise AssertionError("the witness does not run")


def test_an_auditor_that_is_down_stops_no_vote_and_every_gate(tmp_path: Path) -> None:
    places = Places(tmp_path / "demo")
    places.root.mkdir()
    places.work.mkdir(mode=0o700)
    electorate = voters.generate("a seed", VOTERS, pef2024.entities(1))
    with Children(places.logs) as children:
        run = Interrupted(places, children, Stages(), electorate, 1)
        try:
            run.run()
            run.export()
            report = run.verify()
        finally:
            run.shut()
    assert len(run.during) == len(run.after) == VOTERS
    assert all(auditors <= {"auditor/1"} for auditors in run.during)
    assert all(auditors == BOTH for auditors in run.after)
    assert run.refused.code == "not-cosigned-yet"
    assert "auditor/2" in run.refused.problem.es.detail
    assert "auditor/1" not in run.refused.problem.es.detail
    assert (report["verdict"], report["certified"]) == ("valid", True)

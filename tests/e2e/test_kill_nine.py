"""The ballot box is killed with SIGKILL at random points of casting, several times over.

After each restart every receipt that was sent verifies, no ballot counts twice, and the same bytes sent again get the
same receipt. Real processes, real sockets, real files.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import msgspec
import pytest
from served import OTHERS, open_session, prepare_data, serving_logs, token_of, write_keys, write_logs
from simulator import OPENS, Simulator, Voter

from vemre.election import drafts
from vemre.election.choice import Marks
from vemre.election.rules import engine
from vemre.election.rules.view import Anchors
from vemre.log import merkle
from vemre.log.proof import Receipt
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records.bundle import MEDIA_TYPE
from vemre.records.fields import Bilingual
from vemre.records.record import parse
from vemre.storage.engine import open_engine
from vemre.storage.stored_log import StoredLog

VOTERS = 36
ROUNDS = 6
CASTERS = 6
PROGRAM = "from vemre.cli.main import main; main()"


def small_offer() -> s.Offer:
    """One urn, one contest, one block: the arithmetic is not what is tested."""
    contest = s.Contest(
        id="consulta",
        title=Bilingual("Consulta", "Referendum"),
        legend="Mexicano residente en el extranjero",
        options=[s.Option("si", "Sí"), s.Option("no", "No")],
        coalitions=[],
        write_in_bytes=0,
        blocks=1,
    )
    return s.Offer([s.Urn("urna-17", "Morelos", ["consulta"])], [contest])


@dataclass
class Box:
    """A ballot box as a process; `url` is None while it is down."""

    command: list[str]
    process: subprocess.Popen[str] | None = None
    url: str | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the ballot box did not start: {self.process.wait()}"
        self.url = json.loads(line)["url"]

    def kill(self) -> None:
        assert self.process is not None
        self.url = None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Casting:
    """One voter's ballot, and every answer that it got."""

    voter: Voter
    entry: bytes
    token: str
    answers: list[dict[str, Any]] = field(default_factory=list)

    def send(self, url: str) -> bool:
        """Post the ballot; true where an answer came."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            with httpx2.Client(timeout=20, trust_env=False) as client:
                answer = client.post(f"{url}/ballots", content=self.entry, headers=headers)
        except httpx2.HTTPError:
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code in (200, 201), answer.text
        self.answers.append(answer.json())
        return True


@pytest.fixture(scope="module")
def sim() -> Simulator:
    return Simulator(votes=[("urna-17", (Marks((0,)),))] * VOTERS, the_offer=small_offer()).reach("setup")


@contextmanager
def ballot_box(sim: Simulator, folder: Path) -> Iterator[Box]:
    """A running ballot box, its logs followed over HTTP, its roster taken, open."""
    data, record = folder / "data", folder / "record"
    prepare_data(sim, "ballot", data)
    write_keys(sim, "ballot", "ballot-box", data)
    write_logs(sim, record, OTHERS["ballot"])
    (folder / "policy.json").write_bytes(msgspec.json.encode(sim.policy))
    (folder / "clock").write_text(str(OPENS + 60 - int(time.time())))
    (folder / "settings.toml").write_text(f'trial_clock_file = "{folder / "clock"}"\n')
    with serving_logs(record, "registry", "tally") as urls:
        box = Box(
            [
                *(sys.executable, "-c", PROGRAM, "ballot", "serve", "--insecure", "--data", str(data)),
                *("--policy", str(folder / "policy.json"), "--config", str(folder / "settings.toml")),
                *("--registry-url", urls["registry"], "--tally-url", urls["tally"]),
            ]
        )
        box.start()
        try:
            yield box
        finally:
            if box.url is not None:
                box.kill()


def open_voting(box: Box, sim: Simulator, data: Path) -> list[str]:
    """Roster, opening; gives a session's token of every voter."""
    pseudonyms = [f"{number:032x}" for number in range(VOTERS)]
    entries = [
        {
            "pseudonym": name,
            "urn": voter.urn,
            "contact": f"{name}@example.net",
            "phone": "+13125550100",
            "credential": voter.key.public.hex(),
        }
        for name, voter in zip(pseudonyms, sim.voters, strict=True)
    ]
    opening = drafts.opening(sim.view, tally=sim.checkpoint("tally"), now=OPENS)
    order = bundle.encode(sim.sign("ballot", "authority", opening.body).entry)
    with httpx2.Client(base_url=str(box.url), timeout=30, trust_env=False) as client:
        assert client.post("/official/roster", json={"entries": entries}, headers=token_of(data)).status_code == 200
        assert client.post("/records", content=order, headers={"Content-Type": MEDIA_TYPE}).status_code == 201
    engine_ = open_engine(f"sqlite:///{data / 'service.sqlite3'}")
    try:
        return [open_session(engine_, name, lambda: OPENS + 60) for name in pseudonyms]
    finally:
        engine_.dispose()


def cast_until_told(box: Box, castings: list[Casting], over: Event) -> None:
    """Send each ballot until its answer comes, as a client does; and the one before it once more."""
    for place, casting in enumerate(castings):
        while not over.is_set() and not (box.url and casting.send(box.url)):
            time.sleep(0.02)
        if place and box.url:
            castings[place - 1].send(box.url)


def committed(sim: Simulator, data: Path) -> list[bytes]:
    """The log as the database has it."""
    engine_ = open_engine(f"sqlite:///{data / 'service.sqlite3'}")
    try:
        return list(StoredLog(engine_, sim.log_signers["ballot"].vkey).entries())
    finally:
        engine_.dispose()


@pytest.mark.slow
def test_killed_at_random_points_of_casting(sim: Simulator, tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    draws, over = random.Random(seed), Event()
    print(f"seed {seed}")
    with ballot_box(sim, tmp_path) as box:
        tokens = open_voting(box, sim, tmp_path / "data")
        castings = [
            Casting(voter, sim.ballot(voter, voter.choices or ()).entry, token)
            for voter, token in zip(sim.voters, tokens, strict=True)
        ]
        casters = [
            Thread(target=cast_until_told, args=(box, castings[first::CASTERS], over)) for first in range(CASTERS)
        ]
        for caster in casters:
            caster.start()
        try:
            for _ in range(ROUNDS):
                time.sleep(draws.uniform(0.05, 0.5))
                box.kill()
                told = [casting.answers[-1]["leaf_hash"] for casting in castings if casting.answers]
                stored = {parse(entry).leaf_hash.hex() for entry in committed(sim, tmp_path / "data")}
                assert set(told) <= stored, "a receipt was sent before its ballot was durable"
                box.start()
            for caster in casters:
                caster.join(120)
                assert not caster.is_alive()
        finally:
            over.set()
        for casting in castings:
            assert casting.send(str(box.url))
    # The list of the page that the box put on the record, if it serves one.
    sim.put([path.read_bytes() for path in (tmp_path / "data" / "blob").rglob("*") if path.is_file()])
    check(sim, castings, committed(sim, tmp_path / "data"))


def check(sim: Simulator, castings: list[Casting], log: list[bytes]) -> None:
    """Every receipt verifies and is the same each time; one ballot each; and the log is a valid one."""
    records = [parse(entry) for entry in log]
    ballots = [record for record in records if record.type == "ballot"]
    assert sorted(record.signer for record in ballots) == sorted(voter.key.public.hex() for voter in sim.voters)
    for casting in castings:
        first = casting.answers[0]
        assert all(answer == first for answer in casting.answers), "the same bytes got another receipt"
        assert log[first["index"]] == casting.entry
        leaf = parse(casting.entry).leaf_hash
        receipt = Receipt.parse(first["receipt"].encode())
        opened = receipt.verify(leaf, Anchors(sim.policy).logs["ballot"])
        assert merkle.root(record.leaf_hash for record in records[: opened.size]) == opened.root
    for record in records:
        sim.view.ballot.append(record)
    try:
        engine.verify(sim.view)
    finally:
        for _ in records:
            sim.view.ballot.pop()

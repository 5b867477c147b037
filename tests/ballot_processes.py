"""Ballot boxes as real processes, voters who cast until they are told, and what must hold of the log afterwards."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import msgspec
from served import OTHERS, open_session, prepare_data, serving_logs, token_of, write_keys, write_logs
from simulator import OPENS, Simulator, Voter

from vemre.election import drafts
from vemre.election.rules import engine
from vemre.election.rules.view import Anchors
from vemre.log import merkle
from vemre.log.proof import Receipt
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records.bundle import MEDIA_TYPE
from vemre.records.fields import Bilingual
from vemre.records.record import parse
from vemre.service import vault as vaults
from vemre.storage.engine import open_engine
from vemre.storage.stored_log import StoredLog

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
    """A ballot box as a process; `url` is None while it is down. What it says on standard error goes to `log`."""

    command: list[str]
    log: Path
    process: subprocess.Popen[str] | None = None
    url: str | None = None

    def start(self) -> None:
        with open(self.log, "a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the ballot box did not start: {self.process.wait()}"
        self.url = json.loads(line)["url"]

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        code = self.process.wait(60)
        self.url = None
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """End it at once."""
        self.url = None
        self.signal(signal.SIGKILL)
        self.ended()

    def writes(self) -> bool:
        """Whether it says that it writes the log."""
        try:
            found = httpx2.get(f"{self.url}/metrics", timeout=5, trust_env=False).text
        except httpx2.HTTPError:
            return False
        return "\nvemre_log_writer 1.0" in found


@dataclass
class Casting:
    """One voter's ballot, and every answer that it got."""

    voter: Voter
    entry: bytes
    token: str
    answers: list[dict[str, Any]] = field(default_factory=list)

    def send(self, url: str, timeout: float = 20) -> bool:
        """Post the ballot; true where its receipt came."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            with httpx2.Client(timeout=timeout, trust_env=False) as client:
                answer = client.post(f"{url}/ballots", content=self.entry, headers=headers)
        except httpx2.HTTPError:
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code in (200, 201), answer.text
        self.answers.append(answer.json())
        return True


@contextmanager
def ballot_boxes(
    sim: Simulator, folder: Path, database: str | None = None, count: int = 1, program: str = PROGRAM
) -> Iterator[list[Box]]:
    """Running instances of one ballot box, its logs followed over HTTP; not open yet. `folder` gets their data as
    ``data-1`` and so on, ``policy.json``, and what they say as ``log-1``."""
    record, first = folder / "record", folder / "data-1"
    prepare_data(sim, "ballot", first, database=database)
    write_keys(sim, "ballot", "ballot-box", first)
    vaults.create(first / "vault")
    write_logs(sim, record, OTHERS["ballot"])
    (folder / "policy.json").write_bytes(msgspec.json.encode(sim.policy))
    (folder / "clock").write_text(str(OPENS + 60 - int(time.time())))
    settings = [f'trial_clock_file = "{folder / "clock"}"', *([f'database_url = "{database}"'] if database else [])]
    (folder / "settings.toml").write_text("\n".join(settings))
    for number in range(2, count + 1):
        # What the operator copies: keys, tokens, vault.
        shutil.copytree(first, folder / f"data-{number}", ignore=shutil.ignore_patterns("*.sqlite3*"))
    with serving_logs(record, "registry", "tally") as urls:
        boxes = [
            Box(
                [
                    *(sys.executable, "-c", program, "ballot", "serve", "--insecure"),
                    *("--data", str(folder / f"data-{number}")),
                    *("--policy", str(folder / "policy.json"), "--config", str(folder / "settings.toml")),
                    *("--registry-url", urls["registry"], "--tally-url", urls["tally"]),
                ],
                folder / f"log-{number}",
            )
            for number in range(1, count + 1)
        ]
        try:
            for box in boxes:
                box.start()
            yield boxes
        finally:
            for box in boxes:
                if box.process is not None and box.process.poll() is None:
                    box.kill()


def database_of(folder: Path) -> str:
    """The SQLite file of a single instance."""
    return f"sqlite:///{folder / 'data-1' / 'service.sqlite3'}"


def open_voting(box: Box, sim: Simulator, folder: Path, database: str | None = None) -> list[str]:
    """Roster, opening; gives a session's token of every voter."""
    pseudonyms = [f"{number:032x}" for number in range(len(sim.voters))]
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
        assert (
            client.post("/official/roster", json={"entries": entries}, headers=token_of(folder / "data-1")).status_code
            == 200
        )
        assert client.post("/records", content=order, headers={"Content-Type": MEDIA_TYPE}).status_code == 201
    engine_ = open_engine(database or database_of(folder))
    try:
        return [open_session(engine_, name, lambda: OPENS + 60) for name in pseudonyms]
    finally:
        engine_.dispose()


def cast_until_told(boxes: Sequence[Box], castings: list[Casting], over: Event) -> None:
    """Send each ballot until its answer comes, as a client does, at the next instance where one gave none; and the one
    before it once more."""
    turn = 0
    for place, casting in enumerate(castings):
        while not over.is_set():
            box = boxes[turn % len(boxes)]
            if box.url and casting.send(box.url):
                break
            turn += 1
            time.sleep(0.02)
        if place and (url := boxes[turn % len(boxes)].url):
            castings[place - 1].send(url)


def committed(sim: Simulator, database: str) -> list[bytes]:
    """The log as the database has it."""
    engine_ = open_engine(database)
    try:
        return list(StoredLog(engine_, sim.log_signers["ballot"].vkey).entries())
    finally:
        engine_.dispose()


def check(sim: Simulator, folder: Path, castings: list[Casting], log: list[bytes]) -> None:
    """Every receipt verifies and is the same each time; one ballot each; and the log is a valid one."""
    # The list of the page that the box put on the record, if it serves one.
    sim.put([path.read_bytes() for path in folder.glob("data-*/blob/*")])
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

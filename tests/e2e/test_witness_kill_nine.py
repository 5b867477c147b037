"""A witness is killed with SIGKILL at random points while feeders hammer it, several times over.

Over all answers that ever came: no two cosignatures contradict each other, none is dated before an earlier one, and
none was sent before it was durable. A real process, real sockets, real files.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import msgspec
import pytest
from served_simulator import Served
from simulator import OPENS, Simulator
from witnesses import PlainLog, offer, serving

from audit.keys import KEY_FILE, KIND, AuditorKeys
from audit.witness.store import Store
from vemre.crypto.keyfile import KeyFile
from vemre.election import drafts
from vemre.log.checkpoint import SignedCheckpoint, open_checkpoint
from vemre.log.note import Vkey, parse_signature_lines
from vemre.log.witness import AddCheckpoint
from vemre.storage import keyfiles

PROGRAM = "from vemre.cli.main import main; main()"
ROUNDS = 6
FOREIGN = 8
SIZES = 40


@dataclass
class Process:
    """The witness as a process; `url` is None while it is down."""

    command: list[str]
    url: str | None = None
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the witness did not start: {self.process.wait()}"
        self.url = json.loads(line)["url"]

    def kill(self) -> None:
        assert self.process is not None
        self.url = None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Told:
    """Every cosignature that came, by origin, in the order of coming: (size, root, time)."""

    vkey: Vkey
    logs: dict[str, Vkey]
    answers: dict[str, list[tuple[int, bytes, int]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes, lines: str) -> None:
        signed = AddCheckpoint.parse(body).checkpoint
        note = SignedCheckpoint.parse(signed.encode()).note.with_lines(parse_signature_lines(lines))
        origin = signed.checkpoint.origin
        opened = open_checkpoint(note.encode(), self.logs[origin], [self.vkey])
        with self.lock:
            found = self.answers.setdefault(origin, [])
            found.append((opened.size, opened.root, opened.cosigners[self.vkey]))


def ask(process: Process, told: Told, body: bytes) -> tuple[int, str]:
    """One request; status 0 where no answer came."""
    url = process.url
    if url is None:
        time.sleep(0.02)
        return 0, ""
    try:
        with httpx2.Client(timeout=20, trust_env=False) as client:
            answer = client.post(f"{url}/add-checkpoint", content=body)
    except httpx2.HTTPError:
        return 0, ""
    assert answer.status_code in (200, 409, 422, 429, 503), answer.text
    if answer.status_code == 200:
        told.take(body, answer.text)
    return answer.status_code, answer.text


@pytest.fixture
def served() -> Served:
    return Served(Simulator(trustees=2, threshold=2))


def command(served: Served, folder: Path, urls: dict[str, str], logs: list[PlainLog]) -> list[str]:
    simulator = served.simulator
    role = "auditor/1"
    keys = AuditorKeys(role, "Auditor 1", simulator.keys[role], simulator.witnesses[role], insecure=True)
    secret = {"sign": simulator.keys[role].seed().hex(), "witness": simulator.witness_keys[role].seed().hex()}
    (folder / "data").mkdir(parents=True)
    keyfiles.create(folder / "data" / KEY_FILE, KeyFile(KIND, keys.public(), secret, True), b"", os.urandom)
    (folder / "policy.json").write_bytes(msgspec.json.encode(simulator.policy))
    (folder / "clock").write_text(str(OPENS - int(time.time())))
    words = ["audit", "witness", "--insecure", "--data", str(folder / "data"), "--policy", str(folder / "policy.json")]
    words += [f"--{name}-url={url}" for name, url in urls.items()]
    words += [f"--consistency-log={log.signer.vkey}" for log in logs]
    return [sys.executable, "-c", PROGRAM, *words, "--interval", "0.2"]


@pytest.mark.slow
def test_killed_at_random_points_while_feeders_hammer(served: Served, tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    draws, over = random.Random(seed), threading.Event()
    print(f"seed {seed}")
    foreign = [PlainLog(f"log{n}.example/x", bytes([n + 1]) * 32, _entries(b"a", n)) for n in range(FOREIGN)]
    forks = [PlainLog(log.origin, log.seed, _entries(b"b", n)) for n, log in enumerate(foreign)]
    tally = served.simulator.log_signers["tally"]
    told = Told(
        served.simulator.witnesses["auditor/1"].vkey,
        {tally.origin: tally.vkey, **{log.origin: log.signer.vkey for log in foreign}},
    )
    with serving(served) as urls:
        process = Process(command(served, tmp_path, dict(urls), foreign))
        process.start()
        feeders = [
            *(threading.Thread(target=_feed, args=(process, told, log, over)) for log in (*foreign, *forks)),
            threading.Thread(target=_feed_election, args=(process, told, served, over)),
        ]
        try:
            for feeder in feeders:
                feeder.start()
            for _ in range(ROUNDS):
                time.sleep(draws.uniform(0.1, 1.0))
                process.kill()
                with told.lock:
                    before = {origin: max(size for size, _, _ in found) for origin, found in told.answers.items()}
                store = Store(f"sqlite:///{tmp_path / 'data' / 'service.sqlite3'}", ())
                for origin, size in before.items():
                    assert store.last(origin).size >= size, "an answer was sent before it was durable"
                store.close()
                process.start()
            for feeder in feeders:
                feeder.join(240)
                assert not feeder.is_alive()
        finally:
            over.set()
            if process.url is not None:
                process.kill()
    check(told, {log.origin: (log, fork) for log, fork in zip(foreign, forks, strict=True)}, served)


def _entries(kind: bytes, number: int) -> list[bytes]:
    return [b"%s %d %d" % (kind, number, place) for place in range(SIZES)]


def _feed(process: Process, told: Told, log: PlainLog, over: threading.Event) -> None:
    """One history of a foreign log, from its first entry, until the witness has it or has stopped."""
    old, size = 0, 1
    while size <= SIZES and not over.is_set():
        status, text = ask(process, told, log.request(old, size))
        if status == 200:
            old, size = size, size + 3
        elif status == 409:
            old = int(text)
            size = max(size, old)
        elif status == 422:
            return


def _feed_election(process: Process, told: Told, served: Served, over: threading.Event) -> None:
    """The tally log, which grows by an incident after each cosignature."""
    old = 0
    for number in range(12):
        while not over.is_set():
            status, text = ask(process, told, offer(served, "tally", old))
            if status == 200:
                break
            assert status != 422, text
            if status == 409:
                old = int(text)
        old = len(served.simulator.view.tally)
        served.simulator.append("tally", "tally", drafts.incident("note", f"{number}", OPENS))


def check(told: Told, histories: dict[str, tuple[PlainLog, PlainLog]], served: Served) -> None:
    """No two cosignatures contradict each other, and times do not go back."""
    tally = served.simulator.log_signers["tally"].origin
    assert max(size for size, _, _ in told.answers[tally]) >= 12
    for size, root, _ in told.answers[tally]:
        assert served.simulator.view.tally.root(size) == root
    assert len(told.answers) > 2
    for origin, found in told.answers.items():
        ordered = sorted(found)
        assert [time for _, _, time in ordered] == sorted(time for _, _, time in found), origin
        if origin in histories:
            assert any(all(log.root(size) == root for size, root, _ in found) for log in histories[origin]), origin

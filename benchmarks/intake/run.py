"""How many ballots a second a ballot box takes, counted by the receipts that verify afterwards.

python benchmarks/intake/run.py --seconds 30 [--database sqlite|postgresql|postgresql://...] [--instances 2]
                                [--rate 500] [--json]

Makes an election with its ballots (kept in --cache for the next run), starts the ballot box in a temporary folder as
``vemre ballot serve`` does, opens it, opens a session for every voter directly in its store, and casts. What is
measured is what a voter gets: each ballot with the check of its session, its signature, proofs and freshness, durable,
with a receipt in the answer. A run ends early, and says so, where the ballots run out. `vemre bench intake` runs this.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))

import httpx2
import postgres
import prepare
import uvloop
from driver import Load
from sqlalchemy import insert

from vemre.log import merkle
from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint
from vemre.log.note import Vkey
from vemre.log.proof import Receipt
from vemre.records.bundle import MEDIA_TYPE
from vemre.records.policy import parse_policy
from vemre.service import identity as identities
from vemre.service import vault as vaults
from vemre.storage import schema
from vemre.storage.engine import open_engine, writing
from vemre.storage.log_store import LogStore

FASTEST = 800
"""Ballots a second for which ballots are made where no rate is given."""
STARTING_SECONDS = 120.0
WARM_UP = 32
"""Ballots before the clock starts: the first one finds out what election it is."""
CACHE = Path(tempfile.gettempdir()) / "vemre-intake-ballots"
SEED = b"vemre benchmark of the intake\n"


@dataclass
class Instance:
    """A running ballot box."""

    process: subprocess.Popen[bytes]
    url: str

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def cpu_seconds(self) -> float:
        """Processor time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self) -> int:
        """The most memory that it had, or has now where the system does not count that."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = {name: value for name, _, value in (line.partition(":") for line in status.splitlines())}
        return int(fields.get("VmHWM", fields.get("VmRSS", "0")).split()[0]) * 1024


def seed_of(number: int) -> bytes:
    """32 bytes that belong to the voter with this number."""
    return hashlib.sha256(SEED + number.to_bytes(8, "big")).digest()


def token_of(number: int) -> str:
    """The session of the voter with this number. It protects nothing."""
    return base64.urlsafe_b64encode(seed_of(number)).rstrip(b"=").decode()


def open_sessions(database: str, vault: Path, prepared: Path, count: int) -> None:
    """Accounts and sessions of the first `count` voters, written where the ballot box reads them."""
    from ballot.store import Account, BallotStore
    from ballot.tables import session
    from vemre.service import official

    engine = open_engine(database)
    store = BallotStore(engine, vault)
    voters = list(prepare.read_voters(prepared, count))
    store.take_roster(
        [
            Account(f"{number:032x}", urn, f"{number}@example.net", "", bytes.fromhex(credential))
            for number, (urn, credential) in enumerate(voters)
        ]
    )
    now = int(time.time())
    rows = [
        {
            "digest": official.digest(token_of(number)),
            "pseudonym": f"{number:032x}",
            "opened": now,
            "expires": now + 86_400,
        }
        for number in range(count)
    ]
    with writing(engine) as connection:
        connection.execute(insert(session), rows)
    engine.dispose()


def make_data(prepared: Path, folder: Path, database: str | None, *, first: bool) -> str:
    """The data folder of an instance; gives the address of its database."""
    folder.mkdir()
    shutil.copy(prepared / identities.KEY_FILE, folder)
    url = database or f"sqlite:///{folder / 'service.sqlite3'}"
    if first:
        identities.create_token(folder, identities.OFFICIAL, os.urandom)
        vaults.create(folder / "vault")
        from ballot.box import COMPONENTS

        engine = open_engine(url)
        schema.upgrade(engine, *COMPONENTS)
        key = identities.load(_settings(folder), "ballot", b"", allow_insecure=True)
        LogStore.create(engine, key.log)
        engine.dispose()
    else:
        for name in (f"{identities.OFFICIAL}.token", f"{identities.OFFICIAL}.sha256"):
            shutil.copy(folder.with_name("box-1") / name, folder)
        shutil.copytree(folder.with_name("box-1") / "vault", folder / "vault")
    return url


def _settings(folder: Path) -> Any:
    from ballot.settings import BallotSettings

    return BallotSettings(data_dir=folder)


@contextmanager
def serving(
    prepared: Path, folder: Path, database: str, logs: str, port: int = 0, more: Sequence[str] = ()
) -> Iterator[Instance]:
    """A ballot box as a process of its own, with `more` options."""
    command = [str(Path(sys.executable).with_name("vemre")), "ballot", "serve", "--data", str(folder)]
    command += ["--policy", str(prepared / "policy.json"), "--insecure", "--port", str(port)]
    command += ["--registry-url", f"{logs}/registry", "--tally-url", f"{logs}/tally", *more]
    # The address may hold a password, and arguments are for everybody to see.
    environment = {**os.environ, "VEMRE_DATABASE_URL": database}
    with open(folder / "stderr", "wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the ballot box did not start: {(folder / 'stderr').read_text()[-2000:]}")
        yield Instance(process, json.loads(line)["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def serving_logs(record: Path) -> Iterator[str]:
    """The logs of the registry and the tally, as files."""

    class Logs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            log, _, name = urlsplit(self.path).path[1:].partition("/")
            name = "log/checkpoint" if name == "log/cosigned" else name
            file = record / name if name.startswith("blob/") else record / log / name.removeprefix("log/")
            data = file.read_bytes() if file.is_file() else b"{}"
            self.send_response(200 if file.is_file() else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Logs)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def open_box(instances: Sequence[Instance], prepared: Path) -> None:
    """The order to open, posted to the instance that takes it."""
    order = (prepared / "open.record").read_bytes()
    until = time.monotonic() + STARTING_SECONDS
    for instance in itertools.cycle(instances):
        answer = httpx2.post(
            f"{instance.url}/records", content=order, headers={"Content-Type": MEDIA_TYPE}, timeout=STARTING_SECONDS
        )
        if answer.status_code == 201:
            return
        if answer.status_code != 503 or time.monotonic() > until:
            raise SystemExit(f"the ballot box did not open: {answer.text}")
        time.sleep(0.1)


def requests_of(prepared: Path, count: int, host: str) -> Iterator[bytes]:
    """What goes over the wire, ballot after ballot."""
    for number, entry in enumerate(prepare.read_ballots(prepared, count)):
        head = f"POST /ballots HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token_of(number)}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(entry)}\r\n\r\n"
        yield head.encode() + entry


def count_receipts(load: Load, prepared: Path, count: int, log: Vkey) -> tuple[int, set[int]]:
    """How many answers hold a receipt that verifies for the ballot that was sent, and the sizes of their trees."""
    opened: dict[bytes, OpenedCheckpoint] = {}
    answers = {answer.number: answer for answer in load.answers if answer.status in (200, 201)}
    good = 0
    places = set()
    for number, entry in enumerate(prepare.read_ballots(prepared, count)):
        answer = answers.get(number)
        if answer is None:
            continue
        receipt = Receipt.parse(json.loads(answer.body)["receipt"].encode())
        if receipt.checkpoint not in opened:
            opened[receipt.checkpoint] = open_checkpoint(receipt.checkpoint, log)
        tree = opened[receipt.checkpoint]
        merkle.verify_inclusion(receipt.index, tree.size, merkle.leaf_hash(entry), receipt.hashes, tree.root)
        places.add(receipt.index)
        good += 1
    if len(places) != good:
        raise SystemExit("two ballots have a receipt for one place")
    return good, {tree.size for tree in opened.values()}


def percentile(ordered: list[float], part: float) -> float:
    """In milliseconds."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 1) if ordered else 0.0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """One measurement."""
    count = options.ballots or int(options.seconds * (options.rate or FASTEST)) + WARM_UP
    prepared = options.cache
    prepare.prepare(count, prepared, lambda line: print(line, file=sys.stderr, flush=True))
    log = Vkey.parse(parse_policy((prepared / "policy.json").read_bytes()).logs.ballot)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vemre-intake-", dir=options.dir)))
        logs = stack.enter_context(serving_logs(prepared / "record"))
        instances = []
        database = None if options.database == "sqlite" else options.database
        if database == "postgresql":
            database = stack.enter_context(postgres.serving(folder / "postgresql"))
        for k in range(1, options.instances + 1):
            database = make_data(prepared, folder / f"box-{k}", database, first=k == 1)
            instances.append(stack.enter_context(serving(prepared, folder / f"box-{k}", database, logs)))
        assert database is not None
        open_box(instances, prepared)
        open_sessions(database, folder / "box-1" / "vault", prepared, count)
        load = Load(requests_of(prepared, count, "localhost"), [instance.place for instance in instances])
        uvloop.run(load.closed(1, 60.0, WARM_UP))
        load.answers.clear()
        print("casting", file=sys.stderr, flush=True)
        before = [instance.cpu_seconds() for instance in instances]
        own = resource.getrusage(resource.RUSAGE_SELF)
        act = (
            load.open(options.connections, options.seconds, options.rate)
            if options.rate
            else load.closed(options.connections, options.seconds)
        )
        uvloop.run(act)
        after = [instance.cpu_seconds() for instance in instances]
        end = resource.getrusage(resource.RUSAGE_SELF)
        driver = end.ru_utime + end.ru_stime - own.ru_utime - own.ru_stime
        peaks = [instance.peak_bytes() for instance in instances]
        if options.keep:
            shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    accepted, trees = count_receipts(load, prepared, count, log)
    seconds = load.ended - load.begun
    times = sorted(answer.seconds for answer in load.answers if answer.status in (200, 201))
    each = 1000 / max(accepted, 1)
    return {
        "database": "sqlite" if options.database == "sqlite" else "postgresql",
        "instances": options.instances,
        "connections": options.connections,
        "rate": options.rate,
        "seconds": round(seconds, 2),
        "ran_out": load.ran_out,
        "accepted": accepted,
        "accepted_per_second": round(accepted / seconds, 1),
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99),
        "max_ms": percentile(times, 1),
        "refused": {str(status): number for status, number in sorted(load.refusals.items())},
        "lost": len(load.answers) - accepted,
        "checkpoints": len(trees),
        "service_cpu_ms_per_ballot": [round((b - a) * each, 3) for a, b in zip(before, after, strict=True)],
        "driver_cpu_ms_per_ballot": round(driver * each, 3),
        "service_peak_mib": [peak >> 20 for peak in peaks],
        "processors": len(os.sched_getaffinity(0)),
    }


def put(result: dict[str, Any], *, as_json: bool) -> None:
    """Print what was measured: one object, or a line for each figure."""
    if as_json:
        print(json.dumps(result), flush=True)
        return
    for name, value in result.items():
        print(f"{name}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description="How many ballots a second a ballot box takes.")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument(
        "--database",
        default="sqlite",
        help="sqlite, postgresql (a server of its own is started), or the address of an empty PostgreSQL database",
    )
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--connections", type=int, default=96)
    parser.add_argument("--rate", type=float, help="ballots due each second; without it, as fast as answers come")
    parser.add_argument("--ballots", type=int, help="how many ballots to make; by default enough for the time")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--dir", type=Path, help="where the ballot box keeps its data: the disk that is measured")
    parser.add_argument("--keep", type=Path, help="copy what the ballot box left to this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    put(run(options), as_json=options.json)


if __name__ == "__main__":
    main()

"""Whether a ballot box lets people in while others vote: sign-ins and casts at a rate, at one process of `serve`.

python benchmarks/intake/sign_in.py --seconds 120 --sign-ins 50 --casts 10 [--json]

Every account signs in once, with its password (Argon2id as the box keeps it) and the code of its authenticator; whoever
is in casts later. All of it comes through a trusted proxy from many addresses. Arrivals are due at the rate, whatever
becomes of those before, and a sign-in lasts from when it was due to the second answer. Every request is an honest one:
none may fail. `vemre bench sign-in` runs this.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import prepare
import run as intake
import uvloop
from driver import Answer, Lines, Load

from ballot.access import factors, passwords, rows
from ballot.access.rows import Access
from ballot.store import Account, BallotStore
from vemre.log.note import Vkey
from vemre.records.policy import parse_policy
from vemre.storage.engine import open_engine, writing

PASSWORD = "Jacarandas sobre el tejado 71"
VOTERS_BEHIND_ONE_ADDRESS = 3
CONNECTIONS = 64
FIRST_CASTS = 2.0
"""Seconds after which the first ones cast, so that some are in."""


@dataclass
class Times:
    """What became of a kind of act: seconds of those that succeeded, and failures by what was answered."""

    done: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    def report(self) -> dict[str, Any]:
        """Percentiles in milliseconds."""
        ordered = sorted(self.done)
        parts = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
        found = {name: intake.percentile(ordered, part) for name, part in parts.items()}
        return {"succeeded": len(ordered), "failed": dict(self.failed), **found}


def secret_of(number: int) -> str:
    """The TOTP secret of an account. It protects nothing."""
    return base64.b32encode(intake.seed_of(number)[:20]).decode()


def address_of(number: int) -> str:
    """Where the voter with this number is, in a network for benchmarks (RFC 2544)."""
    place = number // VOTERS_BEHIND_ONE_ADDRESS
    return f"198.{18 + (place >> 16 & 1)}.{place >> 8 & 255}.{place & 255}"


def open_accesses(database: str, vault: Path, prepared: Path, count: int) -> None:
    """Accounts that signed up long ago: all with one password, each with a secret of its own."""
    engine = open_engine(database)
    store = BallotStore(engine, vault)
    voters = list(prepare.read_voters(prepared, count))
    store.take_roster(
        [
            Account(f"{number:032x}", urn, f"{number}@example.net", "", bytes.fromhex(credential))
            for number, (urn, credential) in enumerate(voters)
        ]
    )
    kept = passwords.hashed(PASSWORD)
    with writing(engine) as connection:
        for number in range(count):
            made = Access(f"{number:032x}", f"{number:032x}", kept, "totp", secret_of(number), -1, 0, 0)
            rows.put_access(connection, store.vault, made, int(time.time()))
    engine.dispose()


class Crowd:
    """The voters of a run."""

    def __init__(self, place: tuple[str, int], ballots: list[bytes]) -> None:
        self._lines = Lines([place], CONNECTIONS)
        self._ballots = ballots
        self.sign_ins, self.casts = Times(), Times()
        self.receipts: list[Answer] = []
        self.inside: list[tuple[int, str]] = []
        """Who signed in and has not cast: number and bearer token, the last one first."""

    async def sign_in(self, number: int, due: float) -> None:
        """Both steps."""
        order = {"user": f"{number}@example.net", "password": PASSWORD}
        status, body = await self._post(number, "/session", order)
        if status == 200:
            code = factors.totp_code(secret_of(number), int(time.time()))
            order = {"ticket": json.loads(body)["ticket"], "code": code, "bearer": True}
            status, body = await self._post(number, "/session/code", order)
        if status != 200:
            self.sign_ins.failed[_said(status, body)] += 1
            return
        self.sign_ins.done.append(time.monotonic() - due)
        self.inside.append((number, json.loads(body)["bearer"]))

    async def cast(self, number: int, token: str, due: float) -> None:
        """The ballot of a voter who is in."""
        status, body = await self._lines.exchange(
            _request("/ballots", self._ballots[number], address_of(number), f"Authorization: Bearer {token}\r\n")
        )
        if status != 201:
            self.casts.failed[_said(status, body)] += 1
            return
        seconds = time.monotonic() - due
        self.casts.done.append(seconds)
        self.receipts.append(Answer(number, status, body, seconds, 1))

    async def _post(self, number: int, path: str, order: dict[str, Any]) -> tuple[int, bytes]:
        return await self._lines.exchange(_request(path, json.dumps(order).encode(), address_of(number)))

    async def run(self, seconds: float, sign_ins: float, casts: float) -> None:
        """All of it."""
        begun = time.monotonic()
        numbers = iter(range(len(self._ballots)))

        def comes(due: float) -> Awaitable[None]:
            return self.sign_in(next(numbers), due)

        def casts_now(due: float) -> Awaitable[None] | None:
            return self.cast(*self.inside.pop(0), due) if self.inside else None

        await asyncio.gather(
            _arrivals(begun, seconds, sign_ins, comes),
            _arrivals(begun + FIRST_CASTS, seconds - FIRST_CASTS, casts, casts_now),
        )
        self._lines.close()


async def _arrivals(begun: float, seconds: float, rate: float, act: Callable[[float], Awaitable[None] | None]) -> None:
    """Acts that are due at a rate, none of which waits for another."""
    tasks = []
    for place in range(int(seconds * rate)):
        due = begun + place / rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        if (work := act(due)) is not None:
            tasks.append(asyncio.ensure_future(work))
    await asyncio.gather(*tasks)


def _request(path: str, body: bytes, address: str, more: str = "") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n{more}"
    )
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _said(status: int, body: bytes) -> str:
    """The code of a refusal."""
    try:
        return f"{status} {json.loads(body)['code']}"
    except (ValueError, KeyError, TypeError):
        return str(status)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """One measurement."""
    count = int(options.seconds * options.sign_ins) + 1
    prepared = options.cache
    prepare.prepare(count, prepared, lambda line: print(line, file=sys.stderr, flush=True))
    log = Vkey.parse(parse_policy((prepared / "policy.json").read_bytes()).logs.ballot)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vemre-sign-in-", dir=options.dir)))
        logs = stack.enter_context(intake.serving_logs(prepared / "record"))
        database = intake.make_data(prepared, folder / "box-1", None, first=True)
        more = ["--trusted-proxy", "127.0.0.1/32"]
        box = stack.enter_context(intake.serving(prepared, folder / "box-1", database, logs, more=more))
        intake.open_box([box], prepared)
        open_accesses(database, folder / "box-1" / "vault", prepared, count)
        crowd = Crowd(box.place, list(prepare.read_ballots(prepared, count)))
        print("signing in", file=sys.stderr, flush=True)
        before = box.cpu_seconds()
        begun = time.monotonic()
        uvloop.run(crowd.run(options.seconds, options.sign_ins, options.casts))
        seconds = time.monotonic() - begun
        used, peak = box.cpu_seconds() - before, box.peak_bytes()
    load = Load(iter(()), [], answers=crowd.receipts)
    verified, _ = intake.count_receipts(load, prepared, count, log)
    return {
        "seconds": round(seconds, 2),
        "sign_ins_per_second": options.sign_ins,
        "casts_per_second": options.casts,
        "sign_ins": crowd.sign_ins.report(),
        "casts": crowd.casts.report(),
        "receipts_verified": verified,
        "failed": sum(crowd.sign_ins.failed.values()) + sum(crowd.casts.failed.values()),
        "service_cpu_s": round(used, 1),
        "service_peak_mib": peak >> 20,
        "processors": len(os.sched_getaffinity(0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether many can sign in while others cast.")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--sign-ins", type=float, default=50.0)
    parser.add_argument("--casts", type=float, default=10.0)
    parser.add_argument("--cache", type=Path, default=intake.CACHE)
    parser.add_argument("--dir", type=Path, help="where the ballot box keeps its data")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    intake.put(run(options), as_json=options.json)


if __name__ == "__main__":
    main()

"""Makes a large election record to measure verifiers with.

python benchmarks/big_record.py --ballots 10000 --out FOLDER

writes FOLDER/record and FOLDER/policy.json: one contest with write-ins (two ciphertexts a ballot), several urns, two
mixers, two trustees of three, certified. All keys are fresh and forgotten. Work is spread over the processors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import msgspec  # noqa: E402
from simulator import OPENS, Simulator, offer  # noqa: E402

from vemre.election import drafts  # noqa: E402
from vemre.election.choice import Choice, Marks, Null, WriteIn  # noqa: E402
from vemre.records import setup_bodies as s  # noqa: E402
from vemre.records.record import Record, parse  # noqa: E402
from vemre.types import LogName  # noqa: E402

_elections: list[BigElection] = []
"""What the processes work on: they are forked once it stands here, and so take it along."""


class BigElection(Simulator):
    """The simulator, in processes, and without asking the rules at every step."""

    def admit(self, log: LogName, record: Record, *, check: bool = False) -> None:
        """Append, whatever is asked: a verifier will judge the whole."""
        del check
        super().admit(log, record, check=False)

    def cast_all(self) -> None:
        for entry in _spread(_cast, range(len(self.voters)), self, chunk=64):
            self.admit("ballot", parse(entry))

    def mix_all(self) -> None:
        for role in self.mixers[:2]:
            self._append_all("tally", role, _shuffle)

    def decrypt_all(self) -> None:
        for role in self.trustees[: self.t]:
            self._append_all("tally", role, _decrypt)

    def _append_all(self, log: LogName, role: str, make: Callable[[Any], drafts.Draft]) -> None:
        gate = self.checkpoint("tally")
        for draft in _spread(make, [(role, urn, contest, gate) for urn, contest in self.view.batches], self):
            self.append(log, role, draft)

    def count(self) -> None:
        for draft in _spread(_count, self.view.batches, self):
            self.append("tally", "tally", draft)
        self.append("tally", "tally", drafts.result(self.view, gate=self.checkpoint("tally")))


def _cast(number: int) -> bytes:
    voter = _elections[0].voters[number]
    return _elections[0].ballot(voter, voter.choices or ()).entry


def _shuffle(work: tuple[str, str, str, str]) -> drafts.Draft:
    return _elections[0].shuffle(*work)


def _decrypt(work: tuple[str, str, str, str]) -> drafts.Draft:
    return _elections[0].decryption(*work)


def _count(batch: Any) -> drafts.Draft:
    return drafts.result_batch(_elections[0].view, batch)


def _spread(work: Callable[[Any], Any], items: Iterable[Any], election: BigElection, chunk: int = 1) -> Iterator[Any]:
    """The results in the order of the items, made by as many processes as there are processors."""
    _elections[:] = [election]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(work, items, chunksize=chunk)


def make(ballots: int, urns: int, say: Callable[[str], None] = lambda _: None) -> BigElection:
    """A certified election in which `ballots` voters of `urns` urns vote."""
    president = offer().contests[0]
    draw = random.Random(ballots)
    names = [f"urna-{number:02}" for number in range(1, urns + 1)]
    votes: list[tuple[str, tuple[Choice, ...] | None]] = [
        (names[number % urns], (_choice(draw),)) for number in range(ballots)
    ]
    the_offer = s.Offer([s.Urn(name, f"Entidad {name[-2:]}", [president.id]) for name in names], [president])
    election = BigElection(votes=votes, the_offer=the_offer)
    election.time = OPENS
    for act in (
        election.generate_key, election.publish_roll, election.set_up, election.open_box, election.cast_all,
        election.close_box, election.mix_all, election.decrypt_all, election.count, election.certify,
    ):  # fmt: skip
        with _timed(act.__name__, say):
            act()
    return election


def _choice(draw: random.Random) -> Choice:
    kind = draw.random()
    if kind < 0.02:
        return Null() if kind < 0.01 else WriteIn("Benito Juárez")
    return Marks((0, 1)) if kind < 0.2 else Marks((draw.randrange(4),))


@contextmanager
def _timed(what: str, say: Callable[[str], None]) -> Iterator[None]:
    start = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a large election record.")
    parser.add_argument("--ballots", type=int, default=10_000)
    parser.add_argument("--urns", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    election = make(options.ballots, options.urns, lambda line: print(line, flush=True))
    election.write(options.out / "record")
    (options.out / "policy.json").write_bytes(msgspec.json.encode(election.view.anchors.policy))
    files = [path for path in (options.out / "record").rglob("*") if path.is_file()]
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()

"""Makes a large election record to measure verifiers with.

python benchmarks/big_record.py --ballots 10000 --out FOLDER

writes FOLDER/record and FOLDER/policy.json: one contest with write-ins (by default two ciphertexts a ballot), several
urns, mixers and trustees, certified. All keys are fresh and forgotten.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import msgspec  # noqa: E402
import simulator  # noqa: E402

from vemre.election.choice import Choice, Marks, Null, WriteIn  # noqa: E402
from vemre.group import load  # noqa: E402
from vemre.params import BLOCK_BYTES  # noqa: E402
from vemre.records import setup_bodies as s  # noqa: E402
from vemre.records.record import Record  # noqa: E402
from vemre.types import LogName  # noqa: E402

URNS, BLOCKS, MIXERS, TRUSTEES, THRESHOLD = 4, 2, 2, 3, 2


class BigElection(simulator.Simulator):
    """The simulator, without asking the rules at every step: a verifier will judge the whole."""

    def admit(self, log: LogName, record: Record, *, check: bool = False) -> None:
        """Append, whatever is asked."""
        del check
        super().admit(log, record, check=False)


def make(
    ballots: int,
    urns: int = URNS,
    blocks: int = BLOCKS,
    trustees: int = TRUSTEES,
    threshold: int = THRESHOLD,
    decrypting: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> BigElection:
    """A certified election in which `ballots` voters of `urns` urns vote; so many trustees decrypt as `decrypting`
    says, or else as many as are needed."""
    simulator.GROUP = load()
    contest = msgspec.structs.replace(
        simulator.offer().contests[0], write_in_bytes=blocks * BLOCK_BYTES - 1, blocks=blocks
    )
    draw = random.Random(ballots)
    names = [f"urna-{number:02}" for number in range(1, urns + 1)]
    votes: list[tuple[str, tuple[Choice, ...] | None]] = [
        (names[number % urns], (_choice(draw),)) for number in range(ballots)
    ]
    the_offer = s.Offer([s.Urn(name, f"Entidad {name[-2:]}", [contest.id]) for name in names], [contest])
    election = BigElection(votes=votes, the_offer=the_offer, mixers=MIXERS, trustees=trustees, threshold=threshold)
    election.time = simulator.OPENS
    acts: dict[str, Callable[[], object]] = {
        "generate key": election.generate_key,
        "publish roll": election.publish_roll,
        "set up": election.set_up,
        "open": election.open_box,
        "cast": election.cast_all,
        "close": election.close_box,
        "mix": election.mix_all,
        "decrypt": lambda: election.decrypt_all(decrypting),
        "count": election.count,
        "certify": election.certify,
    }
    for name, act in acts.items():
        with _timed(name, say):
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
    parser.add_argument("--urns", type=int, default=URNS)
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="ciphertexts of a ballot")
    parser.add_argument("--trustees", type=int, default=TRUSTEES)
    parser.add_argument("--threshold", type=int, default=THRESHOLD)
    parser.add_argument("--decrypting", type=int, help="trustees that decrypt (default: as many as are needed)")
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    election = make(
        options.ballots,
        options.urns,
        options.blocks,
        options.trustees,
        options.threshold,
        options.decrypting,
        lambda line: print(line, flush=True),
    )
    election.write(options.out / "record")
    (options.out / "policy.json").write_bytes(msgspec.json.encode(election.view.anchors.policy))
    files = [path for path in (options.out / "record").rglob("*") if path.is_file()]
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()

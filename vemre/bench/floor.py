"""What verifying a whole record takes, over the least it could take: the *floor*.

The floor is the decoding of every point that the record gives the verifier (of a ballot a, b and T per block; of a
mixer a', b' per block and C, D, E; of each trustee S per block: any three of the five could open the record, and all of
them decrypt), one multi-scalar multiplication over as many, and the check of every ballot's signature: bare
calls of the back end, on data that stands ready.

The verification is the installed command as a process of its own, from its start to its end. Both are measured in
turns, and of each the least disturbed round counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vemre
from vemre.crypto import ed25519
from vemre.crypto.signing import SigningKey
from vemre.errors import Refused
from vemre.group import Group, load
from vemre.proofs import shuffle
from vemre.proofs.prove import shuffle as prove

MIXERS, TRUSTEES, THRESHOLD = 2, 5, 3
ENTRY_BYTES = 1_000
"""About the length of a ballot's entry."""


def make_record(folder: Path, ballots: int, blocks: int) -> None:
    """One contest, one urn, two mixers, three of five trustees, all of whom decrypt; `folder` gets ``record`` and
    ``policy.json``.

    Raises Refused outside a checkout, which alone has the programs that make records.
    """
    program = Path(vemre.__file__).parent.parent / "benchmarks" / "big_record.py"
    if not program.exists():
        raise Refused("bench-no-checkout")
    numbers = {"ballots": ballots, "blocks": blocks, "urns": 1, "trustees": TRUSTEES, "threshold": THRESHOLD}
    numbers["decrypting"] = TRUSTEES
    words = [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
    subprocess.run([sys.executable, str(program), *words, "--out", str(folder)], check=True, stdout=sys.stderr)


def measure(folder: Path, ballots: int, blocks: int, rounds: int) -> dict[str, Any]:
    """The object that ``--json`` prints; seconds are of the wall clock, ``_cpu_s`` of all processors."""
    group = load()
    points = ballots * (3 * blocks + MIXERS * (2 * blocks + 3) + TRUSTEES * blocks)
    bare = _bare(group, points, ballots)
    floor: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    for _ in range(rounds):
        floor.append(timed(bare, time.process_time))
        whole.append(timed(lambda: verify(folder), children))
    shuffled, proved, verified = _shuffling(group, min(ballots, 10_000), blocks, rounds)
    floor_s, verify_s = min(floor)[0], min(whole)[0]
    floor_cpu_s, verify_cpu_s = min(cpu for _, cpu in floor), min(cpu for _, cpu in whole)
    return {
        "ballots": ballots,
        "blocks": blocks,
        "points_decoded": points,
        "points_msm": points,
        "floor_s": floor_s,
        "verify_s": verify_s,
        "ratio": verify_s / floor_s,
        "floor_cpu_s": floor_cpu_s,
        "verify_cpu_s": verify_cpu_s,
        "cpu_ratio": verify_cpu_s / floor_cpu_s,
        "verify_s_per_ballot": verify_s / ballots,
        "shuffle_rows": min(ballots, 10_000),
        "shuffle_s": shuffled,
        "prove_s": proved,
        "shuffle_verify_s": verified,
        "prove_ratio": proved / verified,
        "cores": os.cpu_count(),
        "backend": group.name,
    }


def timed(work: Callable[[], object], clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of the wall clock, and of `clock`."""
    start, used = time.perf_counter(), clock()
    work()
    return time.perf_counter() - start, clock() - used


def children() -> float:
    """Processor seconds of the processes that were started and waited for."""
    times = os.times()
    return times.children_user + times.children_system


def _bare(group: Group, points: int, signatures: int) -> Callable[[], None]:
    """The floor, ready to run."""
    scalars = group.random_scalars(points, os.urandom)
    encoded = group.base_mul(scalars).encode()
    key = SigningKey.generate(os.urandom)
    messages = [number.to_bytes(8, "big") + bytes(ENTRY_BYTES - 8) for number in range(signatures)]
    publics, signed = [key.public] * signatures, [key.sign(message) for message in messages]

    def run() -> None:
        group.vartime_msm(scalars, group.decode(encoded))
        if ed25519.first_invalid(group, publics, messages, signed) is not None:
            raise AssertionError("a good signature was refused")

    return run


def verify(folder: Path) -> None:
    """Verify ``folder/record`` with the installed command."""
    words = [str(Path(sys.executable).with_name("vemre")), "audit", "verify", str(folder / "record")]
    # As installed, with its bytecode, whatever this shell says: the first round writes it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words += ["--policy", str(folder / "policy.json"), "--json"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)


def _shuffling(group: Group, rows: int, width: int, rounds: int) -> tuple[float, float, float]:
    """Seconds to re-encrypt and permute, to prove, and to verify, with the inputs at hand as points and everything
    else as bytes."""
    key = group.base_mul(group.random_scalars(1, os.urandom))
    inputs = group.decode(group.base_mul(group.random_scalars(2 * rows * width, os.urandom)).encode())
    group.generators(rows)
    times: list[tuple[float, float, float]] = []
    for _ in range(rounds):
        start = time.perf_counter()
        outputs, witness = prove.shuffle(group, os.urandom, key, inputs, width)
        encoded = outputs.encode()
        shuffled = time.perf_counter()
        statement = shuffle.Statement(bytes(32), "urn", "contest", 1, width, key, inputs, outputs)
        proof = prove.prove(group, os.urandom, statement, witness)
        proved = time.perf_counter()
        statement = shuffle.Statement(bytes(32), "urn", "contest", 1, width, key, inputs, group.decode(encoded))
        shuffle.verify(group, os.urandom, statement, proof)
        times.append((shuffled - start, proved - shuffled, time.perf_counter() - proved))
    shuffles, proofs, checks = zip(*times, strict=True)
    return min(shuffles), min(proofs), min(checks)

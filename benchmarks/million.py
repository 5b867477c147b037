"""Time and memory of one very large batch: mixing it, verifying the shuffle, and opening it.

python benchmarks/million.py --rows 1000000 [--width 1] [--json] [--write]

Each stage is a process of its own, as it is in an election, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine

from vemre.election.blocks import encode_blocks
from vemre.election.dkg import KeyShare
from vemre.election.mixing import mix
from vemre.election.opening import open_batch
from vemre.election.rules.decryption_pieces import plaintext_pieces, plaintexts_of_piece
from vemre.group import Group, load
from vemre.params import BLOCK_BYTES
from vemre.proofs import decryption, shuffle

TARGET = Path(__file__).resolve().parent.parent / "docs" / "performance-million.md"
CONTEXT, URN, CONTEST = bytes(32), "urna-01", "presidencia"
CHUNK = 1 << 16
SECRETS = {1: 1_001, 2: 1_002, 3: 1_003}
"""f(k) for f(x) = 1000 + x: any two of them open, the joint key being 1000 G."""
STAGES = ("inputs", "mix", "verify-shuffle", "decrypt-1", "decrypt-2", "verify-decryption", "open")
LIMIT = 4 << 30


def inputs(group: Group, folder: Path, rows: int, width: int) -> None:
    """Ciphertexts of a few different plaintexts, written by chunks."""
    key = group.base_mul(group.scalars([1_000]))
    plain = encode_blocks(group, b"".join(bytes([1, 1 << bit]).ljust(BLOCK_BYTES, b"\0") for bit in range(4)))
    with open(folder / "input", "wb") as file:
        for start in range(0, rows * width, CHUNK):
            count = min(CHUNK, rows * width - start)
            r = group.random_scalars(count, os.urandom)
            a, blinds = group.base_mul(r), group.fixed_mul(key, r)
            b = plain.take([index % 4 for index in range(start, start + count)]) + blinds
            file.write(a.interleave(b).encode())


def stage(name: str, folder: Path, rows: int, width: int) -> None:
    """One stage, from files to files."""
    group = load()
    key = group.base_mul(group.scalars([1_000]))
    if name == "inputs":
        inputs(group, folder, rows, width)
    elif name == "mix":
        source = (folder / "input").read_bytes()
        mixed = mix(
            group, os.urandom, context=CONTEXT, urn=URN, contest=CONTEST, mixer=1, width=width, joint_key=key,
            source=source,
        )  # fmt: skip
        (folder / "output").write_bytes(mixed.output)
        (folder / "proof").write_bytes(mixed.proof or b"")
    elif name == "verify-shuffle":
        before, after = (group.decode((folder / file).read_bytes()) for file in ("input", "output"))
        statement = shuffle.Statement(CONTEXT, URN, CONTEST, 1, width, key, before, after)
        shuffle.verify(group, os.urandom, statement, (folder / "proof").read_bytes())
    elif name.startswith("decrypt-"):
        trustee = int(name[-1])
        share = KeyShare(1, trustee, SECRETS[trustee])
        public = group.base_mul(group.scalars([SECRETS[trustee]]))
        data = (folder / "output").read_bytes()
        blob, proof = open_batch(
            group, os.urandom, share, context=CONTEXT, urn=URN, contest=CONTEST, verification_key=public,
            ciphertexts=data,
        )  # fmt: skip
        assert proof is not None
        (folder / f"shares-{trustee}").write_bytes(blob)
        (folder / f"proof-{trustee}").write_text(json.dumps([proof.t1, proof.t2, proof.response]))
    elif name == "verify-decryption":
        public = group.base_mul(group.scalars([SECRETS[1]]))
        bases = group.decode((folder / "output").read_bytes()).strided(0, 1, 2)
        shares = group.decode((folder / "shares-1").read_bytes())
        statement_ = decryption.Statement(CONTEXT, URN, CONTEST, 1, public, bases, shares)
        parts = [bytes.fromhex(text) for text in json.loads((folder / "proof-1").read_text())]
        decryption.verify(group, os.urandom, statement_, decryption.Proof(*parts))
    elif name == "open":
        shares_ = [(k, (folder / f"shares-{k}").read_bytes()) for k in (1, 2)]
        pieces = plaintext_pieces(group.name, (folder / "output").read_bytes(), shares_)
        blocks = [block for piece in pieces for block in plaintexts_of_piece(piece)]
        assert len(blocks) == rows * width
        assert None not in blocks


def measure(rows: int, width: int) -> dict[str, Any]:
    """Seconds and bytes of every stage."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in STAGES:
            words = [sys.executable, __file__, "--rows", str(rows), "--width", str(width), "--stage", name, folder]
            start = time.monotonic()
            process = subprocess.Popen(words)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, f"{name} ended with {process.returncode}"
            found[name] = {
                "seconds": round(time.monotonic() - start, 2),
                "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
                "peak_bytes": used.ru_maxrss * 1024,
            }
    return {
        "rows": rows,
        "width": width,
        "backend": load().name,
        "cores": os.cpu_count(),
        "stages": found,
        "peak_bytes": max(stage["peak_bytes"] for stage in found.values()),
        "within_4_gb": all(stage["peak_bytes"] <= LIMIT for stage in found.values()),
    }


def page(found: dict[str, Any]) -> str:
    """The page of the documentation."""
    lines = [
        "# One batch of a million",
        "",
        "Written by `python benchmarks/million.py --write`; do not edit. Each stage is a process of its own, which",
        "reads and writes files. Peak memory grows with the rows, whatever the machine; the limit is 4 GiB.",
        "",
        f"* {found['rows']:,} rows of {found['width']} ciphertext(s), {found['backend']} arithmetic",
        f"* Machine: {machine.description()}, Python {machine.python()}",
        "* Processor time says what the work takes; time depends on what else the machine did.",
        "",
        "| stage | processor time | time | peak memory |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in found["stages"].items():
        times = f"{row['processor_seconds']:.0f} s | {row['seconds']:.0f} s"
        lines.append(f"| {name} | {times} | {row['peak_bytes'] / 1e6:.0f} MB |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description="Mix, verify and open one very large batch.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="write docs/performance-million.md")
    parser.add_argument("--measured", type=Path, help="what --json printed before, in place of a run")
    parser.add_argument("--stage", nargs=2, metavar=("STAGE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage(options.stage[0], Path(options.stage[1]), options.rows, options.width)
        return
    measured = options.measured
    found = measure(options.rows, options.width) if measured is None else json.loads(measured.read_text())
    if options.write:
        TARGET.write_text(page(found), encoding="utf-8")
    if options.json:
        print(json.dumps(found))
        return
    for name, row in found["stages"].items():
        print(f"{name:20} {row['seconds']:8.1f} s {row['peak_bytes'] / 1e6:8.0f} MB")


if __name__ == "__main__":
    main()

"""Measures what has a target and writes docs/performance-targets.md: machine, versions, commands, figures.

python benchmarks/targets.py [--scale 1] [--cache FOLDER]          (`make bench` runs it, too)

Each figure comes from a command that anybody can run by itself; what is compared is measured in one run, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import machine

from vemre.group import load

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "performance-targets.md"
LIBRARIES = ("msgspec", "pynacl", "cryptography", "sqlalchemy", "fastapi", "uvicorn")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what has a target.")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the 122,497 ballots of 2024")
    parser.add_argument("--cache", type=Path, help="keeps records and encrypted ballots for the next time")
    parser.add_argument("--pef", type=Path, help="what `vemre bench pef-2024 --json` printed, in place of another run")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--floor-ballots", type=int, default=10_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        cache = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lines = [*head(), *floor(options.floor_ballots), *growth(options.sizes, cache)]
        measured = options.pef and json.loads(options.pef.read_text())
        lines += pef(measured or bench("pef-2024", "--scale", options.scale, "--cache", cache), options.scale)
    TARGET.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)} written")
    return 0


def bench(*words: object) -> dict[str, Any]:
    """The object that a measurement prints."""
    command = [sys.executable, "-m", "vemre.cli", "--lang", "en", "bench", *map(str, words), "--json"]
    print("vemre bench", *words, flush=True)
    found: dict[str, Any] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return found


def head() -> list[str]:
    """What stands before the figures."""
    load_ = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return [
        "# Performance: what has a target",
        "",
        "Written by `python benchmarks/targets.py` (a part of `make bench`); do not edit. Times depend on the machine",
        "and on what else it does: compare what stands in one table, and where the load was high, processor seconds.",
        "",
        f"* Machine: {machine.description()}, {platform.release()}; load at the start {load_}",
        f"* Arithmetic: {load().name}",
        *(f"* {line}" for line in versions()),
    ]


def versions() -> list[str]:
    """Python, the compiler of the arithmetic, and the main libraries."""
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    found = [f"Python {platform.python_version()}; {libraries}"]
    for program in ("rustc", "cargo"):
        try:
            done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
            found.append(done.stdout.strip())
        except (OSError, subprocess.CalledProcessError):
            found.append(f"{program}: not at hand")
    return found


def floor(ballots: int) -> list[str]:
    """Whole verification over the bare arithmetic, and proving over verifying."""
    lines = [
        "",
        "## Verification over the floor",
        "",
        "`vemre audit verify`, from its start to its end, over the bare decoding of the same points, one multi-scalar",
        "multiplication over them and the same signature checks. One contest, two mixers, three of five trustees",
        "(all five decrypt).",
        "Targets: at most 1.5, and proving a shuffle at most 2.5 times verifying it. "
        f"`vemre bench floor --ballots {ballots}`",
        "",
        "| ciphertexts a ballot | points | floor s (CPU) | verification s (CPU) | ratio (CPU) | proving / verifying |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for blocks in (1, 2):
        it = bench("floor", "--ballots", ballots, "--blocks", blocks)
        lines.append(
            f"| {blocks} | {it['points_decoded']:,} | {it['floor_s']:.2f} ({it['floor_cpu_s']:.2f}) "
            f"| {it['verify_s']:.2f} ({it['verify_cpu_s']:.2f}) | {it['ratio']:.2f} ({it['cpu_ratio']:.2f}) "
            f"| {it['prove_ratio']:.2f} |"
        )
    return lines


def growth(sizes: list[int], cache: Path) -> list[str]:
    """What a ballot costs at sizes that differ by tens."""
    words = [word for size in sizes for word in ("--ballots", str(size))]
    it = bench("growth", *words, "--cache", cache / "growth")
    lines = [
        "",
        "## Cost of a ballot as the election grows",
        "",
        f"`vemre audit verify` from outside, one contest of one ciphertext. Its start, {it['start_s']:.2f} s "
        f"({it['start_cpu_s']:.2f} s CPU), is taken off",
        "the costs of a ballot. Target: they differ by less than 20 %. `vemre bench growth`",
        "",
        "| ballots | s | CPU s | ms a ballot | CPU ms a ballot |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['ballots']:,} | {row['verify_s']:.2f} | {row['verify_cpu_s']:.2f} | {row['ballot_s'] * 1e3:.3f} "
        f"| {row['ballot_cpu_s'] * 1e3:.3f} |"
        for row in it["sizes"]
    ]
    return [
        *lines,
        "",
        f"They differ by {it['spread']:.1%}, in processor seconds by {it['cpu_spread']:.1%}; with the start, the "
        f"smallest record costs {it['spread_whole']:.1%} more a ballot than the cheapest.",
    ]


def pef(it: dict[str, Any], scale: float) -> list[str]:
    """The election of 2024."""
    lines = [
        "",
        "## The election of 2024: from the close to a verified result",
        "",
        f"{it['ballots']:,} generated ballots of {it['entities']} entities, {it['rows']:,} rows in {it['batches']} "
        f"batches, {it['mixers']} mixers, {it['trustees']} custodians.",
        "All work on this one machine, one after the other. Each mixer and custodian begins anew, reads and",
        "authenticates everything, and verifies itself what came after its last look, shortly before the close.",
        f"Target for the whole: under five minutes on two cores, under 4 GB. `vemre bench pef-2024 --scale {scale:g}`",
        "",
        "| stage | s | CPU s | of which s |",
        "| --- | ---: | ---: | --- |",
    ]
    for stage in it["stages"]:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in stage.get("parts", {}).items())
        figures = f"{stage['seconds']:.1f} | {stage['cpu_seconds']:.1f}"
        lines.append(f"| {stage['stage']} | {figures} | {parts} |")
    return [
        *lines,
        f"| whole | {it['total_seconds']:.1f} | {it['cpu_seconds']:.1f} | result {it['result_seconds']:.1f} |",
        "",
        f"Most memory of one process: {max(it['peak_bytes_of'].values()) / 1e9:.2f} GB; of all that ran at one time,",
        f"from their start before the close: {it['peak_bytes'] / 1e9:.2f} GB.",
        "",
        "The auditors' second witness works on a machine of its own at the same time as the first and is not counted;",
        "encrypting the ballots is not counted.",
    ]


if __name__ == "__main__":
    sys.exit(main())

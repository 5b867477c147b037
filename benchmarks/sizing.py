"""What an election of 1.5 million voters takes, from runs at 1 % and 10 % of it: writes docs/performance-sizing.md.

python benchmarks/sizing.py [--voters 1519900] [--percent 1 10] [--cache FOLDER]

The runs are those of `vemre bench pef-2024 --scale`; of the voters as many vote as in 2024. `--measured FILE FILE`
takes what earlier runs left in `--results FOLDER` instead. Each figure is drawn on along the straight line through its
two points.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import machine

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "performance-sizing.md"
BALLOTS_OF_2024 = 122_497
ROLL_OF_2024 = 151_990
VOTERS = 10 * ROLL_OF_2024
"""About 1.5 million: a tenth of it is the election of 2024."""
PARTS = ("registry", "ballot", "tally", "blob")
NAMES = {"registry": "registry log", "ballot": "ballot log", "tally": "tally log", "blob": "blobs"}


def run(ballots: int, cache: Path | None) -> dict[str, Any]:
    """One run, with the sizes of the record's parts beside what the command prints."""
    with tempfile.TemporaryDirectory() as scratch:
        keep = Path(scratch) / "kept"
        words = [sys.executable, "-m", "vemre.cli", "bench", "pef-2024", "--json", "--keep", str(keep)]
        words += ["--scale", repr(ballots / BALLOTS_OF_2024)]
        if cache is not None:
            words += ["--cache", str(cache)]
        found: dict[str, Any] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
        return found | {"disk": disk(keep / "record")}


def ballots_of(voters: int) -> int:
    """How many of these voters vote."""
    return round(voters * BALLOTS_OF_2024 / ROLL_OF_2024)


def disk(record: Path) -> dict[str, int]:
    """Bytes of each part of a record."""
    return {part: sum(path.stat().st_size for path in (record / part).rglob("*") if path.is_file()) for part in PARTS}


class Line:
    """A figure at two sizes, and on from there."""

    def __init__(self, sizes: Sequence[int], values: Sequence[float]) -> None:
        self.sizes, self.values = sizes, values

    def at(self, size: int) -> float:
        """By the straight line through both; what does not grow stays."""
        (small, large), (less, more) = self.sizes, self.values
        return max(more + (more - less) / (large - small) * (size - large), more if less >= more else 0)

    def growth(self) -> str:
        """In words, from the exponent between the two points."""
        (small, large), (less, more) = self.sizes, self.values
        if less <= 0 or more <= 0:
            return "none"
        exponent = math.log(more / less) / math.log(large / small)
        words = "hardly" if exponent < 0.15 else "less than linear" if exponent < 0.9 else "linear"
        return f"{words} ({exponent:.2f})" if exponent <= 1.1 else f"**more than linear** ({exponent:.2f})"


def page(runs: Sequence[dict[str, Any]], voters: int) -> str:
    """The page of the documentation."""
    sizes, whole = [found["ballots"] for found in runs], ballots_of(voters)
    heads = [f"{size:,} ({size / whole:.0%})" for size in sizes] + [f"**{whole:,}**", "growth"]
    lines = [
        "# Sizing for 1.5 million voters",
        "",
        "Written by `python benchmarks/sizing.py`; do not edit. An election in the shape of 2024 (`vemre bench",
        f"pef-2024`: 32 entities, two mixers, three of five trustees) with {voters:,} voters, of whom as many",
        f"vote as in 2024 ({BALLOTS_OF_2024 / ROLL_OF_2024:.1%}). Columns are numbers of ballots: two sizes that were",
        "run, and in bold the straight line through both. *Growth* is the exponent between the two: 1 is linear, 0 a",
        "fixed cost.",
        "",
        f"* Machine: {machine.description()}, {runs[0]['backend']} arithmetic, Python {machine.python()}",
        f"* All parties one after the other on this one machine; {runs[0]['rows']:,} and {runs[1]['rows']:,} rows.",
        "* Processor time is what to size by: it says what the work takes, whatever else the machine did. With n free",
        "  cores a stage takes about its processor time over n, but for what one core does alone.",
    ]
    stages = [{stage["stage"]: stage for stage in found["stages"]} for found in runs]
    # The second mixer and the other trustees take what the first take.
    for title, key in (("Processor time of each stage", "cpu_seconds"), ("Time of each stage", "seconds")):
        rows = {name: [by_name[name][key] for by_name in stages] for name in stages[0] if name in stages[1]}
        rows["all stages"] = [sum(stage[key] for stage in by_name.values()) for by_name in stages]
        lines += _table(title, "stage", heads, rows, sizes, whole, _seconds)
    peaks = [found["peak_bytes_of"] for found in runs]
    memory = {name: [of[name] for of in peaks] for name in peaks[0] if name in peaks[1]}
    lines += _table("Peak memory of each process", "process", heads, memory, sizes, whole, _bytes)
    on_disk = {NAMES[part]: [found["disk"][part] for found in runs] for part in PARTS}
    on_disk["whole record"] = [sum(found["disk"].values()) for found in runs]
    lines += _table("Disk: the election record", "part", heads, on_disk, sizes, whole, _bytes)
    lines += [
        "",
        "Every service keeps its own log in its database beside the record, at about the same size, and so does each",
        "witness. What one batch takes is measured apart: [a batch of a million](performance-million.md). More cores",
        "and machines: [operator guide](operator-guide.md#heavy-work-on-more-cores-or-machines).",
        "",
    ]
    return "\n".join(lines)


def _table(
    title: str,
    first: str,
    heads: Sequence[str],
    rows: dict[str, list[float]],
    sizes: Sequence[int],
    whole: int,
    show: Callable[[float], str],
) -> list[str]:
    lines = ["", f"## {title}", "", f"| {first} | {' | '.join(heads)} |", f"| --- |{' ---: |' * 3} --- |"]
    for name, values in rows.items():
        line = Line(sizes, values)
        cells = [*map(show, values), f"**{show(line.at(whole))}**", line.growth()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 600 else f"{value / 60:.0f} min"


def _bytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB" if value < 1e10 else f"{value / 1e9:.1f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sizing table.")
    parser.add_argument("--voters", type=int, default=VOTERS)
    parser.add_argument("--percent", type=float, nargs=2, default=(1, 10))
    parser.add_argument("--cache", type=Path, help="keeps the encrypted ballots for the next run")
    parser.add_argument("--results", type=Path, help="keeps what was measured, one file for each run")
    parser.add_argument("--measured", type=Path, nargs=2, help="what earlier runs left there, the smaller first")
    options = parser.parse_args()
    if options.measured:
        runs = [json.loads(path.read_text()) for path in options.measured]
    else:
        runs = []
        for percent in sorted(options.percent):
            runs.append(run(ballots_of(round(options.voters * percent / 100)), options.cache))
            if options.results is not None:
                options.results.mkdir(parents=True, exist_ok=True)
                (options.results / f"sizing-{runs[-1]['ballots']}.json").write_text(json.dumps(runs[-1]))
    TARGET.write_text(page(runs, options.voters), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()

"""Runs all benchmarks, writes docs/performance.md and docs/performance-targets.md: machine, versions, commands, times.

make bench                      (or: python benchmarks/run.py [words of pytest ...])
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine

from vemre.group import backends

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "performance.md"
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def main(words: list[str]) -> int:
    files = sorted(str(path) for path in (ROOT / "benchmarks").glob("bench_*.py"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--timeout=1800", *files]
        code = subprocess.call([*command, "--benchmark-json", str(out), *words], cwd=ROOT)
        if code == 0:
            TARGET.write_text(page(json.loads(out.read_text())), encoding="utf-8")
            print(f"{TARGET.relative_to(ROOT)} written")
    return code or subprocess.call([sys.executable, str(ROOT / "benchmarks" / "targets.py")], cwd=ROOT)


def page(data: dict[str, Any]) -> str:
    """The page, from pytest-benchmark's own JSON."""
    lines = [
        "# Performance",
        "",
        "Written by `make bench`; do not edit. Absolute times depend on the machine and what else it does: compare",
        "rows of one run with one another.",
        "",
        f"* Machine: {machine.description()}",
        f"* Python {machine.python()}, arithmetic: {', '.join(backends())}, named in each row",
        "* Command: `make bench`",
        "",
        "[What has a target](performance-targets.md) is measured by the same command,",
        "[the ballot box](performance-intake.md), [peers](performance-peers.md),",
        "[an election of 1.5 million voters](performance-sizing.md), [a batch of a million](performance-million.md)",
        "and [large records](performance-large-records.md) by others of their own.",
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for bench in data["benchmarks"]:
        groups.setdefault(Path(bench["fullname"].split("::")[0]).stem.removeprefix("bench_"), []).append(bench)
    for name, benches in groups.items():
        lines += [
            "",
            f"## {name}",
            "",
            "| operation | median | min | max | rounds |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for bench in benches:
            stats = bench["stats"]
            times = " | ".join(show(stats[key]) for key in ("median", "min", "max"))
            lines.append(f"| {bench['name'].removeprefix('test_').replace('_', ' ')} | {times} | {stats['rounds']} |")
    return "\n".join([*lines, ""])


def show(seconds: float) -> str:
    """A time in a unit that suits it, with three digits."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

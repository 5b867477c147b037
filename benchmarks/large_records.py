"""Measures both verifiers on a large record, and writes docs/performance-large-records.md.

python benchmarks/large_records.py [--ballots 10000] [--folder FOLDER]

The record is made first (`big_record.py`, some minutes) unless FOLDER holds one already. The second verifier runs as a
command and in Chromium, where it is also measured how long the page ever failed to answer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

import machine  # noqa: E402
from browser import chromium  # noqa: E402
from static_files import serving  # noqa: E402

from vemre.log.checkpoint import SignedCheckpoint  # noqa: E402

TARGET = ROOT / "docs" / "performance-large-records.md"
VERIFIER = ROOT / "audit" / "verifier-ts"
MILLISECONDS = 3_600_000
EVERY = 20
"""Milliseconds after which the page is asked again whether it answers."""


class Measured(NamedTuple):
    """What one run took: seconds, processor seconds, most memory in bytes, longest silence of the page in ms."""

    wall: float
    processor: float | None
    memory: int | None
    silence: float | None


def command(*words: str | Path) -> Measured:
    """A verifier's command, which must find the record valid."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, f"{words} ended with {code}"
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, None)


def page(record: Path, policy: Path) -> Measured:
    """The page in Chromium, which fetches the record from a web server."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        shutil.copy(VERIFIER / "dist" / "web" / "index.html", folder)
        (Path(folder) / "record").symlink_to(record.resolve())
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with serving(Path(folder)) as url:
            shown = browser.new_page()
            shown.goto(f"{url}/index.html")
            shown.fill("#url", "record")
            shown.set_input_files("#policy", str(policy))
            shown.evaluate(
                """every => {
                  let last = performance.now();
                  window.silence = 0;
                  setInterval(() => {
                    const now = performance.now();
                    window.silence = Math.max(window.silence, now - last - every);
                    last = now;
                  }, every);
                }""",
                EVERY,
            )
            start = time.monotonic()
            shown.click("#start")
            shown.wait_for_selector("#verdict:not(:empty)", timeout=MILLISECONDS)
            wall = time.monotonic() - start
            assert shown.get_attribute("#verdict", "class") == "valid"
            silence = float(shown.evaluate("window.silence"))
        browser.close()
    return Measured(wall, None, None, silence)


def describe(record: Path) -> str:
    """How large the record is."""
    ballots = SignedCheckpoint.parse((record / "ballot" / "checkpoint").read_bytes()).checkpoint.size - 2
    sizes = [path.stat().st_size for path in record.rglob("*") if path.is_file()]
    return f"{ballots:,} ballots of two ciphertexts, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"


def table(about: str, rows: dict[str, Measured]) -> str:
    """The page of the documentation."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    lines = [
        "# Performance on large records",
        "",
        "Written by `python benchmarks/large_records.py`; do not edit. Absolute times depend on the machine and what",
        "else it does. *Silence* is the longest time for which the page did not answer while its workers verified.",
        "",
        f"* Record: {about}",
        f"* Machine: {machine.description()}",
        f"* Python {machine.python()} (reference arithmetic, one process), Node {node}, Chromium",
        "",
        "| verifier | time | processor time | most memory | silence |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        cells = [
            f"{row.wall:.0f} s",
            "" if row.processor is None else f"{row.processor:.0f} s",
            "" if row.memory is None else f"{row.memory / 1e6:.0f} MB",
            "" if row.silence is None else f"{row.silence:.0f} ms",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure verifiers on a large record.")
    parser.add_argument("--ballots", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where the record is, or is to be")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "record"
        if not folder.exists():
            make = [sys.executable, str(ROOT / "benchmarks" / "big_record.py"), "--out", str(folder)]
            subprocess.run([*make, "--ballots", str(options.ballots)], check=True)
        record, policy = folder / "record", folder / "policy.json"
        python = [sys.executable, "-m", "vemre.cli", "audit", "verify"]
        rows = {
            "Python, command": command(*python, record, "--policy", policy),
            "TypeScript, command": command("node", VERIFIER / "bin" / "verify.mjs", record, "--policy", policy),
            "TypeScript, page in Chromium": page(record, policy),
        }
        TARGET.write_text(table(describe(record), rows), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()

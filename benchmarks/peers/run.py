"""Runs the same work with VeMRE and with its peers, one after another on this machine, and prints what each ballot
costs of the processor and how many times ours that is.

    python benchmarks/peers/run.py [--ballots 200] [--json] [--page docs/performance-peers.md]

What is missing is said, and left out: belenios-tool (Debian), Go for kyber, a JDK and Maven for UniCrypt.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import belenios  # noqa: E402
import machine  # noqa: E402
import ours  # noqa: E402

STEPS: Final = {
    "encrypt": "encrypt a ballot, with its proof where there is one",
    "verify_ballots": "verify the ballots' proofs",
    "shuffle": "shuffle and prove",
    "verify_shuffle": "verify a shuffle",
    "decrypt": "one trustee's shares, with proof",
    "verify_decrypt": "verify one trustee's shares",
    "verify": "verify a whole election: 2 shuffles, 2 of 3 trustees",
}
TRUSTEES, THRESHOLD, SHUFFLES = 3, 2, 2


def of_belenios(ballots: int) -> Iterator[dict[str, Any] | str]:
    """Belenios in each version that is here, or why not."""
    for tool in belenios.TOOLS:
        if belenios.version(tool) is None:
            yield f"{tool} (apt-get install belenios-tool)"
            continue
        found = belenios.run(tool, ballots, TRUSTEES, THRESHOLD, SHUFFLES)
        seconds = found["seconds"]
        seconds["shuffle"] /= SHUFFLES
        seconds["decrypt"] /= THRESHOLD
        yield found


def of_kyber(ballots: int) -> Iterator[dict[str, Any] | str]:
    """DEDIS's kyber, or why not."""
    if shutil.which("go") is None:
        yield "go (from go.dev/dl)"
        return
    program = HERE / "kyber"
    subprocess.run(["go", "build", "-o", "target/", "."], cwd=program, check=True)
    yield _said([str(program / "target" / "kyber"), "-ballots", str(ballots)])


def of_unicrypt(ballots: int) -> Iterator[dict[str, Any] | str]:
    """BFH's UniCrypt, or why not."""
    if shutil.which("mvn") is None or shutil.which("java") is None:
        yield "mvn and java (apt-get install maven)"
        return
    program = HERE / "unicrypt"
    subprocess.run(["mvn", "-q", "-B", "package"], cwd=program, check=True)
    classes = f"{program / 'target' / 'unicrypt-peer-1.jar'}:{program / 'target' / 'dependency'}/*"
    yield _said(["java", "-cp", classes, "Peer", str(ballots)])


PEERS: Final[tuple[Callable[[int], Iterator[dict[str, Any] | str]], ...]] = (of_belenios, of_kyber, of_unicrypt)


def _said(command: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def compare(ballots: int) -> tuple[list[dict[str, Any]], list[str]]:
    """What each gave, ours first, and what could not be run."""
    found, missing = [ours.run(ballots)], []
    for run in PEERS:
        for answer in run(ballots):
            if isinstance(answer, str):
                missing.append(answer)
            else:
                found.append(answer)
    mine = found[0]["seconds"]
    for one in found:
        one["milliseconds_per_ballot"] = {name: 1000 * s / ballots for name, s in one["seconds"].items()}
        one["times_ours"] = {name: s / mine[name] for name, s in one["seconds"].items() if name in mine}
    return found, missing


def table(found: Sequence[dict[str, Any]]) -> str:
    """As Markdown: processor milliseconds a ballot, and in brackets how many times ours."""
    lines = ["| | " + " | ".join(f"{one['peer']} {one['version']}, {one['group']}" for one in found) + " |"]
    lines.append("| --- |" + " ---: |" * len(found))
    for name, words in STEPS.items():
        cells = []
        for one in found:
            milliseconds = one["milliseconds_per_ballot"].get(name)
            times = one["times_ours"].get(name)
            cells.append("" if milliseconds is None else f"{milliseconds:.3g} ms ({times:.3g})")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(ballots: int, found: Sequence[dict[str, Any]], missing: Sequence[str]) -> str:
    """The page of the documentation: machine, versions, command, table."""
    names = ", ".join(f"{one['peer']} {one['version']} on {one['group']}" for one in found)
    lines = [
        "# Peers",
        "",
        "Written by the command below; do not edit. Processor milliseconds a ballot, of all cores, and in brackets how",
        "many times ours that is, all measured in one run on one machine. What is compared, and how the peers are",
        "installed, is said in `benchmarks/peers/README.md`.",
        "",
        f"* Machine: {machine.description()}",
        f"* Measured: {names}",
        f"* Command: `python benchmarks/peers/run.py --ballots {ballots} --page docs/performance-peers.md`",
        *(f"* Not run: {name}" for name in missing),
        "",
        table(found),
        "",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ballots", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--page", type=Path)
    given = parser.parse_args(words)
    found, missing = compare(given.ballots)
    if given.page is not None:
        given.page.write_text(page(given.ballots, found, missing), encoding="utf-8")
    if given.json:
        print(json.dumps({"peers": found, "not_run": missing}))
        return 0
    print(table(found))
    for name in missing:
        print(f"NOT RUN: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

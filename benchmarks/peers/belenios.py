"""Drives belenios-tool through a mixnet election and measures each step.

One question with three answers to be ranked ("NonHomomorphic"), so that ballots are shuffled and not added up; any
number of trustees with a threshold, any number of shuffles. Belenios has one ciphertext per ballot here, as a ballot of
ours with one block.

    python benchmarks/peers/belenios.py --ballots 100
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from measure import Cost, measured

TOOLS: Final = tuple(dict.fromkeys(("belenios-tool", os.environ.get("BELENIOS_TOOL", "belenios-tool"))))
"""The one that is installed, and another that is named: the versions differ a lot."""
GROUPS: Final = ("Ed25519", "RFC-3526-2048")
"""The first that the tool knows is taken: Ed25519 came after version 2.0."""
SINCE: Final = 3
"""Since this version a trustee's certificate says its place and the threshold, credentials come as one object, and an
option has another name."""
TEMPLATE: Final = {
    "description": "benchmark",
    "name": "benchmark",
    "administrator": "benchmark",
    "credential_authority": "benchmark",
    "questions": [{"type": "NonHomomorphic", "value": {"answers": ["A", "B", "C"], "question": "?"}}],
}
CHOICE: Final = [[1, 0, 2]]


def version(tool: str) -> str | None:
    """The version of a tool, or None where it is not there."""
    try:
        done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


class Election:
    """One election in a folder, with one version of the tool."""

    def __init__(self, program: str, folder: Path, ballots: int, trustees: int, threshold: int, shuffles: int) -> None:
        self.program = program
        self.folder = folder
        self.ballots = ballots
        self.trustees = trustees
        self.threshold = threshold
        self.shuffles = shuffles
        self.group = ""
        self.names: list[str] = []
        """The trustees' keys, in their order."""
        self.newer = int((version(program) or "0").split(".")[0]) >= SINCE
        self.costs: dict[str, Cost] = {}

    def run(self) -> None:
        """From keys to the verified result."""
        self.set_up()
        self.vote()
        self.step("tally", "EncryptedTally", "compute-encrypted-tally")
        for number in range(1, self.shuffles + 1):
            self.step("shuffle", "Shuffle", "shuffle", "--trustee-id", str(number))
        self.event("EndShuffles")
        for number, name in enumerate(self.names[: self.threshold], 1):
            keys = ("--key", f"{name}.key", "--decryption-key", f"{name}.dkey")
            self.step("decrypt", "PartialDecryption", "decrypt-threshold", *keys, "--trustee-id", str(number))
        self.step("combine", "Result", "compute-result")
        with measured(self.costs, "verify"):
            self.tool("election", "verify", "--dir", ".")

    def set_up(self) -> None:
        """Keys of the trustees, credentials, the election, its archive."""
        uuid = self.tool("setup", "generate-token", "--length", "14").decode().strip()
        self.group = next(group for group in GROUPS if self.knows(group))
        group = ("--group", self.group)
        key = ("setup", "generate-trustee-key-threshold", *group)
        newer = self.newer
        for number in range(1, self.trustees + 1):
            context = ("--threshold-context", f"{number}/{self.threshold}/{self.trustees}") if newer else ()
            before = set(self.folder.glob("*.cert"))
            self.tool(*key, "--step", "1", *context)
            self.names += [path.stem for path in set(self.folder.glob("*.cert")) - before]
        key = (*key, "--certs", self.gather("cert", "certs.jsons"))
        for name in self.names:
            own = ("--key", f"{name}.key", *(() if newer else ("--threshold", str(self.threshold))))
            (self.folder / f"{name}.polynomial").write_bytes(self.tool(*key, "--step", "3", *own))
        polynomials = ("--polynomials", self.gather("polynomial", "polynomials.jsons"))
        self.tool(*key, "--step", "4", *polynomials)
        outputs = b"".join(
            self.tool(*key, "--step", "5", "--key", f"{name}.key", given=(self.folder / f"{name}.vinput").read_bytes())
            for name in self.names
        )
        (self.folder / "threshold.json").write_bytes(self.tool(*key, "--step", "6", *polynomials, given=outputs))
        (self.folder / "public_keys.jsons").touch()
        self.tool("setup", "make-trustees", "--dir", ".")
        self.tool("setup", "generate-credentials", "--count", str(self.ballots), *group, "--uuid", uuid, "--dir", ".")
        next(self.folder.glob("*.pubcreds")).rename(self.folder / "public_creds.json")
        (self.folder / "template.json").write_text(json.dumps(TEMPLATE))
        self.tool("setup", "make-election", "--dir", ".", *group, "--template", "template.json", "--uuid", uuid)
        self.tool("archive", "init", "--dir", ".")

    def knows(self, group: str) -> bool:
        """Whether the tool has a group."""
        words = [self.program, "setup", "generate-trustee-key", "--group", group]
        with tempfile.TemporaryDirectory() as aside:
            return subprocess.run(words, cwd=aside, capture_output=True, check=False).returncode == 0

    def vote(self) -> None:
        """Every credential casts one ballot."""
        credentials = next(self.folder.glob("*.privcreds")).read_text()
        private = (
            list(json.loads(credentials).values())
            if self.newer
            else [line.split()[-1] for line in credentials.splitlines()]
        )
        (self.folder / "choice.json").write_text(json.dumps(CHOICE))

        def ballot(number: int) -> bytes:
            path = self.folder / f"credential-{number}"
            path.write_text(private[number])
            words = ("--privcred", path.name, "--choice" if self.newer else "--ballot", "choice.json")
            return self.tool("election", "generate-ballot", "--dir", ".", *words).strip()

        with measured(self.costs, "encrypt"), ThreadPoolExecutor(2) as pool:
            ballots = list(pool.map(ballot, range(self.ballots)))
        for made in ballots:
            self.event("Ballot", made)
        self.event("EndBallots")

    def step(self, name: str, event: str, *words: str) -> None:
        """Run a step of the count, measured, and put what it says into the archive."""
        with measured(self.costs, name):
            said = self.tool("election", *words, "--dir", ".")
        self.event(event, said)

    def event(self, kind: str, given: bytes = b"") -> None:
        """Add an event to the archive."""
        self.tool("archive", "add-event", "--dir", ".", "--type", kind, given=given)

    def gather(self, suffix: str, name: str) -> str:
        """Put one file of every trustee together into one; gives its name."""
        found = b"".join((self.folder / f"{one}.{suffix}").read_bytes() for one in self.names)
        (self.folder / name).write_bytes(found)
        return name

    def tool(self, *words: str, given: bytes = b"") -> bytes:
        """Run the tool; gives its standard output."""
        return subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        ).stdout


def run(tool: str, ballots: int, trustees: int, threshold: int, shuffles: int) -> dict[str, Any]:
    """One election; gives version, group and the processor seconds of every step."""
    with tempfile.TemporaryDirectory() as folder:
        election = Election(tool, Path(folder), ballots, trustees, threshold, shuffles)
        election.run()
    return {
        "peer": "belenios",
        "version": version(tool),
        "group": election.group,
        "ballots": ballots,
        "seconds": {name: cost.cpu for name, cost in election.costs.items()},
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ballots", type=int, default=100)
    parser.add_argument("--trustees", type=int, default=3)
    parser.add_argument("--threshold", type=int, default=2)
    parser.add_argument("--shuffles", type=int, default=2)
    given = parser.parse_args(words)
    for tool in TOOLS:
        if version(tool) is None:
            print(f"NOT RUN: {tool} (apt-get install belenios-tool)")
        else:
            print(json.dumps(run(tool, given.ballots, given.trustees, given.threshold, given.shuffles)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

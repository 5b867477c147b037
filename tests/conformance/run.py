#!/usr/bin/env python3
"""Hold any verifier of VeMRE election records against the conformance corpus.

    python tests/conformance/run.py [--jobs N] [--only PREFIX] [--cases FOLDER] [--quiet] [--lines] COMMAND...

runs `COMMAND... RECORD --policy POLICY --json` for every case and compares exit code, verdict, first failed check and
named party with what the case expects. Exit code 0 if all agree, 1 if not, 2 where nothing could be run. With `--lines`
the command is started only once for each job: it reads {"record", "policy"} as lines of JSON and answers each with a
line {"code", "output"}, what it would have ended with and written.

This file needs nothing but Python 3.11: copy it with the folder `cases` to wherever your verifier is built.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

CASES = Path(__file__).resolve().parent / "cases"
SECONDS = 300


@dataclass(frozen=True)
class Case:
    """One case: where it is, and what must be found. `check` and `party` are None where the record is valid."""

    folder: Path
    check: str | None
    party: str | None
    about: str

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.json"


def read_cases(folder: Path = CASES) -> list[Case]:
    """All cases below a folder, by name."""
    found = []
    for path in sorted(folder.glob("*/case.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        found.append(Case(path.parent, case["check"], case["party"], case["about"]))
    return found


def differences(case: Case, code: int, report: Any) -> list[str]:
    """What a verifier's answer has otherwise than the case expects; empty where it conforms."""
    try:
        failed = [line for line in report["checks"] if line["status"] == "failed"]
        found = {
            "exit code": code,
            "verdict": report["verdict"],
            "first_failure": report["first_failure"],
            "failed checks": [line["id"] for line in failed],
            "party": failed[0]["party"] if failed else None,
        }
    except (KeyError, TypeError, IndexError) as error:
        return [f"exit code {code}, and a report that cannot be read ({type(error).__name__}: {error})"]
    expected = {
        "exit code": 0 if case.check is None else 1,
        "verdict": "valid" if case.check is None else "invalid",
        "first_failure": case.check,
        "failed checks": [] if case.check is None else [case.check],
        "party": case.party,
    }
    return [f"{name}: {found[name]!r}, expected {value!r}" for name, value in expected.items() if found[name] != value]


def run(command: Sequence[str], case: Case) -> list[str]:
    """Run a verifier on one case; gives what is otherwise than expected."""
    try:
        done = subprocess.run(
            [*command, str(case.record), "--policy", str(case.policy), "--json"],
            capture_output=True, check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [f"no answer within {SECONDS} seconds"]
    texts = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return judged(case, done.returncode, *texts)


def judged(case: Case, code: int, output: str, said: str) -> list[str]:
    """What is otherwise than expected in what a verifier wrote; `said` is what it complained of."""
    try:
        report = json.loads(output)
    except ValueError:
        lines = said.strip().splitlines()
        return [f"exit code {code} and no JSON; it said: {lines[-1] if lines else 'nothing'}"]
    return differences(case, code, report)


class Answering:
    """A verifier that stays and is asked about one record after another; one that dies or hangs answers no more."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def run(self, case: Case) -> list[str]:
        """Ask about one case; gives what is otherwise than expected."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        patience = threading.Timer(SECONDS, self._process.kill)
        patience.start()
        try:
            asked.write(json.dumps({"record": str(case.record), "policy": str(case.policy)}) + "\n")
            asked.flush()
            answer = json.loads(answers.readline())
            return judged(case, answer["code"], answer["output"], "")
        except (OSError, ValueError, KeyError, TypeError):
            return ["no answer, or none that can be read"]
        finally:
            patience.cancel()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def asking(command: Sequence[str], everybody: ExitStack) -> Callable[[Case], list[str]]:
    """Asks processes that stay, one for each thread; they end with `everybody`."""
    own = threading.local()

    def ask(case: Case) -> list[str]:
        if not hasattr(own, "process"):
            own.process = Answering(command)
            everybody.callback(own.process.close)
        found: list[str] = own.process.run(case)
        return found

    return ask


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Hold a verifier against the conformance corpus.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cases at a time")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only cases whose names begin so")
    parser.add_argument("--cases", type=Path, default=CASES, help="the folder with the cases")
    parser.add_argument("--quiet", action="store_true", help="print only what differs, and the summary")
    parser.add_argument("--lines", action="store_true", help="the command stays, and is asked by lines of JSON")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the verifier's command")
    options = parser.parse_args(arguments)
    cases = [case for case in read_cases(options.cases) if case.name.startswith(options.only)]
    if not cases or not options.command:
        parser.print_usage(sys.stderr)
        return 2
    wrong = 0
    try:
        with ExitStack() as processes, ThreadPoolExecutor(options.jobs) as pool:
            ask = asking(options.command, processes) if options.lines else partial(run, options.command)
            for case, found in zip(cases, pool.map(ask, cases), strict=True):
                wrong += bool(found)
                if found or not options.quiet:
                    print(f"{'FAIL' if found else 'ok  '}  {case.name:<24} {case.about}", flush=True)
                for difference in found:
                    print(f"      {difference}", flush=True)
    except OSError as error:
        print(f"the command cannot be run: {error}", file=sys.stderr)
        return 2
    print(f"{len(cases) - wrong} of {len(cases)} cases as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

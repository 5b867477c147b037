"""From the close of the vote to a verified result, in the shape of 2024: stages, seconds, peak memory.

python benchmarks/pef2024/run.py --scale 0.01 --cache FOLDER

One line of JSON for each stage as it begins and ends, and the whole as the last. `vemre bench pef-2024` runs this.

The parties are processes of their own on this one machine, one after the other. Ballot box, registry, tally and an
auditor have followed and verified the vote when the clock starts. (The second auditor does the same work at the same
time on a machine of its own: here the first one's verification stands for both signatures.) Two mixers and three of
five trustees have looked at the vote once, shortly before, and hold in their key files what they verified then; each
begins anew with the product's command on a record in a folder, reads and authenticates all of it and verifies itself
what came since. At the end stands `vemre audit verify` of everything, as anybody would run it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import prepare

from vemre.group import load
from vemre.types import LOG_NAMES, LogName

HERE = Path(__file__).resolve().parent
AUDITOR = "auditor/1"
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.05


def emit(value: Any) -> None:
    """One line for whoever shows the progress."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Meter:
    """Processor time and memory of all processes of the election."""

    def __init__(self) -> None:
        self.pids: set[int] = set()
        self.peak = 0
        self.peaks: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def add(self, name: str, pid: int) -> None:
        """Watch a process."""
        self._names[pid] = name
        self.pids.add(pid)

    def cpu(self) -> float:
        """Processor seconds of all processes so far, those that have ended included."""
        ended = os.times()
        return ended.children_user + ended.children_system + sum(map(_cpu, list(self.pids)))

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            resident = {pid: _resident(pid) for pid in list(self.pids)}
            self.peak = max(self.peak, sum(resident.values()))
            for pid, size in resident.items():
                name = self._names[pid]
                self.peaks[name] = max(self.peaks.get(name, 0), size)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # A process that has ended and is not waited for yet counts here; once it is, among the children.
    return (int(fields[11]) + int(fields[12])) / TICK


class Party:
    """A running process of an authority or auditor."""

    def __init__(self, role: str, work: Path, meter: Meter) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "authority.py"), role, str(work)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(),
        )  # fmt: skip
        self.role = role
        self._meter = meter
        meter.add(role, self._process.pid)

    def wait(self) -> Any:
        """The next answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.role} ended with code {self._process.wait()}")
        return json.loads(line)

    def do(self, what: str, **more: Any) -> Any:
        """Give an order, wait, give the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        return self.wait()["done"]

    def end(self) -> None:
        """No more orders."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
        self._meter.pids.discard(self._process.pid)


class Run:
    """One run over a working copy of a prepared election."""

    def __init__(self, work: Path, meter: Meter, stack: ExitStack) -> None:
        self.work, self.meter, self.stack = work, meter, stack
        self.record, self.policy = work / "record", work / "policy.json"
        self.parties: dict[str, Party] = {}
        self.stages: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time what is done within; what is put into the dictionary is shown beside it."""
        emit({"begin": name})
        start, used, detail = time.perf_counter(), self.meter.cpu(), dict[str, Any]()
        yield detail
        found = {
            "stage": name,
            "seconds": round(time.perf_counter() - start, 3),
            "cpu_seconds": round(self.meter.cpu() - used, 3),
            **detail,
        }
        self.stages.append(found)
        emit(found)

    def start(self) -> None:
        """Everybody who has followed the vote, ready for its end. One after the other: this is not measured."""
        for role in (*LOG_NAMES, AUDITOR):
            emit({"begin": f"ready {role}"})
            party = self.parties[role] = Party(role, self.work, self.meter)
            self.stack.callback(party.end)
            party.wait()
        numbers = {"mixer": prepare.MIXERS, "trustee": prepare.THRESHOLD}
        for kind, number in ((kind, number) for kind, last in numbers.items() for number in range(1, last + 1)):
            emit({"begin": f"ready {kind}/{number}"})
            self._attend(kind, number)

    def cosign(self, log: LogName) -> None:
        """An auditor verifies what is new and cosigns; the log shows it."""
        answer = self.parties[AUDITOR].do("cosign", log=log)
        self.parties[log].do("cosigned", **answer)

    def close(self) -> None:
        """The end of the vote, in three logs."""
        with self.stage("close"):
            self.parties["ballot"].do("close")
            self.cosign("ballot")
            self.parties["registry"].do("marks")
            self.cosign("registry")
        with self.stage("tally-input"):
            self.parties["tally"].do("input")
            self.cosign("tally")
        for name in ("ballot", "registry"):
            self.parties[name].end()

    def attend(self, kind: str, number: int) -> None:
        """A mixer or trustee does all that is due."""
        with self.stage(f"{kind}/{number}") as detail:
            detail["parts"] = self._attend(kind, number)

    def _attend(self, kind: str, number: int) -> dict[str, float]:
        """Gives the seconds of each part."""
        role = f"{kind}/{number}"
        times = self.work / f"{kind}-{number}.json"
        words = [kind, "attend", "--key", self.work / "keys" / f"{kind}-{number}.key", "--policy", self.policy]
        words += ["--from", self.record, "--out", self.stick(role), "--insecure", "--yes", "--json"]
        if load().name == "reference":
            words.append("--insecure-reference")
        self._command(role, [HERE / "role.py", times, *words])
        return {name: round(value, 3) for name, value in json.loads(times.read_text()).items()}

    def stick(self, role: str) -> Path:
        """Where a role puts what it made."""
        return self.work / "sticks" / role.replace("/", "-")

    def take(self, name: str, roles: Sequence[str]) -> None:
        """The tally takes what these made, record by record; the auditors cosign."""
        with self.stage(name) as detail:
            start = time.perf_counter()
            self.parties["tally"].do("take", sticks=[str(self.stick(role)) for role in roles])
            taken = time.perf_counter()
            self.cosign("tally")
            detail["parts"] = {"tally": round(taken - start, 3), "auditor": round(time.perf_counter() - taken, 3)}

    def count(self) -> None:
        """Every batch, then the result."""
        with self.stage("count"):
            while not self.parties["tally"].do("count"):
                self.cosign("tally")
            self.cosign("tally")

    def verify(self) -> dict[str, Any]:
        """The whole record, as anybody would verify it."""
        with self.stage("audit-verify"):
            words = ["-m", "vemre.cli", "audit", "verify", self.record, "--policy", self.policy, "--json"]
            found: dict[str, Any] = json.loads(self._command("audit-verify", words))
        if found["verdict"] != "valid":
            raise RuntimeError(f"the record does not verify: {found['first_failure']}")
        return found

    def _command(self, name: str, words: Sequence[object]) -> str:
        command = [sys.executable, *map(str, words)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
        )
        self.meter.add(name, process.pid)
        output, said = process.communicate()
        self.meter.pids.discard(process.pid)
        if process.returncode:
            sys.stderr.write(said)
            raise RuntimeError(f"{name} ended with code {process.returncode}")
        return output


def _environment() -> dict[str, str]:
    # As installed, with its bytecode, whatever this shell says.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def copy(prepared: Path, work: Path) -> None:
    """A working copy; what never changes is linked."""
    for name in LOG_NAMES:
        shutil.copytree(prepared / name, work / name, ignore=shutil.ignore_patterns("blob"))
    shutil.copytree(prepared / "keys", work / "keys")
    shutil.copytree(prepared / "record", work / "record", copy_function=os.link)
    shutil.copy(prepared / "policy.json", work)
    for name in LOG_NAMES:
        # What a log names, its service keeps where the record has it.
        (work / name / "blob").symlink_to(work / "record" / "blob")


def measure(ballots: int, prepared: Path, keep: Path | None = None) -> dict[str, Any]:
    """The whole run, and what `--json` prints of it. `keep` gets the record and the policy."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=prepared.parent, prefix=".run-")))
        copy(prepared, work)
        meter = stack.enter_context(Meter())
        run = Run(work, meter, stack)
        run.start()
        start, used = time.perf_counter(), meter.cpu()
        run.close()
        for number in range(1, prepare.MIXERS + 1):
            run.attend("mixer", number)
            run.take(f"take mixer/{number}", [f"mixer/{number}"])
        trustees = [f"trustee/{number}" for number in range(1, prepare.THRESHOLD + 1)]
        for number in range(1, prepare.THRESHOLD + 1):
            run.attend("trustee", number)
        run.take("take trustees", trustees)
        run.count()
        counted = time.perf_counter() - start
        report = run.verify()
        total, cpu = time.perf_counter() - start, meter.cpu() - used
        if keep is not None:
            shutil.copytree(run.record, keep / "record")
            shutil.copy(run.policy, keep)
        rows = sum(batch["rows"] for batch in report["result"])
        return {
            "ballots": ballots,
            "entities": 32,
            "batches": len(report["result"]),
            "rows": rows,
            "mixers": prepare.MIXERS,
            "auditors": 1,
            "trustees": f"{prepare.THRESHOLD} of {prepare.TRUSTEES}",
            "stages": run.stages,
            "result_seconds": round(counted, 3),
            "total_seconds": round(total, 3),
            "cpu_seconds": round(cpu, 3),
            "peak_bytes": meter.peak,
            "peak_bytes_of": meter.peaks,
            "verdict": report["verdict"],
            "cores": os.cpu_count(),
            "backend": load().name,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    ballots = max(2, round(prepare.BALLOTS * options.scale))
    with ExitStack() as stack:
        cache = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepared = (cache / f"pef-2024-{ballots}").resolve()
        emit({"begin": "prepare"})
        prepare.prepare(ballots, prepared, lambda line: emit({"note": line}))
        emit({"result": measure(ballots, prepared, options.keep)})


if __name__ == "__main__":
    main()

"""Reports of opinions as tests need them, and auditors at their desks over the real tally."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from served import listening, serving_logs
from served_tally import TallyUnderTest, write_policy
from simulator import Simulator

from audit import keys
from vemre.checks import Check
from vemre.cli.main import root
from vemre.crypto import canonical
from vemre.crypto.keyfile import KeyFile
from vemre.records.record import plain
from vemre.records.setup_bodies import Offer
from vemre.storage import keyfiles


def write_auditor(sim: Simulator, folder: Path, role: str) -> Path:
    """The folder of a simulated auditor with its key file, marked insecure."""
    data = folder / role.replace("/", "-")
    data.mkdir(exist_ok=True)
    public = {"role": role, "name": f"Auditor {role[-1]}", "sign": sim.keys[role].public.hex()}
    secret = {"sign": sim.keys[role].seed().hex(), "witness": sim.witness_keys[role].seed().hex()}
    witness = {"witness": [str(sim.witnesses[role].vkey)]}
    file = KeyFile(keys.KIND, {**public, **witness}, secret, insecure=True)
    keyfiles.create(data / keys.KEY_FILE, file, b"", os.urandom)
    return data


def answer_in(output: str) -> Any:
    """The JSON object of a command, None where there is none. Services in this process log to the same output."""
    return next((json.loads(line) for line in output.splitlines() if line.startswith("{")), None)


@dataclass
class Office:
    """Auditors over a real tally, by their commands. `urls` are the options with the addresses."""

    tally: TallyUnderTest
    folder: Path
    policy: Path
    urls: list[str]

    def run(self, role: str, act: str, *more: object) -> tuple[int, Any, str]:
        """Exit code, the JSON answer (None where there is none) and standard error of a command of an auditor."""
        data = self.folder / role.replace("/", "-")
        if not data.exists():
            write_auditor(self.tally.sim, self.folder, role)
        arguments = [act, "--data", data, "--policy", self.policy, *self.urls, "--insecure", *more, "--json"]
        result = CliRunner().invoke(root, ["--lang", "en", "audit", *map(str, arguments)])
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, answer_in(result.stdout), result.stderr


@contextmanager
def office(tally: TallyUnderTest, folder: Path) -> Iterator[Office]:
    """Addresses for the commands: the real tally, and the other logs as they lie in its folder."""
    with listening(tally.station.app) as url, serving_logs(tally.record, "registry", "ballot") as others:
        urls = [part for name, place in {**others, "tally": url}.items() for part in (f"--{name}-url", place)]
        yield Office(tally, folder, write_policy(tally.sim, folder), urls)


def report_of(
    offer: Offer, batches: list[dict[str, Any]], *, failed: str | None = None, name: str = "Universidad de Prueba"
) -> dict[str, Any]:
    """A report as JSON values: valid with these batches, or with one check that failed."""
    verification = {
        "verdict": "invalid" if failed else "valid",
        "stage": "result",
        "first_failure": failed,
        "checks": [
            {
                "id": check.value,
                "status": "failed" if check.value == failed else "passed",
                "where": f"blob/{'ab' * 32}" if check.value == failed else None,
                "party": "mixer/1" if check.value == failed else None,
            }
            for check in Check
        ],
        "result": [] if failed else batches,
        "certified": False,
    }
    states = {
        log: {"origin": f"vemre.example/e/{log}", "size": 122_497, "root": "ab" * 32, "note": "note"}
        for log in ("registry", "ballot", "tally")
    }
    return {
        "format": "vemre-opinion-report-1",
        "time": "2029-06-04T03:04:05Z",
        "auditor": {"id": "auditor/1", "name": name},
        "election": {
            "id": "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33",
            "name": {"es": f"Elección de prueba de {name}", "en": "Test election"},
            "context": "cd" * 32,
        },
        "release": "ef" * 32,
        "logs": states,
        "tool": {"name": "tool", "version": "1.0"},
        "verification": verification,
        "offer": plain(offer),
        "verdict": "unfavourable" if failed else "favourable",
        "reasons": ["Dos filas de la mezcla son iguales."] if failed else [],
    }


def encoded(report: dict[str, Any]) -> bytes:
    """The bytes of a report."""
    return canonical.encode(report)

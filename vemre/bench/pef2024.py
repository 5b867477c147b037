"""From the close of the vote to a verified result, in the shape of 2024, run by the program in `benchmarks/pef2024`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vemre
from vemre.errors import Refused

Show = Callable[[dict[str, Any]], None]
"""Called with each event: ``begin`` (a stage), ``stage`` (one that has ended, with its figures) or ``note``."""


def measure(scale: float, cache: Path | None, keep: Path | None, show: Show) -> dict[str, Any]:
    """The object that ``--json`` prints. `cache` keeps the encrypted ballots for the next run, `keep` (which must
    not exist) gets the record and the policy.

    Raises Refused("bench-no-checkout") outside a checkout, which alone has the program, and Refused("bench-failed")
    where the run did not come to a record that verifies.
    """
    program = Path(vemre.__file__).parent.parent / "benchmarks" / "pef2024" / "run.py"
    if not program.exists():
        raise Refused("bench-no-checkout")
    words = [sys.executable, str(program), "--scale", str(scale)]
    if cache is not None:
        words += ["--cache", str(cache)]
    if keep is not None:
        words += ["--keep", str(keep)]
    result: dict[str, Any] | None = None
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            if "result" in event:
                result = event["result"]
            else:
                show(event)
    if process.returncode or result is None:
        raise Refused("bench-failed", exit=process.returncode)
    return result

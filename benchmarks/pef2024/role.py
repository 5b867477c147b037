"""Runs the command of a mixer or trustee with a clock at its parts.

python benchmarks/pef2024/role.py TIMES.json mixer attend ...

TIMES.json gets the seconds, and how often, of each part: reading and verifying the whole chain, shuffling, proving,
decrypting. The command itself is the product's, unchanged.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Put the clock in, and run."""
    begun = time.perf_counter()
    target, words = Path(sys.argv[1]), sys.argv[2:]
    parts: dict[str, float] = {}

    def clocked(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                parts[what] = parts.get(what, 0.0) + time.perf_counter() - start

        return run

    from vemre.proofs.prove import decryption, shuffle
    from vemre.service.election_source import ElectionSource

    ElectionSource.refresh = clocked("verify", ElectionSource.refresh)  # type: ignore[method-assign]
    shuffle.shuffle = clocked("shuffle", shuffle.shuffle)
    shuffle.prove = clocked("prove", shuffle.prove)
    decryption.decrypt = clocked("decrypt", decryption.decrypt)
    decryption.prove = clocked("prove", decryption.prove)
    from vemre.cli.main import main as command

    sys.argv[1:] = words
    try:
        command()
    finally:
        parts["other"] = time.perf_counter() - begun - sum(parts.values())
        target.write_text(json.dumps(parts))


if __name__ == "__main__":
    main()

"""Memory of one large batch, by how it grows: a million ciphertexts stay within 4 GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vemre.group import load

PROGRAM = Path(__file__).parents[3] / "benchmarks" / "million.py"
SMALL, LARGE, MILLION, LIMIT = 4_000, 24_000, 1_000_000, 4 << 30


def peaks(rows: int) -> dict[str, int]:
    words = [sys.executable, str(PROGRAM), "--rows", str(rows), "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    return {name: stage["peak_bytes"] for name, stage in found["stages"].items()}


@pytest.mark.slow
@pytest.mark.skipif(load().kernel is None, reason="NOT RUN: native arithmetic (not built, or not chosen)")
def test_every_stage_would_fit_at_a_million() -> None:
    small, large = peaks(SMALL), peaks(LARGE)
    for name, size in large.items():
        each = (size - small[name]) / (LARGE - SMALL)
        assert size + each * (MILLION - LARGE) < LIMIT, f"{name}: {each:.0f} bytes for each row"

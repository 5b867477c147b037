"""What verifying a whole record takes for each ballot, at sizes that differ by tens: it should be the same.

Measured from outside: the installed command as a process, from its start to its end. What it takes before the first
ballot (the program, the policy, the keys) is measured on a record of two ballots, and shown apart: it is a good part of
what a thousand ballots take, and nothing beside a hundred thousand. Sizes are measured in turns, and of each the least
disturbed round counts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vemre.bench import floor
from vemre.group import load

FEWEST: Final = 2
SIZES: Final = (1_000, 10_000, 100_000)


def measure(folder: Path, sizes: Sequence[int], rounds: int) -> dict[str, Any]:
    """The object that ``--json`` prints. `folder` keeps the records, by size, for the next time.

    Seconds are of the wall clock, ``_cpu_s`` of all processors. ``spread`` is by how much the greatest cost of a ballot
    is above the least, the start of the program aside; ``spread_whole`` the same with it.
    """
    every = [FEWEST, *(size for size in sizes if size > FEWEST)]
    for size in every:
        if not (folder / str(size)).exists():
            floor.make_record(folder / str(size), size, 1)
    found: dict[int, list[tuple[float, float]]] = {size: [] for size in every}
    for _ in range(rounds):
        for size in every:
            found[size].append(floor.timed(lambda size=size: floor.verify(folder / str(size)), floor.children))  # type: ignore[misc]
    best = {size: (min(wall for wall, _ in times), min(cpu for _, cpu in times)) for size, times in found.items()}
    start = best[FEWEST]
    rows = [_row(size, best[size], start) for size in every[1:]]
    return {
        "start_s": start[0],
        "start_cpu_s": start[1],
        "sizes": rows,
        "spread": _spread([row["ballot_s"] for row in rows]),
        "cpu_spread": _spread([row["ballot_cpu_s"] for row in rows]),
        "spread_whole": _spread([row["verify_s"] / row["ballots"] for row in rows]),
        "cores": os.cpu_count(),
        "backend": load().name,
    }


def _row(size: int, taken: tuple[float, float], start: tuple[float, float]) -> dict[str, Any]:
    wall, cpu = taken
    return {
        "ballots": size,
        "verify_s": wall,
        "verify_cpu_s": cpu,
        "ballot_s": (wall - start[0]) / (size - FEWEST),
        "ballot_cpu_s": (cpu - start[1]) / (size - FEWEST),
    }


def _spread(costs: list[float]) -> float:
    return max(costs) / min(costs) - 1 if costs else 0.0

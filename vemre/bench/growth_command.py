"""`vemre bench growth`: the cost of a ballot in a whole verification, at sizes that differ by tens."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from vemre.bench import growth
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import OK
from vemre.cli.translations import say


@click.command("growth", cls=Command, help="bench-growth-about")
@option(
    "--ballots",
    type=click.IntRange(growth.FEWEST + 1),
    multiple=True,
    default=growth.SIZES,
    show_default=True,
    help="bench-option-sizes",
)
@option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="bench-option-rounds")
@option("--cache", type=click.Path(path_type=Path, file_okay=False), help="bench-option-records")
@json_option
def command(ballots: tuple[int, ...], rounds: int, cache: Path | None, as_json: bool) -> int:
    """The text stands in the catalogue."""
    with ExitStack() as stack:
        folder = cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        console.say(say("bench-making"))
        found = growth.measure(folder, sorted(set(ballots)), rounds)
    if as_json:
        console.put_json(found)
        return OK
    columns = [say(f"bench-column-{name}") for name in ("ballots", "seconds", "cpu", "each", "each-cpu")]
    rows = [
        (
            row["ballots"],
            f"{row['verify_s']:.2f}",
            f"{row['verify_cpu_s']:.2f}",
            f"{row['ballot_s'] * 1e3:.3f}",
            f"{row['ballot_cpu_s'] * 1e3:.3f}",
        )
        for row in found["sizes"]
    ]
    console.put_table(say("bench-growth-title"), columns, rows, range(len(columns)))
    spread = {name: f"{found[name]:.1%}" for name in ("spread", "cpu_spread", "spread_whole")}
    console.put(say("bench-growth-spread", start=f"{found['start_s']:.2f}", **spread))
    return OK

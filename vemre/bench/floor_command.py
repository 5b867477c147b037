"""`vemre bench floor`: the whole verification of a record, over the least that the arithmetic alone takes."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from vemre.bench import floor
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import OK
from vemre.cli.translations import say


@click.command("floor", cls=Command, help="bench-floor-about")
@option("--ballots", type=click.IntRange(2), default=10_000, show_default=True, help="bench-option-ballots")
@option("--blocks", type=click.IntRange(1, 8), default=1, show_default=True, help="bench-option-blocks")
@option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="bench-option-rounds")
@option("--record", type=click.Path(path_type=Path), help="bench-option-record")
@json_option
def command(ballots: int, blocks: int, rounds: int, record: Path | None, as_json: bool) -> int:
    """The text stands in the catalogue."""
    with ExitStack() as stack:
        folder = record or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "election"
        if not folder.exists():
            console.say(say("bench-making"))
            floor.make_record(folder, ballots, blocks)
        found = floor.measure(folder, ballots, blocks, rounds)
    if as_json:
        console.put_json(found)
    else:
        rows = [(name, f"{value:.3f}" if isinstance(value, float) else value) for name, value in found.items()]
        console.put_table(say("bench-floor-title"), [say("bench-column-what"), say("bench-column-value")], rows, (1,))
    return OK

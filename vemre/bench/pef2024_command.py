"""`vemre bench pef-2024`: how long the election of 2024 takes from the close of the vote to a verified result."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from vemre import group
from vemre.bench import pef2024
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import OK
from vemre.cli.translations import say
from vemre.errors import Refused

STAGES: Final = 13
"""Stages that are measured."""
_FIGURES: Final = (
    "ballots",
    "rows",
    "result_seconds",
    "total_seconds",
    "cpu_seconds",
    "peak_bytes",
    "cores",
    "backend",
)


@click.command("pef-2024", cls=Command, help="bench-pef-about")
@option(
    "--scale", type=click.FloatRange(0, 20, min_open=True), default=1.0, show_default=True, help="bench-option-scale"
)
@option("--cache", type=click.Path(path_type=Path, file_okay=False), help="bench-option-cache")
@option("--keep", type=click.Path(path_type=Path), help="bench-option-keep")
@json_option
def command(scale: float, cache: Path | None, keep: Path | None, as_json: bool) -> int:
    """The text stands in the catalogue."""
    if keep is not None and keep.exists():
        raise Refused("folder-not-empty", folder=str(keep))
    if group.load().kernel is None:
        console.say(say("bench-slow-arithmetic"), style="bold yellow")
    done = 0
    with console.named_progress(say("bench-preparing")) as update:

        def show(event: dict[str, Any]) -> None:
            nonlocal done
            if "begin" in event:
                update(event["begin"], done, STAGES)
            elif "stage" in event:
                done += 1
                update(event["stage"], done, STAGES)
                console.say(f"{event['stage']}: {event['seconds']:.1f} s ({event['cpu_seconds']:.1f} s CPU)")
            else:
                console.say(event["note"])

        found = pef2024.measure(scale, cache, keep, show)
    if as_json:
        console.put_json(found)
        return OK
    columns = [say("bench-column-stage"), say("bench-column-seconds"), say("bench-column-cpu")]
    rows = [(stage["stage"], f"{stage['seconds']:.1f}", f"{stage['cpu_seconds']:.1f}") for stage in found["stages"]]
    console.put_table(say("bench-pef-title"), columns, rows, (1, 2))
    figures = [(name, found[name]) for name in _FIGURES]
    console.put_table(say("bench-pef-whole"), [say("bench-column-what"), say("bench-column-value")], figures, (1,))
    return OK

"""`vemre bench intake`: ballots that a ballot box takes in a second; `vemre bench sign-in`: voters that come in.

The programs stand in a checkout, in `benchmarks/intake`: they make an election, its ballots and a load.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

import vemre
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import OK
from vemre.cli.translations import say
from vemre.errors import Refused

_FOLDER = click.Path(path_type=Path, file_okay=False)


def measured(program: str, **options: Any) -> dict[str, Any]:
    """What a program of `benchmarks/intake` found; an option that is None is left to it. It tells its progress itself.

    Raises Refused("bench-no-checkout"), Refused("bench-failed").
    """
    path = Path(vemre.__file__).parent.parent / "benchmarks" / "intake" / program
    if not path.exists():
        raise Refused("bench-no-checkout")
    words = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
    done = subprocess.run([sys.executable, str(path), *words, "--json"], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Refused("bench-failed", exit=done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show(found: dict[str, Any], title: str, as_json: bool) -> None:
    """As JSON, or as a table."""
    if as_json:
        console.put_json(found)
        return
    rows = [(name, json.dumps(value) if isinstance(value, dict | list) else value) for name, value in found.items()]
    console.put_table(say(title), [say("bench-column-what"), say("bench-column-value")], rows, (1,))


@click.command("intake", cls=Command, help="bench-intake-about")
@option("--seconds", type=click.FloatRange(0.1), default=30.0, show_default=True, help="bench-option-seconds")
@option("--rate", type=click.FloatRange(0.1), help="bench-option-rate")
@option("--connections", type=click.IntRange(1), default=96, show_default=True, help="bench-option-connections")
@option("--database", default="sqlite", show_default=True, help="bench-option-database")
@option("--instances", type=click.IntRange(1), default=1, show_default=True, help="bench-option-instances")
@option("--ballots", type=click.IntRange(1), help="bench-option-made")
@option("--cache", type=_FOLDER, help="bench-option-kept")
@option("--dir", "folder", type=_FOLDER, help="bench-option-dir")
@json_option
def intake(folder: Path | None, as_json: bool, **options: Any) -> int:
    """The text stands in the catalogue."""
    if options["instances"] > 1 and options["database"] == "sqlite":
        raise Refused("bench-one-instance")
    show(measured("run.py", dir=folder, **options), "bench-intake-title", as_json)
    return OK


@click.command("sign-in", cls=Command, help="bench-sign-in-about")
@option("--seconds", type=click.FloatRange(0.1), default=120.0, show_default=True, help="bench-option-seconds")
@option(
    "--sign-ins", "sign_ins", type=click.FloatRange(0.1), default=50.0, show_default=True, help="bench-option-sign-ins"
)
@option("--casts", type=click.FloatRange(0.1), default=10.0, show_default=True, help="bench-option-casts")
@option("--cache", type=_FOLDER, help="bench-option-kept")
@option("--dir", "folder", type=_FOLDER, help="bench-option-dir")
@json_option
def sign_in(sign_ins: float, folder: Path | None, as_json: bool, **options: Any) -> int:
    """The text stands in the catalogue."""
    found = measured("sign_in.py", **{"sign-ins": sign_ins, "dir": folder}, **options)
    show(found, "bench-sign-in-title", as_json)
    return OK

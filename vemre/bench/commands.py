"""`vemre bench`: loads a measurement when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

import click

from vemre.cli.command import Group

COMMANDS: Final = {
    "floor": "vemre.bench.floor_command:command",
    "growth": "vemre.bench.growth_command:command",
    "pef-2024": "vemre.bench.pef2024_command:command",
    "intake": "vemre.bench.intake_command:intake",
    "sign-in": "vemre.bench.intake_command:sign_in",
}
"""Subcommands and where they are defined, in the order in which help lists them."""


class _Bench(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        return cast(click.Command, getattr(import_module(module), name))


@click.group(cls=_Bench, help="command-bench")
def group() -> None:
    """The text stands in the catalogue."""

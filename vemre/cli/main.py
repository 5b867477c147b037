"""The `vemre` command: finds its subcommands through entry points and loads only the one that is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

import vemre
from vemre.cli import translations
from vemre.cli.command import Group, Option, option
from vemre.messages import LANGUAGES

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "vemre.commands"
OWN: Final = {"audit": "audit.commands:group"}
"""Entry points of this distribution whose commands are often run by programs, by heart: to look up what is installed
takes longer than to load them. A test holds them against the installed ones."""


class Root(Group):
    """The top of the command. Listing the subcommands imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_found()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in OWN:
            module, _, name = OWN[cmd_name].partition(":")
            loaded = getattr(import_module(module), name)
        else:
            entry = _found().get(cmd_name)
            loaded = entry.load() if entry else None
        return loaded if isinstance(loaded, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, translations.say_if_known(f"command-{name}") or "") for name in self.list_commands(ctx)]
        rows = [(name, "" if text == f"command-{name}" else text) for name, text in rows]
        if rows:
            # The heading's gettext key is click's own.
            with formatter.section(translations.heading("Commands")):
                formatter.write_dl(rows)


def _found() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


@click.group(cls=Root, help="cli-about", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    vemre.__version__, prog_name="vemre", message="%(prog)s %(version)s", help="cli-option-version", cls=Option
)
@option("--lang", type=click.Choice(LANGUAGES), expose_value=False, help="cli-option-lang")
@option("--debug", is_flag=True, expose_value=False, help="cli-option-debug")
def root() -> None:
    """The texts stand in the catalogue; `--lang` and `--debug` are read before parsing (`command`)."""


def main() -> None:
    """The entry point of the installed command."""
    root.main(prog_name="vemre")

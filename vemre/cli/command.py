"""The classes and decorators that all commands are made of.

`help` of commands and options is a code of the message catalogue, looked up in the language of the run. A command's
function may return its exit code; whatever it raises is told by `vemre.cli.errors`, on whichever command the run began.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from vemre.cli import errors, translations

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command with its texts in the catalogue."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        # click keeps the option with the words of the first run; a later one may be in another language.
        self._help_option = None
        return super().get_help_option(ctx)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run, and end the process with the exit code. Never shows a trace unless ``--debug`` stands first."""
        extra.pop("standalone_mode", None)
        words = list(sys.argv[1:] if args is None else args)

        def command() -> Any:
            with self.make_context(prog_name or "vemre", list(words), **extra) as ctx:
                return self.invoke(ctx)

        sys.exit(_run(command, words))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [translations.heading(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        text = translations.say_if_known(self.help)
        if text:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  (our texts are written to be short)
        return translations.say_if_known(self.short_help or self.help) or ""


class Group(Command, click.Group):
    """A group of commands with its texts in the catalogue."""

    command_class = Command
    group_class = type


class Option(click.Option):
    """An option with its help in the catalogue."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        code, self.help = self.help, translations.say_if_known(self.help)
        try:
            return super().get_help_record(ctx)
        finally:
            self.help = code


def option(*names: str, help: str, **attributes: Any) -> Callable[[F], F]:
    """`click.option` whose `help` is a code of the catalogue."""
    return click.option(*names, cls=Option, help=help, **attributes)


def json_option(function: F) -> F:
    """Adds ``--json``, given to the function as `as_json`."""
    return option("--json", "as_json", is_flag=True, help="cli-option-json")(function)


def _run(command: Callable[[], Any], words: Sequence[str]) -> int:
    translations.choose(words)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no accents shows escapes in their place rather than an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            code = command()
        except click.exceptions.Exit as end:
            code = end.exit_code
        # What is still in the buffer may meet a closed pipe; let it do so here.
        sys.stdout.flush()
        return code if isinstance(code, int) else errors.OK
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"\n{translations.say('cli-interrupted')}", err=True)
        return errors.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return errors.UNDECIDED
    except BrokenPipeError:
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115  (stays open to the end of the process)
        return errors.UNDECIDED
    except Exception as error:
        return errors.report(error, debug="--debug" in words)

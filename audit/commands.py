"""`vemre audit`: what an auditor does, and what anybody may do: verify."""

from __future__ import annotations

import click

from vemre.cli.command import Group


class _Audit(Group):
    """Loads a subcommand when it is asked for: verifying loads neither the witness nor its keys."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return ["verify", "init", "attend"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        match cmd_name:
            case "verify":
                from audit.verify.command import verify

                return verify
            case "init":
                from audit.keys import init

                return init
            case "attend":
                from audit.attend import attend

                return attend
        return None


@click.group(cls=_Audit, help="command-audit")
def group() -> None:
    """The text stands in the catalogue."""

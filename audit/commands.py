"""`vemre audit`: what an auditor does, and what anybody may do: verify."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

import click

from vemre.cli.command import Group

COMMANDS: Final = {
    "verify": "audit.verify.command:verify",
    "receipt": "audit.receipts.command:receipt",
    "dispute": "audit.receipts.dispute_command:dispute",
    "abstention": "audit.receipts.command:abstention",
    "enrolment": "audit.receipts.enrolment_command:group",
    "init": "audit.keys:init",
    "plan": "audit.opinion.commands:plan",
    "system-opinion": "audit.opinion.commands:system_opinion",
    "opinion": "audit.opinion.commands:opinion",
    "report": "audit.opinion.commands:report",
    "witness": "audit.witness.commands:group",
    "watch": "audit.witness.watch:watch",
    "evidence": "audit.witness.evidence_command:command",
    "release": "audit.integrity.commands:release",
    "integrity": "audit.integrity.commands:group",
    "page": "audit.assets.commands:group",
    "hooks": "audit.hooks.commands:group",
}
"""Subcommands and where they are defined, in the order in which help lists them."""


class _Audit(Group):
    """Loads a subcommand when it is asked for: verifying loads neither the witness nor its keys."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        return cast(click.Command, getattr(import_module(module), name))


@click.group(cls=_Audit, help="command-audit")
def group() -> None:
    """The text stands in the catalogue."""

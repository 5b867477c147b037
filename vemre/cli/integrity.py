"""``integrity`` of every service: its officials ask it to compare itself with the audited list, on the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.services import official, official_options
from vemre.cli.translations import say
from vemre.election.release import MAX_LIST_BYTES


@click.command("integrity", cls=Command, help="service-integrity")
@official_options
@option(
    "--release",
    "audited",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="audit-integrity-option-release",
)
@json_option
def integrity(url: str, token_file: Path, audited: Path, as_json: bool) -> int:
    """Ends with 0 where everything is as audited, with 1 where it is not; the record says which."""
    data = files.read(audited, limit=MAX_LIST_BYTES)
    with official(url, token_file) as service:
        answer: dict[str, Any] = service.decode(service.post("/official/integrity", data, "application/json"))
    if as_json:
        console.put_json(answer)
    else:
        for path in answer["differences"]:
            console.put(f"  {console.printable(path)}")
        console.put(
            say(
                "audit-integrity-differs" if answer["differences"] else "audit-integrity-same",
                count=len(answer["differences"]),
            )
        )
    return INVALID if answer["differences"] else OK

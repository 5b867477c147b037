"""`vemre ballot page-assets`: which page the box serves, and which its log names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.services import official
from vemre.cli.translations import say
from vemre.errors import Refused
from vemre.service.client import ServiceClient


@click.command("page-assets", cls=Command, help="ballot-page-assets")
@option("--url", required=True, help="service-option-url")
@option("--publish", is_flag=True, help="ballot-option-publish")
@option("--token-file", type=click.Path(path_type=Path, dir_okay=False), help="service-option-token-file")
@json_option
def page_assets(url: str, publish: bool, token_file: Path | None, as_json: bool) -> int:
    """Ends with 1 where a record names another page than the one that is served."""
    if publish:
        if token_file is None:
            raise Refused("page-token-missing")
        with official(url, token_file) as service:
            answer: dict[str, Any] = service.decode(service.post("/official/page-assets", b"", "application/json"))
    else:
        with ServiceClient(url) as service:
            answer = service.get_json("/page-assets")
    if as_json:
        console.put_json(answer)
    else:
        _show(answer)
    return INVALID if answer["differences"] else OK


def _show(answer: dict[str, Any]) -> None:
    console.put(say("page-served", digest=answer["served"] or "—"))
    if answer["recorded"] is None:
        console.put(say("page-none-recorded"))
        return
    console.put(say("page-recorded", digest=answer["recorded"], index=answer["index"]))
    if not answer["differences"]:
        console.put(say("page-same"))
        return
    console.put(say("page-differs", count=len(answer["differences"])))
    for path in answer["differences"]:
        console.put(f"  {console.printable(path)}")

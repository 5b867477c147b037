"""`vemre audit verify`: the off-line verifier for people and for programs."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.verify.ahead import Ahead
from audit.verify.folder import RecordFolder
from vemre import group
from vemre.checks import Check
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.executors import ExecutorChoice, executor_option
from vemre.cli.translations import say
from vemre.group import Backend

if TYPE_CHECKING:
    from audit.verify.verifier import Progress


@click.command("verify", cls=Command, help="audit-verify-about")
@click.argument("record", type=click.Path(path_type=Path))
@option("--policy", type=click.Path(path_type=Path), required=True, help="audit-option-policy")
@option("--backend", type=click.Choice(group.backends()), default=None, help="audit-option-backend")
@executor_option
@json_option
def verify(record: Path, policy: Path, backend: Backend | None, executor: ExecutorChoice, as_json: bool) -> int:
    """The text stands in the catalogue."""
    source = RecordFolder(record)
    arithmetic = group.load(backend)
    # There are no cycles to collect in what a verifier makes, and millions of objects to look for them in.
    gc.disable()
    with executor.workers() as workers, Ahead(source, arithmetic) if workers.here else nullcontext() as ahead:
        # Decoding begins before most of the program is there.
        from audit.verify.verifier import verify_record
        from vemre.cli.policy import read_anchors

        anchors = read_anchors(policy)
        with nullcontext() if as_json else _bar() as progress:
            take = None if ahead is None else ahead.take
            report = verify_record(source, anchors, arithmetic, os.urandom, progress, workers, take)
    if as_json:
        console.put_json(report.as_json())
    else:
        from audit.verify.shown import show

        show(report)
    # Nor in what is left of it when the program ends.
    gc.freeze()
    return OK if report.valid else INVALID


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar that goes by check, on standard error; silent where that is no terminal."""
    with console.named_progress(say("audit-verifying")) as advance:
        yield lambda check, done, total: advance(_label(check), done, total)


def _label(check: Check) -> str:
    return f"{say('audit-verifying')} [{check.value}]"

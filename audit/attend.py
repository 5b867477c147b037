"""`vemre audit attend`: an auditor's machine, at work for as long as the election lasts."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import click

from audit import keys
from audit.auditor import Auditor, reached
from vemre import group
from vemre.cli import console
from vemre.cli.command import Command, option
from vemre.cli.errors import INVALID, OK, report
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.election.rules import engine
from vemre.errors import CheckFailed, Refused
from vemre.messages import RemoteProblem, Unreachable
from vemre.service.client import ServiceClient
from vemre.types import LogName

_STAGES: Final = tuple(name for _, _, name in reversed(engine.STAGE_NAMES))
_WAITED_FOR: Final = frozenset({"not-cosigned-yet", "logs-out-of-step"})


@click.command("attend", cls=Command, help="audit-attend-about")
@option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="audit-option-data")
@option("--policy", required=True, type=click.Path(path_type=Path, dir_okay=False), help="audit-option-policy")
@option("--registry-url", required=True, help="service-option-registry-url")
@option("--ballot-url", required=True, help="service-option-ballot-url")
@option("--tally-url", required=True, help="service-option-tally-url")
@option("--until", type=click.Choice(_STAGES), help="audit-option-until")
@option("--interval", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="audit-option-interval")
@passphrase_options
def attend(
    data: Path,
    policy: Path,
    registry_url: str,
    ballot_url: str,
    tally_url: str,
    until: str | None,
    interval: float,
    passphrase: Passphrase,
) -> int:
    """Ends with 0 once the stage is reached and everything is cosigned, with 1 upon a finding."""
    anchors = read_anchors(policy)
    own = keys.load(data, passphrase.get(), allow_insecure=passphrase.insecure)
    urls: dict[LogName, str] = {"registry": registry_url, "ballot": ballot_url, "tally": tally_url}
    # One attempt each: this loop is the retrying.
    clients = {name: ServiceClient(url, attempts=1) for name, url in urls.items()}
    auditor = Auditor(data, own, anchors, clients, group.load(), os.urandom, lambda: int(time.time()))
    console.say(say("audit-attending", role=auditor.role))
    waiting: str | None = None
    while True:
        try:
            for done in auditor.round():
                console.say(_told(done))
            if until is not None and reached(auditor.view, until) and auditor.cosigned_all():
                return OK
            waiting = None
        except CheckFailed as failure:
            report(failure)
            console.say(say("audit-attend-finding", folder=str(data / "evidence")))
            return INVALID
        except (Refused, RemoteProblem, Unreachable) as reason:
            if not _may_wait(reason):
                raise
            if str(reason) != waiting:
                waiting = str(reason)
                console.say(say("audit-attend-waiting", reason=waiting))
        time.sleep(interval)


def _told(done: str) -> str:
    """What `Auditor.round` did, in words: ``<log> <size>`` for a cosignature, or the type of a record."""
    log, _, size = done.partition(" ")
    return (
        say("audit-attend-cosigned", log=log, size=size) if size else say("audit-attend-done", what=say(f"act-{done}"))
    )


def _may_wait(reason: Refused | RemoteProblem | Unreachable) -> bool:
    """Whether waiting helps: a service that is down or busy, logs that are not at one point yet."""
    match reason:
        case Refused():
            return reason.code in _WAITED_FOR
        case RemoteProblem():
            # A record that came too late or a checkpoint that has gone meanwhile: the next round looks anew.
            return reason.status in (404, 409, 422, 429) or reason.status >= 500
    return True

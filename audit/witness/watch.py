"""`vemre audit watch`: parties, press and observers follow an election, verify it, and raise the alarm."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from audit.hooks.events import CheckpointEvent, EntryEvent, Event, FindingEvent, GateEvent, IncidentEvent
from vemre.cli import console
from vemre.cli.command import Command, option
from vemre.cli.errors import INVALID, OK, UNDECIDED, explain
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.policy import read_anchors
from vemre.cli.translations import language, say
from vemre.election.rules import engine
from vemre.errors import Refused

if TYPE_CHECKING:
    from audit.witness.engine import Witness
    from vemre.log.signer import Ed25519Cosigner

_STAGES: Final = tuple(name for _, _, name in reversed(engine.STAGE_NAMES))
_DATABASE: Final = "service.sqlite3"


@click.command("watch", cls=Command, help="watch-about")
@click.argument("place", metavar="URL")
@option("--policy", required=True, type=click.Path(path_type=Path, dir_okay=False), help="audit-option-policy")
@option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("vemre-watch"),
    show_default=True,
    help="watch-option-data",
)
@option("--cosign", is_flag=True, help="watch-option-cosign")
@option("--name", help="watch-option-name")
@option("--interval", type=click.FloatRange(min=0.05), default=2.0, show_default=True, help="audit-option-interval")
@option("--until", type=click.Choice(_STAGES), help="watch-option-until")
@option("--once", is_flag=True, help="watch-option-once")
@option("--json", "as_json", is_flag=True, help="watch-option-json")
@passphrase_options
def watch(
    place: str,
    policy: Path,
    data: Path,
    cosign: bool,
    name: str | None,
    interval: float,
    until: str | None,
    once: bool,
    as_json: bool,
    passphrase: Passphrase,
) -> int:
    """Ends with 1 upon a finding that convicts, with 0 once the stage is reached, or (`--once`) all is verified."""
    from audit.witness.engine import Watched, Witness
    from audit.witness.sources import Connections
    from vemre import group
    from vemre.service.serve import data_lock
    from vemre.service.station import wall_clock

    anchors = read_anchors(policy)
    with Connections() as connections:
        found, urls = connections.find(place)
        if cosign and not urls:
            raise Refused("watch-cannot-post")
        own = observer_key(data, name, passphrase) if cosign else None
        if own is not None:
            console.say(say("watch-own-key", vkey=str(own.vkey)))
        posts = {log: connections.quick(url) for log, url in urls.items()} if cosign else None
        with data_lock(data):
            witness = Witness(
                data,
                f"sqlite:///{data / _DATABASE}",
                name="watch" if own is None else own.vkey.name,
                cosigner=own,
                watched=Watched(anchors, found, posts),
                group=group.load(),
                random=os.urandom,
                clock=wall_clock,
            )
            try:
                return _attend(witness, Teller(as_json, data), interval, until, once)
            finally:
                witness.close()


def _attend(witness: Witness, teller: Teller, interval: float, until: str | None, once: bool) -> int:
    witness.listen(teller.hear)
    if not teller.as_json:
        console.say(say("watch-begins", folder=str(teller.folder)))
    while True:
        witness.round()
        teller.tell_ballots()
        status = witness.status()
        convicted = [finding for finding in status.findings if finding.provable]
        if convicted:
            console.say(say("watch-alarm", folder=str(witness.evidence / convicted[-1].evidence)), style="bold red")
            return INVALID
        teller.tell_waiting(witness.waiting)
        caught_up = all(log.verified >= log.seen for log in status.logs)
        if until is not None and caught_up and _reached(status.stage, until):
            return OK
        if once:
            return OK if witness.waiting is None and caught_up else UNDECIDED
        time.sleep(interval)


def _reached(stage: str, wanted: str) -> bool:
    return stage in _STAGES and _STAGES.index(stage) >= _STAGES.index(wanted)


class Teller:
    """Prints happenings: one line each, ballots together by round; with `as_json` one JSON object for each event."""

    def __init__(self, as_json: bool, folder: Path) -> None:
        self.as_json = as_json
        self.folder = folder
        self._ballots = 0
        self._waiting = ""

    def hear(self, event: Event) -> None:
        """A listener."""
        if self.as_json:
            from audit.hooks.document import encode

            click.echo(encode(event))
            return
        line = self._line(event)
        if line is not None:
            console.put(line)

    def tell_ballots(self) -> None:
        """The ballots of a round."""
        if self._ballots and not self.as_json:
            console.put(say("watch-ballots", count=self._ballots))
        self._ballots = 0

    def tell_waiting(self, reason: Exception | None) -> None:
        """Why it cannot go on now, once."""
        text = "" if reason is None else explain(reason)[0].wording(language()).detail
        if text and text != self._waiting:
            console.say(say("watch-waiting", reason=text))
        self._waiting = text

    def _line(self, event: Event) -> str | None:
        match event:
            case EntryEvent(type="ballot"):
                self._ballots += 1
                return None
            case EntryEvent():
                return say("watch-entry", log=event.log, index=event.index, type=event.type, signer=event.signer)
            case CheckpointEvent():
                code = "watch-cosigned" if event.cosigned else "watch-seen"
                return say(code, origin=event.origin, size=event.size)
            case GateEvent():
                return say("watch-gate", act=event.act, auditors=", ".join(event.auditors))
            case IncidentEvent():
                return say("watch-incident", log=event.log, signer=event.signer, kind=event.kind, text=event.text)
            case FindingEvent():
                return say(
                    "watch-finding-proven" if event.provable else "watch-finding",
                    check=event.check,
                    where=event.where or "—",
                    party=event.party or "—",
                    detail=event.detail,
                )


def observer_key(folder: Path, name: str | None, passphrase: Passphrase) -> Ed25519Cosigner:
    """The observer's own cosigning key, made at first use.

    Raises Refused("witness-name-unusable"), KeyFileError, OSError, and what the passphrase raises.
    """
    from audit.witness import observer

    made: Callable[[], bytes] = lambda: passphrase.get(confirm=True)  # noqa: E731
    if not observer.exists(folder):
        return observer.create(folder, name, made(), os.urandom, insecure=passphrase.insecure)
    return observer.load(folder, passphrase.get(), allow_insecure=passphrase.insecure)

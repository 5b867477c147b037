"""`vemre demo`: a whole election on this machine, and its record to verify."""

from __future__ import annotations

import secrets
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click

from vemre import group
from vemre.cli import console
from vemre.cli.command import Command, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.results import put_results
from vemre.cli.translations import language, say
from vemre.demo import pef2024, voters
from vemre.demo.auditors import cosigners
from vemre.demo.children import ChildFailed, Children
from vemre.demo.election import Demonstration
from vemre.demo.places import AUDITORS, Places
from vemre.demo.stages import Stages
from vemre.service.export import check_target


@click.command("demo", cls=Command, help="demo-about")
@option("--voters", "count", type=click.IntRange(1, 100_000), default=200, show_default=True, help="demo-option-voters")
@option("--entities", type=click.IntRange(1, 32), default=8, show_default=True, help="demo-option-entities")
@option("--out", type=click.Path(path_type=Path), help="demo-option-out")
@option("--seed", help="demo-option-seed")
@option("--hold", is_flag=True, help="demo-option-hold")
@option("--serve/--no-serve", default=True, help="demo-option-serve")
def command(count: int, entities: int, out: Path | None, seed: str | None, hold: bool, serve: bool) -> int:
    """Ends with 0 where the record verifies and is certified."""
    folder = (out or Path(f"demo-out-{time.strftime('%Y%m%d-%H%M%S')}")).absolute()
    check_target(folder)
    folder.mkdir(parents=True, exist_ok=True)
    seed = secrets.token_hex(8) if seed is None else seed
    places, stages = Places(folder), Stages()
    places.work.mkdir(mode=0o700)
    _banner(count, entities, seed, folder)
    electorate = voters.generate(seed, count, pef2024.entities(entities))
    with Children(places.logs) as children:
        demonstration = (_Held if hold else Demonstration)(places, children, stages, electorate, entities)
        try:
            demonstration.run()
            with stages.stage("export"):
                demonstration.export()
                demonstration.leave_keys()
            with stages.stage("verify"):
                report = demonstration.verify()
            _show(demonstration, report, stages)
            if serve:
                _wait(demonstration)
        except ChildFailed as failure:
            _tell_failure(failure, places)
            return INVALID
        finally:
            demonstration.shut()
    agreed = set(demonstration.verdicts.values()) == {"valid"}
    return OK if agreed and report["certified"] else INVALID


def _banner(count: int, entities: int, seed: str, folder: Path) -> None:
    console.say(say("demo-title", voters=count, entities=entities), style="bold")
    console.say(getattr(pef2024.GENERATED, language()), style="bold yellow")
    console.say(say("demo-folder", folder=str(folder), seed=seed))
    if not group.load().constant_time:
        console.say(say("demo-slow-arithmetic"), style="bold yellow")


def _show(demonstration: Demonstration, report: dict[str, Any], stages: Stages) -> None:
    places = demonstration.places
    if report["verdict"] != "valid":
        console.put(say("demo-invalid", check=str(report["first_failure"])))
        return
    put_results(
        report["result"], demonstration.offer, certified=report["certified"], notice=say("demo-votes-generated")
    )
    _show_auditors(demonstration)
    console.put(say("demo-valid"))
    console.put(say("demo-verify-yourself", record=str(places.record), policy=str(places.policy)))
    console.put(say("demo-keys", folder=str(places.keys)))
    console.put(getattr(pef2024.GENERATED, language()))
    console.say(say("demo-total", seconds=round(stages.total())), style="dim")


def _show_auditors(demonstration: Demonstration) -> None:
    """Who cosigned what, with which verifier each auditor came to which verdict, and what the verifiers say at last."""
    found = cosigners(demonstration.places.record, demonstration.places.policy)
    columns = [say(f"demo-auditors-{name}") for name in ("auditor", "verifier", "verdict")]
    rows = []
    for role, opinion in sorted(demonstration.auditors.verdicts.items()):
        sizes = [size if role in auditors else "—" for size, auditors in found.values()]
        tool = f"{opinion['tool']['name']} {opinion['tool']['version']}"
        rows.append((role, tool, say(f"demo-verdict-{opinion['verdict']}"), *sizes))
    console.put_table(say("demo-auditors-title"), [*columns, *found], rows, numeric=(3, 4, 5))
    for name, verdict in demonstration.verdicts.items():
        console.put(say("demo-verifier", name=name, verdict=say(f"demo-verdict-{verdict}")))
    if demonstration.auditors.second_verifier is None:
        console.put(say("demo-one-verifier"))


class _Held(Demonstration):
    """A demonstration that waits before the close, so that whoever runs it can vote."""

    def hold(self) -> None:
        show_addresses(self)
        console.put(say("demo-hold"))
        while not select.select([sys.stdin], [], [], 1.0)[0]:
            self.children.check()
        sys.stdin.readline()


def _wait(demonstration: Demonstration) -> None:
    """Leave the services up until Ctrl-C."""
    show_addresses(demonstration)
    console.put(say("demo-serving"))
    sys.stdout.flush()
    try:
        while True:
            demonstration.children.check()
            threading.Event().wait(1.0)
    except KeyboardInterrupt:
        console.say(say("demo-ended"))


def show_addresses(demonstration: Demonstration) -> None:
    """Where the pages are, and how to sign in as a voter, as an official and as an auditor."""
    places, pages = demonstration.places, demonstration.pages()
    registry, ballot, tally = pages["registry"], pages["ballot"], pages["tally"]
    visitor = demonstration.visitor
    rows = [
        (say("demo-page-vote"), f"{ballot}/"),
        (say("demo-page-find"), f"{ballot}/recibo"),
        (say("demo-page-challenge"), f"{ballot}/reto"),
        (say("demo-page-practice"), f"{ballot}/practica"),
        (say("demo-page-apply"), f"{registry}/"),
        (say("demo-page-office"), f"{registry}/personal"),
        (say("demo-page-results"), f"{tally}/results"),
        *((f"auditor/{k}", f"{demonstration.auditors.page(k)}/") for k in range(1, AUDITORS + 1)),
    ]
    console.put_table(say("demo-pages-title"), [say("demo-pages-what"), say("demo-pages-where")], rows)
    console.put(say("demo-trust", file=str(places.authority_certificate)))
    console.put(say("demo-as-voter", user=visitor["user"], password=visitor["password"]))
    console.put(say("demo-as-voter-code", secret=visitor["secret"]))
    console.put(say("demo-as-voter-credential", credential=visitor["credential"]))
    console.put(say("demo-as-official", token=demonstration.official_token))
    console.put(say("demo-as-auditor", folder=str(places.auditor(1))))


def _tell_failure(failure: ChildFailed, places: Places) -> None:
    console.say(say("demo-child-failed", name=str(failure), folder=str(places.logs)), style="bold red")
    for line in failure.tail.splitlines():
        console.say(f"    {line}")

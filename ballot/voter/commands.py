"""The command ``vemre voter``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from ballot.voter import paper, simulate
from ballot.voter.duty import VerifiedElection, find_logs, verify_election
from ballot.voter.entering import access_command, secret_from, sign_in, sign_in_command
from ballot.voter.keeping import credential_command, receipt_command, tell
from ballot.voter.session import Pending, cast
from vemre import group as groups
from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.crypto import tracker
from vemre.crypto.credential import Credential
from vemre.election import challenge
from vemre.election.choice import Choice
from vemre.election.choice_names import read_choices
from vemre.election.rules.view import Anchors
from vemre.errors import Refused
from vemre.messages import RemoteProblem
from vemre.records.setup_bodies import Contest
from vemre.service.client import ServiceClient

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_MAX_CHOICES: Final = 1 << 16
_FINAL: Final = 500
_NOT_FINAL: Final = frozenset({401, 429})
"""The session ended, or too much came at once: the same ballot goes out again later."""


@click.group("voter", cls=Group, help="command-voter")
def voter() -> None:
    """The voter."""


def _election_options(function: Any) -> Any:
    for add in (
        option("--policy", required=True, type=_FILE, help="voter-option-policy"),
        option("--ballot-url", required=True, help="service-option-ballot-url"),
        option("--registry-url", help="service-option-registry-url"),
        option("--tally-url", help="service-option-tally-url"),
    ):
        function = add(function)
    return function


def _verified(anchors: Anchors, ballot_url: str, registry_url: str | None, tally_url: str | None) -> VerifiedElection:
    console.say(say("voter-verifying"))
    with ServiceClient(ballot_url) as ballot_box:
        sources = find_logs(ballot_box, {"registry": registry_url, "tally": tally_url})
    return verify_election(anchors, sources, groups.load(), os.urandom)


@voter.command("cast", help="voter-cast")
@_election_options
@option("--credential", type=_FILE, help="voter-option-credential")
@option("--session", type=_FILE, help="voter-option-session")
@option("--keep", type=_FILE, help="voter-option-keep-used")
@option("--choices", type=_FILE, help="voter-option-choices")
@option("--receipt", type=_FILE, default=Path("receipt.tlog-proof"), help="voter-option-receipt")
@option("--challenge", "opening", type=_FILE, help="voter-option-challenge")
@json_option
def cast_command(
    policy: Path,
    ballot_url: str,
    registry_url: str | None,
    tally_url: str | None,
    credential: Path | None,
    session: Path | None,
    keep: Path | None,
    choices: Path | None,
    receipt: Path,
    opening: Path | None,
    as_json: bool,
) -> None:
    """Verify, choose, encrypt, show the fingerprint; then cast, or lay the ballot open."""
    anchors = read_anchors(policy)
    pending = Pending(receipt)
    entry = pending.read()
    if entry is None:
        if receipt.exists():
            raise Refused("file-exists", file=str(receipt))
        election = _verified(anchors, ballot_url, registry_url, tally_url)
        key, urn = election.key_of(Credential.parse(secret_from(credential, "voter-credential")))
        ballot = election.encrypt(
            groups.load(), os.urandom, key, urn, _choices(election.contests(urn), choices, asked=not as_json)
        )
        console.say(say("voter-fingerprint", fingerprint=tracker.shown(ballot.fingerprint)), style="bold")
        if opening is not None or (choices is None and not _decided()):
            place = opening or Path("challenge.json")
            files.write(place, ballot.challenge().encode(election.offer))
            console.say(say("voter-challenged", file=str(place)))
            return
        entry = ballot.cast(election.ballot_log.name)
        token = _session(ballot_url, session, keep)
        pending.keep(entry)
    else:
        console.say(say("voter-again"))
        token = _session(ballot_url, session, keep)
    with ServiceClient(ballot_url, token=token) as ballot_box:
        try:
            checked = cast(ballot_box, entry, anchors)
        except RemoteProblem as problem:
            if problem.status < _FINAL and problem.status not in _NOT_FINAL:
                pending.done()
            raise
    files.write(receipt, checked.file(), private=True)
    pending.done()
    tell(checked, as_json, file=str(receipt))


@voter.command("check-challenge", help="voter-check-challenge")
@click.argument("file", type=_FILE)
@option("--fingerprint", required=True, help="voter-option-fingerprint")
@_election_options
def check_challenge(
    file: Path, fingerprint: str, policy: Path, ballot_url: str, registry_url: str | None, tally_url: str | None
) -> None:
    """The second device: verifies the election itself and encrypts the revealed choices again."""
    try:
        shown = tracker.parse(fingerprint)
    except ValueError:
        raise Refused("fingerprint-mistyped") from None
    data = files.read(file, limit=challenge.MAX_BYTES)
    election = _verified(read_anchors(policy), ballot_url, registry_url, tally_url)
    opening = challenge.Opening.parse(data, election.offer)
    challenge.check_challenge(
        groups.load(),
        context=election.context,
        joint_key=election.joint_key,
        offer=election.offer,
        shown=shown,
        opening=opening,
    )
    paper.show(election.contests(opening.body.urn), dict(opening.choices))
    console.say(say("voter-challenge-passed"), style="bold green")


@voter.command("simulate", help="voter-simulate")
@_election_options
@option("--voters", required=True, type=_FILE, help="voter-option-voters")
@option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True, help="voter-option-concurrency")
@option("--receipts", "folder", type=click.Path(path_type=Path, file_okay=False), help="voter-option-receipts")
@json_option
def simulate_command(
    policy: Path,
    ballot_url: str,
    registry_url: str | None,
    tally_url: str | None,
    voters: Path,
    concurrency: int,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Exit code 1 where any voter was refused."""
    anchors = read_anchors(policy)
    found = simulate.read_voters(voters)
    election = _verified(anchors, ballot_url, registry_url, tally_url)
    with console.progress(say("voter-casting"), len(found)) as advance:
        outcome = simulate.simulate(
            found,
            ballot_url=ballot_url,
            election=election,
            anchors=anchors,
            group=groups.load(),
            random=os.urandom,
            concurrency=concurrency,
            receipts=folder,
            advance=advance,
        )
    result = {"cast": outcome.cast, "refused": dict(sorted(outcome.refused.items()))}
    if as_json:
        console.put_json(result)
    else:
        console.put(say("voter-simulated", cast=outcome.cast, refused=sum(outcome.refused.values())))
    return 1 if outcome.refused else 0


def _session(ballot_url: str, file: Path | None, keep: Path | None) -> str:
    """The token of the session that a file holds, or of one that is opened now."""
    if file is not None:
        return secret_from(file, "voter-option-session")
    with ServiceClient(ballot_url) as ballot_box:
        return sign_in(ballot_box, keep).bearer


def _choices(contests: list[Contest], file: Path | None, *, asked: bool) -> dict[str, Choice]:
    if file is not None:
        try:
            value = json.loads(files.read(file, limit=_MAX_CHOICES))
        except (ValueError, RecursionError):
            raise Refused("choice-unreadable", contest="*") from None
        return read_choices(contests, value)
    if not asked or not sys.stdin.isatty():
        raise Refused("secret-missing")
    found = paper.ask(contests)
    paper.show(contests, found)
    return found


def _decided() -> bool:
    """Whether the voter casts (rather than challenges)."""
    answer = click.prompt(
        say("voter-cast-or-challenge"), type=click.Choice(["cast", "challenge"]), show_choices=True, err=True
    )
    return bool(answer == "cast")


voter.add_command(access_command)
voter.add_command(sign_in_command)
voter.add_command(receipt_command)
voter.add_command(credential_command)

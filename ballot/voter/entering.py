"""The commands of a voter's access: the first one, by the link that came by mail, and signing in."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Final

import click
import segno

from ballot.voter.access import Begun, Entrance, Keep, Session
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.translations import language, say
from vemre.errors import Refused
from vemre.messages import RemoteProblem
from vemre.service.client import ServiceClient

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_MAX_SECRET: Final = 1 << 16
_CODE_REFUSED: Final = frozenset({"access-code-wrong", "password-short", "password-long", "password-common"})


@click.command("access", cls=Command, help="voter-access")
@option("--ballot-url", required=True, help="service-option-ballot-url")
@option("--link", type=_FILE, help="voter-option-link")
@option("--digits", help="voter-option-digits")
@option("--keep", type=_FILE, help="voter-option-keep")
@json_option
def access_command(ballot_url: str, link: Path | None, digits: str | None, keep: Path | None, as_json: bool) -> None:
    """With ``--keep`` the program makes and keeps password and second factor, for trials; else the voter chooses."""
    found = secret_from(link, "voter-link")
    last = digits if digits is not None else ask("voter-digits")
    with ServiceClient(ballot_url) as ballot_box:
        entrance = Entrance(ballot_box)
        if keep is not None:
            if keep.exists():
                raise Refused("file-exists", file=str(keep))
            made = entrance.enter(found, last, os.urandom)
            made.write(keep)
            user = made.user
        else:
            user = _enter(entrance, entrance.begin(found, last))
    if as_json:
        console.put_json({"user": user})
    else:
        console.say(say("voter-access-made", user=user), style="bold green")


def _enter(entrance: Entrance, begun: Begun) -> str:
    """The voter's own telephone and password."""
    console.say(say("voter-access-of", user=begun.user))
    method = ask("voter-factor", choices=begun.factors) if len(begun.factors) > 1 else begun.factors[0]
    chosen = entrance.factor(begun.ticket, method)
    if chosen.totp is not None:
        drawn = io.StringIO()
        segno.make(chosen.totp.uri, micro=False).terminal(drawn, compact=True)
        console.say(say("voter-totp", secret=chosen.totp.secret))
        click.echo(drawn.getvalue(), err=True)
    elif chosen.sms is not None:
        console.say(say("voter-code-sent", masked=chosen.sms.masked))
    while True:
        password = str(click.prompt(say("voter-password"), hide_input=True, confirmation_prompt=True, err=True))
        try:
            return entrance.confirm(begun.ticket, ask("voter-code"), password)
        except RemoteProblem as problem:
            if problem.code not in _CODE_REFUSED:
                raise
            console.say(problem.problem.wording(language()).detail)


@click.command("sign-in", cls=Command, help="voter-sign-in")
@option("--ballot-url", required=True, help="service-option-ballot-url")
@option("--keep", type=_FILE, help="voter-option-keep-used")
@option("--session", "out", type=_FILE, default=Path("session"), show_default=True, help="voter-option-session-out")
@json_option
def sign_in_command(ballot_url: str, keep: Path | None, out: Path, as_json: bool) -> None:
    """The session's token goes into a file (0600) and is shown nowhere."""
    with ServiceClient(ballot_url) as ballot_box:
        session = sign_in(ballot_box, keep)
    files.write(out, f"{session.bearer}\n".encode(), private=True, overwrite=True)
    if as_json:
        console.put_json({"expires": session.expires, "file": str(out)})
    else:
        console.say(say("voter-signed-in", expires=session.expires, file=str(out)))


def sign_in(ballot_box: ServiceClient, keep: Path | None) -> Session:
    """A session, with what was kept at the first access, or with what the voter types."""
    entrance = Entrance(ballot_box)
    if keep is not None:
        session, kept = entrance.session_of(Keep.read(keep))
        kept.write(keep)
        return session
    user, password = ask("voter-user"), ask("voter-password", hidden=True)
    started = entrance.sign_in(user, password)
    return entrance.session(started.ticket, ask(f"voter-code-{'sms' if started.method == 'sms' else 'totp'}"))


def secret_from(file: Path | None, prompt: str) -> str:
    """A credential, link or session's token, from a file with its text, or typed."""
    if file is None:
        return ask(prompt, hidden=True)
    return files.read(file, limit=_MAX_SECRET).decode("utf-8", "replace").strip()


def ask(prompt: str, *, hidden: bool = False, choices: list[str] | None = None) -> str:
    """What the voter types. Raises Refused("secret-missing") where nobody is there to type."""
    if not sys.stdin.isatty():
        raise Refused("secret-missing")
    kind = click.Choice(choices) if choices else None
    return str(click.prompt(say(prompt), hide_input=hidden, type=kind, err=True)).strip()

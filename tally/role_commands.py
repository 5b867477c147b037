"""The commands ``vemre trustee`` and ``vemre mixer``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import click

from tally import keys
from tally.acts import Act
from tally.keys import RoleFile
from tally.mixer_core import MixerState
from tally.options import FILE, FOLDER, Election, election_options, warn_of_slow_arithmetic
from tally.roles import PATIENCE_SECONDS, POLL_SECONDS, FolderOutlet, HttpOutlet, Mixer, Outlet, Role, Runner, Trustee
from tally.trustee_core import TrusteeState
from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.translations import say

Kind = Literal["trustee", "mixer"]
_NUMBER: Final = click.IntRange(1, 99)


@click.group("trustee", cls=Group, help="command-trustee")
def trustee() -> None:
    """Trustees."""


@click.group("mixer", cls=Group, help="command-mixer")
def mixer() -> None:
    """Mixers."""


def _key_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return option("--key", "key_file", required=True, type=FILE, help="tally-option-key")(function)


def _add_init(group: Group, kind: Kind) -> None:
    @group.command("init", help=f"{kind}-init")
    @_key_option
    @option("--number", required=True, type=_NUMBER, help="tally-option-number")
    @option("--name", required=True, help="tally-option-name")
    @passphrase_options
    @json_option
    def init(key_file: Path, number: int, name: str, passphrase: Passphrase, as_json: bool) -> None:
        secret = passphrase.get(confirm=True)
        role = f"{kind}/{number}"
        public = keys.create(key_file, kind, role, name, secret, os.urandom, insecure=passphrase.insecure)
        show_public(public, key_file, as_json)


def show_public(public: dict[str, str], key_file: Path, as_json: bool) -> None:
    """Print the public halves of new keys."""
    if as_json:
        console.put_json(public)
        return
    for field, value in public.items():
        console.put(f"{field}: {value}")
    console.say(say("tally-keys-made", file=str(key_file)))


def _work_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `step` and `attend` take."""
    for add in (
        json_option,
        passphrase_options,
        option("--out", type=FOLDER, help="tally-option-out"),
        election_options,
        _key_option,
    ):
        function = add(function)
    return function


@contextmanager
def _runner(
    kind: Kind,
    key_file: Path,
    election: Election,
    out: Path | None,
    passphrase: Passphrase,
    as_json: bool,
    build: Callable[[RoleFile], Role],
) -> Iterator[tuple[Runner, list[Act]]]:
    """The role at work, and the list of what it has handed over."""
    file = RoleFile.open(key_file, kind, passphrase.get(), os.urandom, allow_insecure=passphrase.insecure)
    done: list[Act] = []

    def tell(act: Act) -> None:
        done.append(act)
        if not as_json:
            console.put(say("tally-act-done", role=file.role, act=say(f"act-{act.type}"), name=act.name))

    with election.source() as source:
        warn_of_slow_arithmetic(source.view.group)
        if out is not None:
            yield Runner(source, file, build(file), FolderOutlet(out), os.urandom, tell), done
            return
        with election.service("tally") as tally:
            outlet: Outlet = HttpOutlet(tally)
            yield Runner(source, file, build(file), outlet, os.urandom, tell), done


def _finish(done: list[Act], as_json: bool) -> None:
    if as_json:
        console.put_json({"acts": [{"type": act.type, "name": act.name} for act in done]})
    elif not done:
        console.say(say("tally-nothing-due"))


def _add_work(group: Group, kind: Kind, flag: tuple[str, str, str], build: Callable[[RoleFile, bool], Role]) -> None:
    """Adds ``step`` and ``attend``; `flag` is the role's own option: name, parameter, help."""
    name, parameter, text = flag

    @group.command("step", help="tally-step")
    @_work_options
    @option(name, parameter, is_flag=True, help=text)
    def step(
        key_file: Path, election: Election, out: Path | None, passphrase: Passphrase, as_json: bool, **given: bool
    ) -> None:
        work = _runner(kind, key_file, election, out, passphrase, as_json, lambda file: build(file, given[parameter]))
        with work as (runner, done):
            if runner.step() is None:
                runner.explain()
            _finish(done, as_json)

    @group.command("attend", help="tally-attend")
    @_work_options
    @option(name, parameter, is_flag=True, help=text)
    @option("--yes", is_flag=True, help="tally-option-yes")
    @option("--poll", type=click.FloatRange(0.05, 3600), default=POLL_SECONDS, help="tally-option-poll")
    @option("--patience", type=click.FloatRange(1), default=PATIENCE_SECONDS, help="tally-option-patience")
    def attend(
        key_file: Path,
        election: Election,
        out: Path | None,
        passphrase: Passphrase,
        as_json: bool,
        yes: bool,
        poll: float,
        patience: float,
        **given: bool,
    ) -> None:
        if not yes:
            click.confirm(say("tally-confirm-attend"), abort=True, err=True)
        work = _runner(kind, key_file, election, out, passphrase, as_json, lambda file: build(file, given[parameter]))
        with work as (runner, done):
            if out is not None:
                # What lies on a stick does not change while it is plugged in here.
                runner.run_due()
            else:
                runner.attend(poll=poll, patience=patience)
            _finish(done, as_json)


def _trustee(file: RoleFile, drill: bool) -> Trustee:
    return Trustee(TrusteeState.from_secrets(file.role, file.key.secret), drill)


def _mixer(file: RoleFile, stand_in: bool) -> Mixer:
    return Mixer(MixerState.from_secrets(file.role, file.key.secret), stand_in)


_add_init(trustee, "trustee")
_add_init(mixer, "mixer")
_add_work(trustee, "trustee", ("--drill", "drill", "trustee-option-drill"), _trustee)
_add_work(mixer, "mixer", ("--stand-in", "stand_in", "mixer-option-stand-in"), _mixer)


@trustee.command("destroy", help="trustee-destroy")
@_work_options
@option("--yes", is_flag=True, help="tally-option-yes")
def destroy(
    key_file: Path, election: Election, out: Path | None, passphrase: Passphrase, as_json: bool, yes: bool
) -> None:
    """Deletes the share of the key, then states so in the log."""
    if not yes:
        click.confirm(say("trustee-confirm-destroy"), abort=True, err=True)
    work = _runner("trustee", key_file, election, out, passphrase, as_json, lambda file: _trustee(file, False))
    with work as (runner, done):
        runner.do(runner.source.refresh(), Act("destruction"))
        _finish(done, as_json)

"""The commands ``vemre trustee`` and ``vemre mixer``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal

import click

from tally import keys
from tally.acts import Act
from tally.keys import RoleFile
from tally.mixer_core import MixerState
from tally.options import FILE, FOLDER, Election, election_options, guard_secrets
from tally.roles import PATIENCE_SECONDS, POLL_SECONDS, FolderOutlet, HttpOutlet, Mixer, Outlet, Role, Runner, Trustee
from tally.trustee_core import TrusteeState
from vemre import group as groups
from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.executors import ExecutorChoice, secret_executor_options
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


@dataclass(frozen=True)
class _Work:
    """What a role was told of its work: with which key, on which election, and where what it makes goes."""

    kind: Kind
    key_file: Path
    election: Election
    out: Path | None
    passphrase: Passphrase
    insecure_reference: bool
    executor: ExecutorChoice
    as_json: bool

    @contextmanager
    def begin(self, build: Callable[[RoleFile], Role]) -> Iterator[Runner]:
        """The role at work; at the end it is told what it has handed over."""
        guard_secrets(groups.load(), insecure_reference=self.insecure_reference)
        passphrase = self.passphrase.get()
        file = RoleFile.open(self.key_file, self.kind, passphrase, os.urandom, allow_insecure=self.passphrase.insecure)
        done: list[Act] = []

        def tell(act: Act) -> None:
            done.append(act)
            if not self.as_json:
                console.put(say("tally-act-done", role=file.role, act=say(f"act-{act.type}"), name=act.name))

        with ExitStack() as stack:
            workers = stack.enter_context(self.executor.workers(secrets=True))
            source = stack.enter_context(self.election.source(workers, file.verified))
            outlet: Outlet
            if self.out is not None:
                outlet = FolderOutlet(self.out)
            else:
                outlet = HttpOutlet(stack.enter_context(self.election.service("tally")))
            try:
                yield Runner(source, file, build(file), outlet, os.urandom, tell)
            finally:
                # Also where nothing was due yet: the next time is sooner done.
                file.note_verified(source.verified)
        if self.as_json:
            console.put_json({"acts": [{"type": act.type, "name": act.name} for act in done]})
        elif not done:
            console.say(say("tally-nothing-due"))


def _work_options(kind: Kind) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What `step`, `attend` and `destroy` take, given to the function as one `work: _Work`."""

    def add_all(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*args: Any, **given: Any) -> Any:
            told = {field.name: given.pop(field.name) for field in fields(_Work) if field.name != "kind"}
            return function(*args, work=_Work(kind, **told), **given)

        decorated: Callable[..., Any] = wrapped
        for add in (
            json_option,
            secret_executor_options,
            passphrase_options,
            option("--insecure-reference", is_flag=True, help="tally-option-insecure-reference"),
            option("--out", type=FOLDER, help="tally-option-out"),
            election_options,
            _key_option,
        ):
            decorated = add(decorated)
        return decorated

    return add_all


def _add_work(group: Group, kind: Kind, flag: tuple[str, str, str], build: Callable[[RoleFile, bool], Role]) -> None:
    """Adds ``step`` and ``attend``; `flag` is the role's own option: name, parameter, help."""
    name, parameter, text = flag

    @group.command("step", help="tally-step")
    @_work_options(kind)
    @option(name, parameter, is_flag=True, help=text)
    def step(work: _Work, **given: bool) -> None:
        with work.begin(lambda file: build(file, given[parameter])) as runner:
            if runner.step() is None:
                runner.explain()

    @group.command("attend", help="tally-attend")
    @_work_options(kind)
    @option(name, parameter, is_flag=True, help=text)
    @option("--yes", is_flag=True, help="tally-option-yes")
    @option("--poll", type=click.FloatRange(0.05, 3600), default=POLL_SECONDS, help="tally-option-poll")
    @option("--patience", type=click.FloatRange(1), default=PATIENCE_SECONDS, help="tally-option-patience")
    def attend(work: _Work, yes: bool, poll: float, patience: float, **given: bool) -> None:
        if not yes:
            click.confirm(say("tally-confirm-attend"), abort=True, err=True)
        with work.begin(lambda file: build(file, given[parameter])) as runner:
            if work.out is not None:
                # What lies on a stick does not change while it is plugged in here.
                runner.run_due()
            else:
                runner.attend(poll=poll, patience=patience)


def _trustee(file: RoleFile, drill: bool) -> Trustee:
    return Trustee(TrusteeState.from_secrets(file.role, file.key.secret), drill)


def _mixer(file: RoleFile, stand_in: bool) -> Mixer:
    return Mixer(MixerState.from_secrets(file.role, file.key.secret), stand_in)


_add_init(trustee, "trustee")
_add_init(mixer, "mixer")
_add_work(trustee, "trustee", ("--drill", "drill", "trustee-option-drill"), _trustee)
_add_work(mixer, "mixer", ("--stand-in", "stand_in", "mixer-option-stand-in"), _mixer)


@trustee.command("destroy", help="trustee-destroy")
@_work_options("trustee")
@option("--yes", is_flag=True, help="tally-option-yes")
def destroy(work: _Work, yes: bool) -> None:
    """Deletes the share of the key, then states so in the log."""
    if not yes:
        click.confirm(say("trustee-confirm-destroy"), abort=True, err=True)
    with work.begin(lambda file: _trustee(file, False)) as runner:
        runner.do(runner.source.refresh(), Act("destruction"))

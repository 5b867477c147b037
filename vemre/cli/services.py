"""What the commands of every service share: making its keys, running it, and asking it for official acts.

A command that only asks for something must not load what running a service takes: the framework and the database are
imported where they are needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.translations import say
from vemre.service.client import ServiceClient
from vemre.types import LogName

if TYPE_CHECKING:
    from fastapi import FastAPI

    from vemre.election.rules.view import Anchors
    from vemre.service.identity import Identity

Build = Callable[[Any, "Identity", "Anchors"], "FastAPI"]
"""Makes a service's application of its settings, its keys and the trust anchors."""
F = TypeVar("F", bound=Callable[..., Any])
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_MAX_TOKEN: Final = 4096


def data_option(function: F) -> F:
    """Adds ``--data``."""
    return option("--data", required=True, type=_FOLDER, help="cli-option-data-dir")(function)


def add_init(group: Group, name: LogName, tokens: tuple[str, ...] = (), *, vault: bool = False) -> None:
    """Adds ``init``: makes the keys of the service, its empty log, its officials' token and those in `tokens`, and
    where it has a `vault` the key of the personal data."""

    def with_vault(function: F) -> F:
        return option("--vault-dir", type=_FOLDER, help="service-option-vault-dir")(function) if vault else function

    @group.command("init", help="service-init")
    @data_option
    @with_vault
    @option("--host-name", required=True, help="service-option-host-name")
    @option("--election-id", required=True, help="service-option-election-id")
    @passphrase_options
    @json_option
    def init(
        data: Path,
        host_name: str,
        election_id: str,
        passphrase: Passphrase,
        as_json: bool,
        vault_dir: Path | None = None,
    ) -> None:
        from vemre.service import identity as identities
        from vemre.service import vault as vaults
        from vemre.service.settings import ServiceSettings, load

        settings = load(ServiceSettings, data_dir=data, origin_host=host_name)
        secret = passphrase.get(confirm=True)
        made = identities.create(settings, name, election_id, secret, os.urandom, insecure=passphrase.insecure)
        for token in tokens:
            identities.create_token(data, token, os.urandom)
        if vault:
            vaults.create(vault_dir or data / "vault")
        if as_json:
            console.put_json(made.public())
        else:
            for field, value in made.public().items():
                console.put(f"{field}: {value}")
            console.say(say("service-init-done", folder=str(data)))


def serving_options(function: F) -> F:
    """Adds ``--tls-certificate``, ``--tls-key`` and ``--trusted-proxy``, for the fields of `ServiceSettings`."""
    function = option(
        "--trusted-proxy",
        "trusted_proxies",
        multiple=True,
        metavar="CIDR",
        # Nothing given leaves the word to environment and configuration file.
        callback=lambda _context, _option, value: value or None,
        help="serving-option-trusted-proxy",
    )(function)
    function = option("--tls-key", type=_FILE, help="serving-option-tls-key")(function)
    return option("--tls-certificate", type=_FILE, help="serving-option-tls-certificate")(function)


def add_serve(
    group: Group,
    name: LogName,
    service: Callable[[], tuple[type[Any], Build]],
    options: Sequence[Callable[[Any], Any]] = (),
) -> None:
    """Adds ``serve``: runs the service until it is told to stop. `service` imports and gives the type of its settings
    and what builds it. `options` are the service's own, each named like the field of the settings that it fills."""

    def with_options(function: F) -> F:
        for add in options:
            function = add(function)
        return function

    @group.command("serve", help="service-serve")
    @data_option
    @with_options
    @serving_options
    @option("--policy", required=True, type=_FILE, help="service-option-policy")
    @option("--witnesses", "witnesses_file", type=_FILE, help="service-option-witnesses")
    @option("--public-url", help="service-option-public-url")
    @option("--host", help="cli-option-host")
    @option("--port", type=int, help="cli-option-port")
    @option("--registry-url", help="service-option-registry-url")
    @option("--ballot-url", help="service-option-ballot-url")
    @option("--tally-url", help="service-option-tally-url")
    @option("--config", type=_FILE, help="cli-option-config")
    @passphrase_options
    def run(data: Path, policy: Path, config: Path | None, passphrase: Passphrase, **given: Any) -> int:
        from vemre.service import identity as identities
        from vemre.service.serve import serve
        from vemre.service.settings import load
        from vemre.service.station import read_anchors

        settings, build = service()
        chosen = load(settings, config=config, data_dir=data, policy_file=policy, **given)
        anchors = read_anchors(chosen)
        secret = passphrase.get()
        keys = identities.load(chosen, name, secret, allow_insecure=passphrase.insecure)
        return serve(lambda: build(chosen, keys, anchors), chosen)


def official_options(function: F) -> F:
    """Adds ``--url`` and ``--token-file``: which service, and the token that `init` made for its officials."""
    with_token = option("--token-file", required=True, type=_FILE, help="service-option-token-file")(function)
    return option("--url", required=True, help="service-option-url")(with_token)


def official(url: str, token_file: Path, **options: Any) -> ServiceClient:
    """A connection that acts for the officials."""
    return ServiceClient(url, token=read_token(token_file), **options)


def read_token(path: Path) -> str:
    """The token in a file. Raises OSError and Refused("file-unusable")."""
    return files.read(path, limit=_MAX_TOKEN).decode("ascii", "replace").strip()

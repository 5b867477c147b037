"""``rotate-vault``: a new key for the personal data of a service that is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.services import data_option
from vemre.cli.translations import say

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

    from vemre.service.resealing import Sealed
    from vemre.storage.schema import Component

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


class Vaulted(NamedTuple):
    """What a service seals: its settings, its schema, what opens its rows (and so proves that the key file is theirs),
    the table that names the vault, and the sealed columns."""

    settings: type[Any]
    components: Iterable[Component]
    bind: Callable[[Engine, Path], object]
    vault: Table
    columns: Sequence[Sealed]


def add_rotate_vault(group: Group, service: Callable[[], Vaulted]) -> None:
    """Adds the command. `service` imports what it takes."""

    @group.command("rotate-vault", help="rotate-vault-about")
    @data_option
    @option("--vault-dir", type=_FOLDER, help="service-option-vault-dir")
    @option("--config", type=_FILE, help="cli-option-config")
    @option("--keep-older", is_flag=True, help="rotate-vault-option-keep-older")
    @json_option
    def rotate_vault(data: Path, vault_dir: Path | None, config: Path | None, keep_older: bool, as_json: bool) -> None:
        """The service must be stopped, all of its instances."""
        from vemre.service import resealing
        from vemre.service.serve import data_lock
        from vemre.service.settings import load
        from vemre.storage import schema
        from vemre.storage.engine import open_engine

        found = service()
        settings = load(found.settings, config=config, data_dir=data, vault_dir=vault_dir)
        with data_lock(settings.data_dir):
            engine = open_engine(settings.database)
            try:
                schema.upgrade(engine, *found.components)
                found.bind(engine, settings.vault)
                done = resealing.rotate(
                    engine, settings.vault, found.vault, found.columns, settings.outbox, keep_older=keep_older
                )
            finally:
                engine.dispose()
        if as_json:
            console.put_json({"key": done.key, "resealed": done.resealed})
        else:
            console.say(say("rotate-vault-done", key=done.key, count=done.resealed))

"""The passphrase of a key file: from a file, from the terminal, or none at all for trials."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from vemre.cli import console
from vemre.cli.command import option
from vemre.cli.translations import say
from vemre.errors import Refused

_MAX_BYTES: Final = 1024


@dataclass(frozen=True)
class Passphrase:
    """Where the passphrase comes from. Holds no secret until `get` is called.

    `insecure` says that insecure key files (`vemre.crypto.keyfile`) may be made and opened.
    """

    file: Path | None = None
    insecure: bool = False

    def get(self, *, confirm: bool = False) -> bytes:
        """The passphrase, empty for an insecure key; `confirm` asks twice, for a new key.

        Raises Refused: "passphrase-missing" without a terminal, "passphrase-empty", "passphrase-file-open". Raises
        OSError for a file that cannot be read.
        """
        if self.insecure:
            console.say(say("cli-insecure-warning"), style="bold yellow")
            return b""
        if self.file is not None:
            return _usable(read_passphrase(self.file))
        if not sys.stdin.isatty():
            raise Refused("passphrase-missing")
        again = say("cli-passphrase-again") if confirm else False
        typed = click.prompt(say("cli-passphrase"), hide_input=True, confirmation_prompt=again, err=True)
        return _usable(str(typed).encode())


def read_passphrase(path: Path) -> bytes:
    """The first line of a passphrase file that only its owner can read, without the line feed."""
    with open(path, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
            raise Refused("passphrase-file-open", file=str(path))
        return file.readline(_MAX_BYTES).rstrip(b"\r\n")


def passphrase_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--passphrase-file`` and ``--insecure``, given to the function as one `passphrase: Passphrase`."""

    @wraps(function)
    def wrapped(*args: Any, passphrase_file: Path | None, insecure: bool, **others: Any) -> Any:
        return function(*args, passphrase=Passphrase(passphrase_file, insecure), **others)

    kind = click.Path(path_type=Path, dir_okay=False)
    with_file = option("--passphrase-file", type=kind, help="cli-option-passphrase-file")
    return with_file(option("--insecure", is_flag=True, help="cli-option-insecure")(wrapped))


def _usable(passphrase: bytes) -> bytes:
    if not passphrase:
        raise Refused("passphrase-empty")
    return passphrase

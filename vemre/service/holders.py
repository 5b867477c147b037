"""Tokens with a name: who of the officials does something.

``official.token`` is the one that `init` makes; its holder is ``official``. Further ones are files
``<folder>/<name>.sha256`` in the data folder, and their holders ``official/<name>``; a file that is taken away ends its
token at once.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from fastapi import Request

from vemre.errors import Refused
from vemre.service.identity import OFFICIAL, create_token
from vemre.service.official import bearer, digest, unauthorized
from vemre.types import Random

FOLDER: Final = "officials"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SUFFIX: Final = ".sha256"


def add_holder(data_dir: Path, name: str, random: Random = os.urandom) -> Path:
    """A new token for an official; gives the file (0600) that is to be taken to its holder.

    Raises Refused("holder-name-unusable").
    """
    if not _NAME.fullmatch(name):
        raise Refused("holder-name-unusable")
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_token(folder, name, random)
    return folder / f"{name}.token"


def holders(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Name and digest of every token."""
    found = [(OFFICIAL, data_dir / f"{OFFICIAL}{_SUFFIX}")]
    found += [(f"{OFFICIAL}/{path.stem}", path) for path in sorted((data_dir / FOLDER).glob(f"*{_SUFFIX}"))]
    for name, path in found:
        try:
            yield name, bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue


def named_official(data_dir: Path) -> Callable[[Request], str]:
    """A FastAPI dependency that lets officials pass, and gives the name of whoever it is."""

    def check(request: Request) -> str:
        given = digest(bearer(request))
        found = [name for name, kept in holders(data_dir) if hmac.compare_digest(given, kept)]
        if not found:
            raise unauthorized()
        return found[0]

    return check

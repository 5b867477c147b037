"""Tokens with a name: who does something, by role.

``official.token`` is the one that `init` makes; its holder is ``official``. Further ones are files
``officials/<name>.sha256`` and ``parties/<name>.sha256`` in the data folder, and their holders ``official/<name>`` and
``party/<name>``; a file that is taken away ends its token at once.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from fastapi import Request

from vemre.errors import Refused
from vemre.service.identity import OFFICIAL, create_token
from vemre.service.official import bearer, digest, unauthorized
from vemre.types import Random

Role = Literal["official", "party"]
FOLDERS: Final[dict[Role, str]] = {"official": "officials", "party": "parties"}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SUFFIX: Final = ".sha256"


def add_holder(data_dir: Path, role: Role, name: str, random: Random = os.urandom) -> Path:
    """A new token for an official or a party; gives the file (0600) that is to be taken to its holder.

    Raises Refused("holder-name-unusable").
    """
    if not _NAME.fullmatch(name):
        raise Refused("holder-name-unusable")
    folder = data_dir / FOLDERS[role]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_token(folder, name, random)
    return folder / f"{name}.token"


def holders(data_dir: Path, role: Role) -> Iterator[tuple[str, bytes]]:
    """Name and digest of every token of a role."""
    found: list[tuple[str, Path]] = [(role, data_dir / f"{OFFICIAL}{_SUFFIX}")] if role == "official" else []
    folder = data_dir / FOLDERS[role]
    found += [(f"{role}/{path.stem}", path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    for name, path in found:
        try:
            yield name, bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue


def holder(data_dir: Path, role: Role, given: bytes) -> str | None:
    """Whose token has this digest, if it is one of a role's."""
    found = [name for name, kept in holders(data_dir, role) if hmac.compare_digest(given, kept)]
    return found[0] if found else None


def named(data_dir: Path, role: Role = "official") -> Callable[[Request], str]:
    """A FastAPI dependency that lets the holders of a role pass, and gives the name of whoever it is."""

    def check(request: Request) -> str:
        found = holder(data_dir, role, digest(bearer(request)))
        if found is None:
            raise unauthorized()
        return found

    return check

"""Who may do what at the registry: officials and representatives of parties, each with a token and a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastapi import Request

from vemre.service.holders import Role, add_holder, holder, named
from vemre.service.problems import request_id


class By(NamedTuple):
    """By which request, and by whom, something is done: what the log of accesses says."""

    request: str
    who: str


def holder_of_role(data_dir: Path, role: Role) -> Callable[[Request], By]:
    """A FastAPI dependency that lets the holders of a role pass, and gives who it is."""
    who = named(data_dir, role)

    def check(request: Request) -> By:
        return By(request_id(request), who(request))

    return check


__all__ = ["By", "Role", "add_holder", "holder", "holder_of_role"]

"""The group ristretto255: one interface, interchangeable back ends.

`load` chooses: by name, or the fastest that is built. The choice is an argument of whoever starts the program,
never of a record or an environment variable [PARAMS].
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from vemre.group.interface import Elements, Group, Scalars

__all__ = ["Backend", "Elements", "Group", "Scalars", "load"]

Backend = Literal["reference"]


def load(name: Backend | None = None) -> Group:
    """The back end called `name`; without one, the fastest there is."""
    return _load(name or "reference")


@cache
def _load(name: Backend) -> Group:
    from vemre.group.reference import ReferenceGroup

    if name != "reference":
        raise ValueError(f"unknown arithmetic back end: {name}")
    return ReferenceGroup()

"""The group ristretto255: one interface, interchangeable back ends.

`load` chooses: by name, or the fastest that is built. The choice is an argument of whoever starts the program,
never of a record or an environment variable [PARAMS].
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from vemre.group.interface import Backend, Elements, Group, Scalars

__all__ = ["Backend", "Elements", "Group", "Scalars", "backends", "load"]


def load(name: Backend | None = None) -> Group:
    """The back end called `name`; without one, the fastest there is."""
    return _load(name or backends()[0])


@cache
def backends() -> tuple[Backend, ...]:
    """The back ends that are built here, the fastest first."""
    return ("reference",) if find_spec("vemre_native") is None else ("native", "reference")


@cache
def _load(name: Backend) -> Group:
    if name == "native":
        from vemre.group.native import NativeGroup

        return NativeGroup()
    if name == "reference":
        from vemre.group.reference import ReferenceGroup

        return ReferenceGroup()
    raise ValueError(f"unknown arithmetic back end: {name}")

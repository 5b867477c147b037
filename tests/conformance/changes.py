"""The workshop of the modules that break one rule at a time: how a change is written down, and small tools for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import forge
from forge import Forgery

from vemre.checks import Check
from vemre.crypto import canonical

Change = Callable[[Forgery], None]

OTHER_ELEMENT = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
NO_ELEMENT = "01" + "00" * 31


class Changes(list[tuple[Check, str, Change]]):
    """(check, party, change): changes of the plain election, with what is wrong as their docstring.

    Each is made to the shortest beginning of that election that shows it.
    """

    def case(self, check: Check, party: str, about: str) -> Callable[[Change], Change]:
        """Decorates a change."""

        def keep(change: Change) -> Change:
            change.__doc__ = about
            self.append((check, party, change))
            return change

        return keep

    def change(self, check: Check, party: str, about: str, apply: Callable[[Forgery], Any]) -> None:
        """A change in one line."""

        def keep(f: Forgery) -> None:
            apply(f)

        self.case(check, party, about)(keep)


def body(f: Forgery, type_: str, nth: int = 0) -> dict[str, Any]:
    """The body of the nth record of a type, in whichever log it is."""
    log = next(name for name in forge.LOGS if any(entry["type"] == type_ for entry in f.logs[name]))
    return f.body(log, type_, nth)


def setting(type_: str, nth: int, **fields: Any) -> Callable[[Forgery], Any]:
    """Other values of some fields."""
    return lambda f: body(f, type_, nth).update(fields)


def swap(items: list[Any], i: int, j: int) -> None:
    """Two items change places."""
    items[i], items[j] = items[j], items[i]


def patch_blob(f: Forgery, holder: dict[str, Any], field: str, edit: Callable[[bytes], bytes]) -> None:
    """A field names a blob with other bytes."""
    holder[field] = f.put_blob(edit(f.blobs[holder[field]["sha256"]]))


def gate_of(f: Forgery, log: str, size: int) -> str:
    """A cosigned checkpoint of the first entries of a log, as it is now."""
    return f._checkpoint(log, [canonical.encode(entry) for entry in f.logs[log]], size).decode()

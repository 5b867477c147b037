"""What an auditor's plan says, as canonical JSON: the same facts give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import vemre
from vemre.crypto import canonical

TOOL: Final = ("vemre", vemre.__version__)

SCOPE: Final = (
    "the three logs: every entry, every rule of the protocol",
    "key generation, drill and setup",
    "roll, ballots, closing, marks",
    "mixing, decryption, count",
)


def plan(auditor: str) -> bytes:
    """How this auditor works."""
    return _document(
        {
            "auditor": auditor,
            "method": "Every entry of the three logs is verified as it appears; a checkpoint is cosigned only if all "
            "entries below it hold. After the result the whole record is fetched and verified once more, from nothing.",
            "independence": "Own keys, own machine, own memory; nothing is believed but the policy file.",
            "scope": list(SCOPE),
        }
    )


def _document(value: Mapping[str, Any]) -> bytes:
    return canonical.encode({**value, "tool": {"name": TOOL[0], "version": TOOL[1]}})

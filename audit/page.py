"""The page with which anybody verifies a record in a browser: built by `audit/verifier-ts`, placed beside a record.

`vemre.cli.export` finds it through the entry point group ``vemre.pages``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from vemre.errors import Refused

BUILD: Final = "make verifier-ts"
_PLACE: Final = '<meta name="vemre-record" content="">'
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"<>]*)">')


@dataclass(frozen=True)
class VerifierPage:
    """The page, and the policy (a Content-Security-Policy) that admits its own parts by their digests."""

    html: bytes
    policy: str


def verifier_page(record: str) -> VerifierPage:
    """The page that proposes to verify the record at the address `record`, relative to its own.

    Raises Refused("verifier-page-missing") where it was not built.
    """
    try:
        text = _built().read_text(encoding="utf-8")
    except OSError:
        raise Refused("verifier-page-missing", command=BUILD) from None
    policy = _POLICY.search(text)
    if policy is None or text.count(_PLACE) != 1 or not re.fullmatch(r"[a-z./]+", record):
        raise Refused("verifier-page-missing", command=BUILD)
    html = text.replace(_PLACE, _PLACE.replace('content=""', f'content="{record}"'))
    return VerifierPage(html.encode(), policy[1])


def beside_a_record() -> bytes:
    """The page as a file in the folder of a record. Raises Refused("verifier-page-missing")."""
    return verifier_page("./").html


def _built() -> Traversable:
    return resources.files("audit").joinpath("verifier-ts", "dist", "web", "index.html")

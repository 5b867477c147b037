"""What a voter compares by eye: trackers of ballots in the log, fingerprints of ballots before they are cast.

Source: protocol, section 7.
"""

from __future__ import annotations

import hashlib
from typing import Final

from vemre.crypto import crockford

SHOWN_BYTES: Final = 20
SHOWN_SYMBOLS: Final = SHOWN_BYTES * 8 // crockford.SYMBOL_BITS

_FINGERPRINT_DOMAIN: Final = b"VEMRE-1/ballot"


def shown(digest: bytes) -> str:
    """The short form of a 32-byte leaf hash or fingerprint: its first 20 bytes, in eight groups of four symbols."""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("a tracker is made of a 32-byte digest")
    number = int.from_bytes(digest[:SHOWN_BYTES], "big")
    return crockford.grouped(crockford.encode(number, SHOWN_SYMBOLS))


def parse(text: str) -> bytes:
    """The 20 bytes of a short form that a person typed. Raises ValueError."""
    symbols = crockford.normalise(text)
    if len(symbols) != SHOWN_SYMBOLS:
        raise ValueError(f"a tracker has {SHOWN_SYMBOLS} symbols")
    return crockford.decode(symbols).to_bytes(SHOWN_BYTES, "big")


def fingerprint(canonical_body: bytes) -> bytes:
    """SHA-256("VEMRE-1/ballot" || the canonical JSON of a ballot's body). Shown before it is cast or challenged."""
    return hashlib.sha256(_FINGERPRINT_DOMAIN + canonical_body).digest()

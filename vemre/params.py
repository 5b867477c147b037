"""The one parameter set, pinned in code: nothing in a record selects a group [PARAMS].

Source: protocol, section 1; RFC 9496.
"""

from typing import Final

NAME: Final = "VEMRE-1"
GROUP_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""l, the order of ristretto255."""

ELEMENT_BYTES: Final = 32
SCALAR_BYTES: Final = 32
BLOCK_BYTES: Final = 30
"""Bytes of a choice that one ciphertext carries."""

MAX_ENTRY_BYTES: Final = 65_535
MAX_JSON_INTEGER: Final = 2**53 - 1
WEIGHT_BYTES: Final = 16
"""Batch verification weights have 128 bits."""

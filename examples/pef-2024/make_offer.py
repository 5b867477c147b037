"""Write the offer of 2024 as the manifest wants it: canonical JSON. ``python make_offer.py > offer.json``"""

from __future__ import annotations

import sys

from vemre.demo import pef2024
from vemre.election.drafts import offer_blob

if __name__ == "__main__":
    sys.stdout.buffer.write(offer_blob(pef2024.offer()))

"""Write the offer of 2024 as the manifest wants it: canonical JSON. ``python make_offer.py > offer.json``"""

from __future__ import annotations

import argparse
import sys

from vemre.demo import pef2024
from vemre.election.drafts import offer_blob


def main() -> None:
    """Parse the arguments and write the offer to standard output."""
    parser = argparse.ArgumentParser(description="The offer of 2024 for voters abroad.")
    parser.add_argument("--entities", type=int, default=32, help="how many entities, the greatest first (32)")
    arguments = parser.parse_args()
    try:
        chosen = pef2024.entities(arguments.entities)
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.buffer.write(offer_blob(pef2024.offer(chosen)))


if __name__ == "__main__":
    main()

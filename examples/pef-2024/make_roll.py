"""Write a generated roll in the shape of 2024. ``python make_roll.py --internet 1000 --seed 7 > roll.csv``"""

from __future__ import annotations

import argparse
import sys

from vemre.demo import pef2024


def main() -> None:
    """Parse the arguments, write the roll to standard output and a reminder to standard error."""
    parser = argparse.ArgumentParser(description=pef2024.GENERATED.en)
    parser.add_argument("--internet", type=int, default=1000, help="voters by Internet (1000)")
    parser.add_argument("--entities", type=int, default=32, help="how many entities, the greatest first (32)")
    parser.add_argument("--seed", default="2024", help="the same seed gives the same roll (2024)")
    arguments = parser.parse_args()
    try:
        chosen = pef2024.entities(arguments.entities)
        roll = pef2024.write_roll(pef2024.generate_roll(arguments.seed, arguments.internet, chosen))
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.buffer.write(roll)
    sys.stdout.flush()
    print(pef2024.GENERATED.es, pef2024.GENERATED.en, sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()

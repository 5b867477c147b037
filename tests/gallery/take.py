"""Take the pictures: `python -m gallery.take docs/screenshots` (`make screenshots` prepares everything for it).

Every picture comes from the real pages over real services; what people, votes and emblems stand on them is invented.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from gallery import public_pages, registry_pages, voter_pages
from gallery.camera import Camera
from gallery.index import write_index

PARTS: Final = {"voter": voter_pages.take, "registry": registry_pages.take, "public": public_pages.take}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("es", "en"), default="es")
    parser.add_argument("--kind", choices=("webp", "png"), default="webp")
    parser.add_argument("--part", choices=tuple(PARTS), action="append", help="these alone")
    parser.add_argument("--only", default="", help="names that begin so")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(given.folder, given.language, given.kind, given.only)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver, camera.running(driver):
        for name in given.part or PARTS:
            print(name, flush=True)
            PARTS[name](camera, Path(work) / name)
    if given.kind == "webp" and not given.part and not given.only:
        write_index(given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The emblems of an offer: pictures that the operator hands over, served under their digests like other blobs.

The offer, which the authority signed, names each by its SHA-256, and a page shows nothing that has another. So who
hands them over need not be believed, and a picture that is missing costs a ballot its pictures and nobody a vote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed, Refused
from vemre.service.sources import read_regular
from vemre.storage.blobs import BlobStore

MAX_BYTES: Final = 128 << 10
MAX_FILES: Final = 2000
_SETTING: Final = "emblem_folder"
_KINDS: Final = ((0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (8, b"WEBP"))
"""Pictures that can hold no script: where in a file its kind stands, and how it is written."""


def keep_emblems(folder: Path, blobs: BlobStore) -> list[str]:
    """Keep each file of a folder as a blob; gives their digests in the order of their names.

    Raises Refused("settings-unusable") where there is no such folder, and for a file that is no PNG, JPEG or WebP of at
    most 128 KiB.
    """
    if not folder.is_dir():
        raise Refused("settings-unusable", fields=_SETTING)
    found = sorted(folder.iterdir())
    if len(found) > MAX_FILES:
        raise Refused("settings-unusable", fields=_SETTING)
    return [blobs.put(_picture(path)) for path in found]


def _picture(path: Path) -> bytes:
    try:
        data = read_regular(path, MAX_BYTES, Check.BLOB_DIGEST)
    except (FileNotFoundError, CheckFailed):
        data = b""
    if not any(data[place:].startswith(start) for place, start in _KINDS):
        raise Refused("settings-unusable", fields=f"{_SETTING} ({path.name})")
    return data

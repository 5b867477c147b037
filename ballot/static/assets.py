"""The page as it is served: read once when the service starts, each file with its digest.

What changes on the disk later is not served, and ``/assets.json`` tells of every byte that is. Its own SHA-256 is the
page's digest, which a `page-assets` record puts into the ballot log.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Final, cast

from fastapi import FastAPI

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed, Refused
from vemre.records.policy import Policy, PolicyError, parse_policy
from vemre.service.sources import read_regular

PAGES: Final = {
    "/": "index.html",
    "/acceso": "acceso.html",
    "/recibo": "recibo.html",
    "/reto": "reto.html",
    "/practica": "practica.html",
}
"""The file of each page, by the path at which it is served."""
POLICY: Final = "/policy.json"
LIST: Final = "/assets.json"
FOLDER: Final = "assets"
"""The folder of everything else: its files have a digest in their names, and never change."""

MAX_FILE_BYTES: Final = 8 << 20
MAX_FILES: Final = 200
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_OCTETS: Final = "application/octet-stream"
_PACKED: Final = frozenset({".html", ".js", ".css", ".json", ".svg"})


@dataclass(frozen=True)
class Asset:
    """A file as it is served. `packed` is the same in gzip, where that is smaller."""

    path: str
    data: bytes
    media_type: str
    packed: bytes | None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file as hex."""
        return hashlib.sha256(self.data).hexdigest()


class Assets(Mapping[str, Asset]):
    """Everything that makes up the page, by the path at which it is served; empty where no client was built.

    ``/assets.json`` is among them, and does not name itself.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._assets = {path: _asset(path, data) for path, data in sorted(files.items())}
        self.digests = {path: asset.digest for path, asset in self._assets.items()}
        """What a `page-assets` record is about."""
        if files:
            self._assets[LIST] = _asset(LIST, canonical.encode(self.digests))

    def __getitem__(self, path: str) -> Asset:
        return self._assets[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)


def assets(app: FastAPI) -> dict[str, str]:
    """The SHA-256 (hex) of everything that a ballot box's application serves as its page, by path.

    The canonical JSON of it is ``/assets.json``. Empty where no client was built: then there is no page to attest.
    """
    return dict(cast(Assets, app.state.assets).digests)


def built_client() -> Path:
    """Where the build of the client lies in an installation (``make client``)."""
    return Path(str(resources.files("ballot").joinpath("client", "dist")))


def read_assets(folder: Path, policy_file: Path | None, policy: Policy) -> Assets:
    """The page in the folder of a build, with the policy file, which must be the `policy` that the service runs with.

    Raises Refused("page-unusable") for a build that holds what no build makes, Refused("settings-unusable") for
    another policy file.
    """
    if not (folder / PAGES["/"]).is_file():
        return Assets({})
    files = {path: _read(folder / name) for path, name in PAGES.items() if (folder / name).is_file()}
    for file in _files(folder / FOLDER):
        files[f"/{FOLDER}/{file.relative_to(folder / FOLDER).as_posix()}"] = _read(file)
        if len(files) > MAX_FILES:
            raise Refused("page-unusable", file=FOLDER)
    files[POLICY] = _policy(policy_file, policy)
    return Assets(files)


def _files(folder: Path) -> Iterator[Path]:
    """Every regular file below a folder; anything else, links included, is not of a build."""
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        folders.sort()
        for name in (*folders, *sorted(names)):
            path = Path(place, name)
            if not (stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode)):
                raise Refused("page-unusable", file=name)
        yield from (Path(place, name) for name in sorted(names))


def _unreadable(error: OSError) -> None:
    raise Refused("page-unusable", file=FOLDER) from error


def _read(file: Path) -> bytes:
    try:
        return read_regular(file, MAX_FILE_BYTES, Check.BLOB_DIGEST)
    except (OSError, CheckFailed):
        raise Refused("page-unusable", file=file.name) from None


def _policy(file: Path | None, policy: Policy) -> bytes:
    """The policy file byte by byte: people compare it with what was published."""
    try:
        if file is not None and parse_policy(data := file.read_bytes()) == policy:
            return data
    except (OSError, PolicyError):
        pass
    raise Refused("settings-unusable", fields="policy_file")


def _asset(path: str, data: bytes) -> Asset:
    suffix = ".html" if path in PAGES else PurePosixPath(path).suffix
    packed = gzip.compress(data, mtime=0) if suffix in _PACKED else data
    return Asset(path, data, _TYPES.get(suffix, _OCTETS), packed if len(packed) < len(data) else None)

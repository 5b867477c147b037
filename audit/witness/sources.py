"""Where a witness reads logs from, each answer bounded in bytes and time, so that one log cannot hold up the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed, Refused
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.messages import RemoteProblem, Unreachable
from vemre.service.client import HttpSource, ServiceClient, TooLong
from vemre.service.election_source import from_folder
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, LogName

STEP_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
"""A tile has 16 MiB at most; whoever needs longer for it is waited for in the next round."""
BLOB_SECONDS: Final = 600.0
_NOT_FOUND: Final = "HTTP 404"


class ServiceSource:
    """A log as its service serves it."""

    def __init__(self, small: ServiceClient, large: ServiceClient) -> None:
        self._small = HttpSource(small)
        self._large = HttpSource(large)

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        """See `LogSource`."""
        return self._small.checkpoint(cosigned=cosigned, covering=covering)

    def tile(self, path: str) -> bytes:
        """See `LogSource`."""
        return self._small.tile(path)

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`."""
        return self._large.blob(digest, limit)


class StaticSource:
    """A log as static files below an address: ``<prefix>/checkpoint``, ``<prefix>/tile/...``, ``<blobs>/<sha256>``."""

    def __init__(self, small: ServiceClient, large: ServiceClient, prefix: str = "", blobs: str = "/blob") -> None:
        self._small = small
        self._large = large
        self._prefix = prefix
        self._blobs = blobs

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:  # noqa: ARG002  (one file is all)
        """See `LogSource`. There is one checkpoint, and whoever needs a quorum counts it."""
        return _get(self._small, f"{self._prefix}/checkpoint", MAX_NOTE_BYTES, Check.NOTE)

    def tile(self, path: str) -> bytes:
        """See `LogSource`."""
        return _get(self._small, f"{self._prefix}/{path}", MAX_BUNDLE_BYTES, Check.LOG)

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`."""
        return _get(self._large, f"{self._blobs}/{digest}", limit, Check.BLOB_DIGEST)


class Connections:
    """The connections of one witness, closed together; a context manager."""

    def __init__(self) -> None:
        self._clients: list[ServiceClient] = []

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all of them."""
        for client in self._clients:
            client.close()

    def quick(self, url: str) -> ServiceClient:
        """A connection for what is small. One attempt: the witness comes again by itself. Raises Unreachable for an
        address that is none."""
        return self._connect(url, ANSWER_SECONDS)

    def of_services(self, urls: Mapping[LogName, str]) -> dict[LogName, LogSource]:
        """The logs of running services. Raises Unreachable."""
        return {name: ServiceSource(self.quick(url), self._patient(url)) for name, url in urls.items()}

    def of_files(self, url: str) -> LogSource:
        """One log that is served as files below an address. Raises Unreachable."""
        return StaticSource(self.quick(url), self._patient(url))

    def find(self, place: str) -> tuple[dict[LogName, LogSource], dict[LogName, str]]:
        """The logs at a place, and the addresses of their services where the place leads to them.

        The place is a folder with an election record, the address of any service of the election, of a record that is
        served as files, or of a witness, which serves one. Raises Refused("watch-nothing-there") where it is none of
        these, Unreachable, OSError.
        """
        if Path(place).is_dir():
            return from_folder(Path(place)), {}
        client = self.quick(place)
        found = _json(client, "/logs")
        if isinstance(found, dict) and all(isinstance(found.get(name), str) for name in LOG_NAMES):
            urls: dict[LogName, str] = {name: found[name] for name in LOG_NAMES}
            return self.of_services(urls), urls
        for below in ("", "/record"):
            try:
                _get(client, f"{below}/tally/checkpoint", MAX_NOTE_BYTES, Check.NOTE)
            except (FileNotFoundError, RemoteProblem, CheckFailed):
                continue
            large = self._patient(place)
            return {name: StaticSource(client, large, f"{below}/{name}", f"{below}/blob") for name in LOG_NAMES}, {}
        raise Refused("watch-nothing-there", place=client.place)

    def _patient(self, url: str) -> ServiceClient:
        """A connection for blobs, which may have a gigabyte."""
        return self._connect(url, BLOB_SECONDS)

    def _connect(self, url: str, deadline: float) -> ServiceClient:
        client = ServiceClient(url, timeout=STEP_SECONDS, deadline=deadline, attempts=1)
        self._clients.append(client)
        return client


def _json(client: ServiceClient, path: str) -> object:
    try:
        return client.get_json(path)
    except RemoteProblem:
        return None
    except Unreachable as error:
        if error.reason.startswith("HTTP 4") or "JSON" in error.reason:
            return None
        raise


def _get(client: ServiceClient, path: str, limit: int, check: Check) -> bytes:
    try:
        return client.request("GET", path, limit=limit)
    except RemoteProblem as problem:
        if problem.status == 404:
            raise FileNotFoundError(path) from None
        raise
    except Unreachable as error:
        if error.reason == _NOT_FOUND:
            raise FileNotFoundError(path) from None
        raise
    except TooLong:
        raise CheckFailed(check, f"{path}: more than {limit} bytes") from None

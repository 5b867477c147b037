"""The folder of messages that wait: one sealed file (0600) for each, in a folder for each channel.

A message may hold a secret that the service itself does not keep, so it is durable before the database says that the
secret exists, and its file goes away once somebody took it. Beside the sealed message a file says in clear of which
kind it is, since when it waits, how often it was tried in vain, and when it is due again: nothing about anybody.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from vemre.service.delivery import letters
from vemre.service.delivery.message import CHANNELS, NAME, Channel, Message
from vemre.service.vault import Place, Vault, VaultError
from vemre.types import Clock

_SUFFIX: Final = ".json"
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """A message in the outbox. `since` and `due` in POSIX seconds; `tries` counts attempts in vain, `problem` is the
    short technical reason of the last one. `refused` says that it will not be tried again by itself."""

    name: str
    channel: Channel
    template: str
    since: int
    tries: int
    due: int
    problem: str
    refused: bool
    sealed: str

    def __repr__(self) -> str:
        return f"Waiting({self.name})"


def _now() -> int:
    return int(time.time())


class Outbox:
    """What waits. Safe from several threads of one process."""

    def __init__(self, folder: Path, vault: Vault, clock: Clock = _now) -> None:
        """Creates the folders (0700) where they are missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for channel in CHANNELS:
            (folder / channel).mkdir(exist_ok=True, mode=0o700)
        self.folder = folder
        self._vault = vault
        self._clock = clock
        self._lock = threading.Lock()

    def put(self, message: Message) -> None:
        """Write a message; it is durable once the next `sync` returned.

        Raises ValueError for a name, channel or template that is none, or values that the template lacks.
        """
        if not NAME.fullmatch(message.name):
            raise ValueError("not the name of a message")
        letters.check(message)
        now = self._clock()
        place = Place("outbox", message.channel, message.name)
        sealed = self._vault.seal(place, json.dumps(asdict(message), ensure_ascii=False))
        with self._lock:
            self._write(Waiting(message.name, message.channel, message.template, now, 0, now, "", False, sealed))

    def sync(self) -> None:
        """Make what was put durable."""
        for channel in CHANNELS:
            descriptor = os.open(self.folder / channel, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def count(self) -> int:
        """How many messages wait."""
        return sum(_is_message(name) for channel in CHANNELS for name in os.listdir(self.folder / channel))

    def waiting(self) -> Iterator[Message]:
        """Every message that was not handed over yet and can be read, the oldest first."""
        for channel in CHANNELS:
            for entry in self.entries(channel):
                message = self.open(entry)
                if message is not None:
                    yield message

    def remove(self, name: str) -> None:
        """The messages of this name must not be handed over."""
        if not NAME.fullmatch(name):
            raise ValueError("not the name of a message")
        with self._lock:
            for channel in CHANNELS:
                self._path(channel, name).unlink(missing_ok=True)

    def keep_only(self, wanted: Callable[[Message], bool]) -> int:
        """Remove what is not `wanted`: messages of acts that did not come to their end. Gives how many there were.

        Only while no act is under way.
        """
        removed = 0
        for channel in CHANNELS:
            for entry in list(self.entries(channel)):
                message = self.open(entry)
                if message is not None and not wanted(message):
                    removed += self.done(entry)
        return removed

    def reseal(self) -> int:
        """Seal what waits under the vault's current key; gives how many messages were sealed under an older one."""
        renewed = 0
        for channel in CHANNELS:
            for entry in list(self.entries(channel)):
                with suppress(VaultError):
                    sealed = self._vault.renew(Place("outbox", entry.channel, entry.name), entry.sealed)
                    if sealed is not None:
                        with self._lock:
                            self._write(replace(entry, sealed=sealed))
                        renewed += 1
        self.sync()
        return renewed

    # --- for the courier --------------------------------------------------------------------------------------

    def entries(self, channel: Channel) -> Iterator[Waiting]:
        """What waits for a channel; who waits longest since the last attempt comes first."""
        files = []
        with os.scandir(self.folder / channel) as found:
            for file in filter(lambda file: _is_message(file.name), found):
                # Another thread may hand a message over between the listing and the look at it.
                with suppress(FileNotFoundError):
                    files.append((file.stat().st_mtime_ns, file.name))
        for _, name in sorted(files):
            entry = self._read(channel, name.removesuffix(_SUFFIX))
            if entry is not None:
                yield entry

    def open(self, entry: Waiting) -> Message | None:
        """The message, or None where it cannot be read: altered, or sealed by another vault."""
        try:
            text = self._vault.open(Place("outbox", entry.channel, entry.name), entry.sealed)
            return Message(**json.loads(text))
        except (VaultError, ValueError, TypeError):
            _logger.error("message-unreadable", message=entry.name)
            return None

    def done(self, entry: Waiting) -> bool:
        """Somebody took this very message: a newer one of its name stays. Gives whether it was still there."""
        with self._lock:
            if not self._unchanged(entry):
                return False
            self._path(entry.channel, entry.name).unlink()
            return True

    def note(self, entry: Waiting, problem: str, *, due: int, refused: bool = False) -> None:
        """An attempt was in vain."""
        with self._lock:
            if self._unchanged(entry):
                self._write(replace(entry, tries=entry.tries + 1, problem=problem, due=due, refused=refused))

    def again(self, entry: Waiting) -> None:
        """Let a message be tried as if it were new."""
        with self._lock:
            if self._unchanged(entry):
                self._write(replace(entry, due=self._clock(), refused=False))

    def _unchanged(self, entry: Waiting) -> bool:
        found = self._read(entry.channel, entry.name)
        return found is not None and found.sealed == entry.sealed

    def _read(self, channel: Channel, name: str) -> Waiting | None:
        try:
            found: dict[str, Any] = json.loads(self._path(channel, name).read_bytes())
            return Waiting(name=name, channel=channel, **found)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            _logger.error("message-unreadable", message=name)
            return None

    def _write(self, entry: Waiting) -> None:
        content = asdict(entry)
        del content["name"], content["channel"]
        path = self._path(entry.channel, entry.name)
        aside = path.with_name(f".{entry.name}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)

    def _path(self, channel: Channel, name: str) -> Path:
        return self.folder / channel / f"{name}{_SUFFIX}"


def _is_message(file: str) -> bool:
    return file.endswith(_SUFFIX) and NAME.fullmatch(file.removesuffix(_SUFFIX)) is not None

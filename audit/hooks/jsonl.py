"""The hook `jsonl`: every event as a line of JSON, in a file or on standard output.

    use = "jsonl"
    file = "/var/log/vemre/events.jsonl"   # "-" for standard output
    fsync = false                          # whether each line is on the disk before the next event
    max_bytes = 104857600                  # then the file is named <file>.1, and a new one begins; 0: never
    keep = 5                               # how many older files stay

A line is the event's document with `at`, the time of writing (POSIX seconds).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from audit.hooks.document import document
from audit.hooks.events import Event
from audit.hooks.interface import EveryEvent, HookContext, HookError

_STANDARD: Final = "-"
_MODE: Final = 0o600


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    file: str
    fsync: bool = False
    max_bytes: int = 100 << 20
    keep: int = 5


class JsonLines(EveryEvent):
    """See the module."""

    def __init__(self, settings: Mapping[str, Any], context: HookContext) -> None:
        super().__init__(settings, context)
        try:
            self._settings = msgspec.convert(dict(settings), _Settings)
        except msgspec.ValidationError as error:
            raise HookError(str(error)) from None
        if self._settings.max_bytes < 0 or not 1 <= self._settings.keep <= 1_000:
            raise HookError("max_bytes is 0 or more, keep from 1 to 1000")
        self._path = Path(self._settings.file)
        self._descriptor = sys.stdout.fileno() if self._settings.file == _STANDARD else self._open()

    def on_event(self, event: Event) -> None:
        """See `EveryEvent`."""
        line = msgspec.json.encode({"at": int(time.time()), **document(event)}) + b"\n"
        try:
            self._rotate(len(line))
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            if self._settings.fsync and self._settings.file != _STANDARD:
                os.fsync(self._descriptor)
        except OSError as error:
            raise HookError(f"the line cannot be written ({error.strerror})") from None

    def _rotate(self, more: int) -> None:
        limit = self._settings.max_bytes
        if self._settings.file == _STANDARD or not limit:
            return
        size = os.fstat(self._descriptor).st_size
        if not size or size + more <= limit:
            return
        for number in range(self._settings.keep, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                os.replace(older, self._numbered(number))
        os.close(self._descriptor)
        self._descriptor = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _open(self) -> int:
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(self._path, flags, _MODE)
        except OSError as error:
            raise HookError(f"{self._path}: {error.strerror}") from None

"""The files that a VeMRE consists of on this machine, or in a folder: read strictly, with bounds, links not followed.

Source: docs/spec/integrity.md.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from vemre.crypto import canonical
from vemre.election.release import CACHES, ENTRY_POINTS, LEFT_OUT, PACKAGES, Deployed, is_release_path
from vemre.errors import Refused
from vemre.service import bytecode

MAX_FILE_BYTES: Final = 64 << 20
MAX_FILES: Final = 20_000
MAX_DEPTH: Final = 32
_MAX_CACHE_BYTES: Final = 8 << 20
_READINGS: Final = 3
"""How often a file is read that changes meanwhile, before it counts as one that cannot be read."""
_CHUNK: Final = 1 << 20
_COMMANDS: Final = "vemre.commands"
_SCRIPTS: Final = "console_scripts"
_MAX_DECLARATION: Final = 1 << 20
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a named pipe would wait for ever.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Unsteady(OSError):
    """A file changes while it is read."""


def scan(root: Path | None = None, *, caches: bool = True) -> Deployed:
    """Everything in the packages below `root`, or in those that run here. With `caches`, compiled code is compared with
    its source, and what is not made from it counts as strange.

    Raises Refused("release-not-found") where there is no VeMRE, Refused("release-too-large"), OSError.
    """
    place = root if root is not None else installed_root()
    found = _Scan()
    for package in PACKAGES:
        found.package(place, package)
    if not found.files:
        raise Refused("release-not-found", folder=str(place))
    points = _declared_in(place) if root is not None else _effective()
    found.files[ENTRY_POINTS] = hashlib.sha3_256(canonical.encode(points)).hexdigest()
    if root is None:
        found.strange.update(_elsewhere(place))
    if caches:
        found.strange.update(dict.fromkeys(bytecode.unfaithful(found.compiled), "compiled from something else"))
    return Deployed(found.files, found.strange)


def installed_root() -> Path:
    """The folder that holds the packages of this process."""
    return Path(__file__).parents[2]


@dataclass
class _Scan:
    """What has been found so far."""

    files: dict[str, str] = field(default_factory=dict)
    strange: dict[str, str] = field(default_factory=dict)
    compiled: list[bytecode.Pair] = field(default_factory=list)
    _seen: int = 0

    def package(self, root: Path, name: str) -> None:
        """A package and everything below it. A missing one is no error here: its files are missing."""
        try:
            folder = os.open(root / name, _FOLDER_FLAGS)
        except FileNotFoundError:
            return
        except OSError as error:
            self.strange[f"{name}/"] = _reason(error)
            return
        try:
            self._walk(folder, name, 1)
        finally:
            os.close(folder)

    def _walk(self, folder: int, prefix: str, depth: int) -> None:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for name, is_folder in found:
            self._seen += 1
            if self._seen > MAX_FILES:
                raise Refused("release-too-large", files=MAX_FILES)
            if not is_folder:
                self._file(folder, name, f"{prefix}/{name}")
            elif name == CACHES:
                self._below(folder, name, f"{prefix}/{name}", depth, self._caches)
            elif name not in LEFT_OUT:
                self._below(folder, name, f"{prefix}/{name}", depth, self._walk)

    def _below(self, parent: int, name: str, path: str, depth: int, act: Any) -> None:
        if depth >= MAX_DEPTH:
            self.strange[f"{_shown(path)}/"] = "nested too deeply"
            return
        try:
            folder = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        except OSError as error:
            self.strange[f"{_shown(path)}/"] = _reason(error)
            return
        try:
            act(folder, path, depth + 1)
        except OSError as error:
            self.strange[f"{_shown(path)}/"] = _reason(error)
        finally:
            os.close(folder)

    def _file(self, folder: int, name: str, path: str) -> None:
        try:
            file_digest = _steady_digest(folder, name)
        except FileNotFoundError:
            return  # gone since the folder was listed: it is not there
        except OSError as error:
            self.strange[_shown(path)] = _reason(error)
            return
        if is_release_path(path):
            self.files[path] = file_digest
        else:
            self.strange[_shown(path)] = "a name that no release has"

    def _caches(self, folder: int, prefix: str, _depth: int) -> None:
        """Compiled code, each file beside the source that it must be made from."""
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            self._seen += 1
            path = _shown(f"{prefix}/{name}")
            source = bytecode.source_of(name)
            try:
                if source is None:
                    raise OSError(errno.EINVAL, "no compiled code of this interpreter")
                cache = _read(folder, name, _MAX_CACHE_BYTES)
                text = _read(folder, f"../{source.name}", _MAX_CACHE_BYTES)
            except OSError as error:
                self.strange[path] = _reason(error)
                continue
            self.compiled.append(bytecode.Pair(path, cache, text, source.level))


# --- files --------------------------------------------------------------------------------------------------------


@contextmanager
def _regular(folder: int, name: str) -> Iterator[tuple[int, os.stat_result]]:
    """A descriptor of a regular file and its status. Raises OSError."""
    descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, "too large")
        yield descriptor, status
    finally:
        os.close(descriptor)


def _steady_digest(folder: int, name: str) -> str:
    """SHA3-256 (hex) of a file that nobody changes meanwhile. Raises OSError."""
    for _ in range(_READINGS):
        try:
            return _digest(folder, name)
        except Unsteady:
            continue
    raise Unsteady(errno.EBUSY, "changes while it is read")


def _digest(folder: int, name: str) -> str:
    hashed, count = hashlib.sha3_256(), 0
    with _regular(folder, name) as (descriptor, before):
        # Whoever appends as fast as this reads keeps nobody here.
        while count <= before.st_size and (chunk := os.read(descriptor, _CHUNK)):
            hashed.update(chunk)
            count += len(chunk)
        after = os.fstat(descriptor)
    if count != before.st_size or _state(before) != _state(after):
        raise Unsteady(errno.EBUSY, "changes while it is read")
    return hashed.hexdigest()


def _state(status: os.stat_result) -> tuple[int, int, int, int, int]:
    # The last one changes too when the file loses its name to another.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(folder: int, name: str, limit: int) -> bytes:
    with _regular(folder, name) as (descriptor, _), open(descriptor, "rb", closefd=False) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "too large")
    return data


def _reason(error: OSError) -> str:
    return "a symbolic link" if error.errno == errno.ELOOP else error.strerror or type(error).__name__


def _shown(path: str) -> str:
    """A path as a list of differences shows it: whatever is not printable ASCII is escaped."""
    return "".join(c if " " <= c <= "~" and c != "\\" else c.encode("unicode_escape").decode() for c in path)


# --- commands -----------------------------------------------------------------------------------------------------


def _effective() -> dict[str, dict[str, list[str]]]:
    """The commands that this interpreter would run: whatever distribution declares them."""
    mine = [point for point in metadata.entry_points(group=_SCRIPTS) if point.name == "vemre"]
    return _points((point.group, point.name, point.value) for point in (*mine, *metadata.entry_points(group=_COMMANDS)))


def _declared_in(root: Path) -> dict[str, dict[str, list[str]]]:
    """The commands that a folder declares: a source tree in its pyproject.toml, an installation in the metadata of its
    distributions. Raises Refused("release-not-found") where neither can be read."""
    try:
        if (project := root / "pyproject.toml").is_file():
            declared = tomllib.loads(_declaration(project))["project"]
            groups: Mapping[str, Mapping[str, str]] = {_SCRIPTS: declared["scripts"], **declared["entry-points"]}
            return _points(_flat(groups))
        return _points(
            point for path in sorted(root.glob("*.dist-info/entry_points.txt")) for point in _installed(path)
        )
    except (KeyError, TypeError, AttributeError, ValueError, ConfigError):
        raise Refused("release-not-found", folder=str(root)) from None


def _installed(path: Path) -> Iterator[tuple[str, str, str]]:
    parser = ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(_declaration(path))
    yield from _flat({group: dict(parser[group]) for group in parser.sections()})


def _declaration(path: Path) -> str:
    with open(path, "rb") as file:
        data = file.read(_MAX_DECLARATION + 1)
    if len(data) > _MAX_DECLARATION:
        raise ValueError("too large")
    return data.decode("utf-8")


def _flat(groups: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    for group, points in groups.items():
        for name, target in points.items():
            if group == _COMMANDS or (group == _SCRIPTS and name == "vemre"):
                yield group, name, target


def _points(points: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, list[str]]]:
    """Every target of a name, so that a second distribution that declares it shows."""
    found: dict[str, dict[str, set[str]]] = {}
    for group, name, target in points:
        found.setdefault(group, {}).setdefault(name, set()).add(target)
    return {group: {name: sorted(targets) for name, targets in names.items()} for group, names in found.items()}


def _elsewhere(root: Path) -> dict[str, str]:
    """The packages that this interpreter would take from another place."""
    found = {}
    for package in PACKAGES:
        spec = find_spec(package)
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        if places and [os.path.realpath(place) for place in places] != [os.path.realpath(root / package)]:
            found[f"{package}/"] = "taken from another place"
    return found


__all__ = ["Unsteady", "installed_root", "scan"]

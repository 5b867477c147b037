"""The release manifest: what a deployed VeMRE consists of, and what differs from it. Source: docs/spec/integrity.md.

A release is canonical JSON ``{path: SHA3-256}`` of its files; the SHA3-256 of those bytes is the `release` that
`setup` names. Paths are relative, with slashes, and begin with the name of a package; the commands that an
installation offers stand in it as one file, `ENTRY_POINTS`. Reading files is `vemre.service.deployment`'s part.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election.drafts import Draft, blob_of
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v
from vemre.records.fields import Hex32
from vemre.records.record import parse_value

PACKAGES: Final = ("audit", "ballot", "registry", "tally", "vemre")
ENTRY_POINTS: Final = "entry-points.json"
"""Stands for the commands of an installation: canonical JSON {group: {name: [targets]}}."""
CACHES: Final = "__pycache__"
"""Folders of compiled code. They are no part of a release; a deployed one is compared with its source instead."""
LEFT_OUT: Final = frozenset({CACHES, "node_modules"})
"""Folders that are no part of a release: compiled code, and what building the second verifier downloads."""

MAX_LIST_BYTES: Final = 4 << 20
MAX_EXCEPTIONS_BYTES: Final = 32 << 10
MAX_DIFFERENCES_BYTES: Final = 48 << 10
"""An entry has at most 65,535 bytes, and signer, role and release need some of them."""
EXCEPTIONS: Final = "integrity-exceptions"
"""The kind of the incident that declares exceptions."""
_MAX_REASON: Final = 500
_MAX_PATH: Final = 512
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True)
class Deployed:
    """What stands in a tree: digests of its regular files (SHA3-256, hex), and what is there and has none (a link, a
    file that cannot be read, a name that no release has), with the reason in technical words."""

    files: Mapping[str, str]
    strange: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """How a deployed tree differs from an audited list. All tuples are sorted."""

    added: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    strange: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """Everything that differs, sorted, each path once."""
        return sorted({*self.added, *self.missing, *self.changed, *self.strange})


def is_release_path(path: str) -> bool:
    """Whether a release can have a file of this name: plain ASCII, relative, in one of the packages."""
    if path == ENTRY_POINTS:
        return True
    segments = path.split("/")
    plain = all(_SEGMENT.fullmatch(segment) and segment.strip(".") for segment in segments)
    return plain and len(segments) > 1 and segments[0] in PACKAGES and len(path) <= _MAX_PATH


def encode_list(files: Mapping[str, str]) -> bytes:
    """The bytes of a list of files: a release manifest, or the blob of an `integrity` record."""
    return canonical.encode(dict(files))


def parse_list(data: bytes) -> dict[str, str]:
    """An audited list. Raises CheckFailed(CANONICAL), also for a path that no release has and for an empty list."""
    files: dict[str, str] = parse_value(data, dict[str, Hex32], limit=MAX_LIST_BYTES)
    if not files:
        raise CheckFailed(Check.CANONICAL, "a release without files")
    for path in files:
        if not is_release_path(path) or LEFT_OUT & set(path.split("/")):
            raise CheckFailed(Check.CANONICAL, f"no release has a file of the name {path[:80]!a}")
    return files


def digest(files: Mapping[str, str]) -> str:
    """The release that a list of files is: SHA3-256 (hex) of its bytes."""
    return hashlib.sha3_256(encode_list(files)).hexdigest()


def compare(audited: Mapping[str, str], deployed: Deployed) -> Comparison:
    """What a deployed tree has more, less and otherwise than the audited list."""
    found = deployed.files
    return Comparison(
        added=tuple(sorted(set(found) - set(audited))),
        missing=tuple(sorted(set(audited) - set(found))),
        changed=tuple(sorted(path for path in set(found) & set(audited) if found[path] != audited[path])),
        strange=tuple(sorted(deployed.strange)),
    )


def draft(role: str, audited: Mapping[str, str], deployed: Deployed) -> Draft:
    """The `integrity` record of a role's machine. It names every difference, excepted or not: a record states what is,
    and whether that is good is for its readers."""
    files = encode_list(deployed.files)
    body = v.Integrity(role, digest(audited), blob_of(files), fold(compare(audited, deployed).paths))
    return Draft(body, (files,))


# --- paths that stand for others ------------------------------------------------------------------------------


def fold(paths: Iterable[str], limit: int = MAX_DIFFERENCES_BYTES) -> list[str]:
    """The paths as a record can carry them, sorted. Where they are too long together, a folder (with a slash at its
    end) stands for what differs below it, first the nearest one, at last the package."""
    whole = sorted(set(paths))
    for folded in (whole, sorted({_folder(path) for path in whole}), sorted({_package(path) for path in whole})):
        if len(canonical.encode(folded)) <= limit:
            return folded
    return ["/"]


def covers(listed: Collection[str], path: str) -> bool:
    """Whether a list of differences or exceptions names `path`, itself or by a folder."""
    return any(name in listed for name in (path, "/", *_folders(path)))


def _folder(path: str) -> str:
    folder, slash, _ = path.rstrip("/").rpartition("/")
    return folder + slash if slash else path


def _package(path: str) -> str:
    first, slash, _ = path.partition("/")
    return first + slash


def _folders(path: str) -> list[str]:
    segments = path.rstrip("/").split("/")
    return ["/".join(segments[:depth]) + "/" for depth in range(1, len(segments))]


# --- exceptions -----------------------------------------------------------------------------------------------


def parse_exceptions(data: bytes) -> dict[str, str]:
    """Declared exceptions: a JSON object of path (or folder, with a slash at its end) to the reason why it may differ.

    Raises CheckFailed(CANONICAL). People write it, so it need not be canonical.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except CheckFailed:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckFailed(Check.CANONICAL, f"exceptions: not JSON: {type(error).__name__}") from None
    if len(data) > MAX_EXCEPTIONS_BYTES or not isinstance(value, dict):
        raise CheckFailed(Check.CANONICAL, "exceptions: not an object, or too long")
    for path, reason in value.items():
        if not isinstance(reason, str) or not reason.strip() or len(reason) > _MAX_REASON:
            raise CheckFailed(Check.CANONICAL, f"exceptions: {path[:80]!a} has no reason, or a long one")
        if not path.strip("/") or len(path) > _MAX_PATH:
            raise CheckFailed(Check.CANONICAL, "exceptions: a path that excepts everything or nothing")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CheckFailed(Check.CANONICAL, "exceptions: a path twice")
    return found


def exceptions_text(files: str, exceptions: Mapping[str, str]) -> str:
    """The text of the incident that declares exceptions for the `integrity` record whose blob has the SHA-256 `files`
    (hex). Canonical JSON, so that the same declaration is always the same text."""
    return canonical.encode({"exceptions": dict(exceptions), "files": files}).decode()


def parse_exceptions_text(text: str) -> tuple[str, dict[str, str]] | None:
    """What `exceptions_text` made; None for any other text, which then excepts nothing."""
    try:
        data = text.encode("utf-8")
        value = canonical.decode(data, limit=2 * MAX_EXCEPTIONS_BYTES)
        if not isinstance(value, dict) or set(value) != {"exceptions", "files"} or not isinstance(value["files"], str):
            return None
        return value["files"], parse_exceptions(canonical.encode(value["exceptions"]))
    except (CheckFailed, UnicodeError):
        return None


def undeclared(paths: Iterable[str], exceptions: Collection[str]) -> list[str]:
    """The paths that no exception covers, sorted."""
    return sorted(path for path in set(paths) if not covers(exceptions, path))

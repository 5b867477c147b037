"""The file that lists a log's witnesses, in the text format of C2SP tlog-policy.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <member>...
    quorum <name>|none

Fields are divided by spaces and tabs alone; a line that begins with ``#`` is a comment. Names are defined before they
are used. The whole file is checked, groups and quorum included, but VeMRE takes from it only which logs and witnesses
there are: how many auditors an act needs stands in the election's own policy. Source: docs/spec/log.md; C2SP
tlog-policy; C2SP tlog-witness v1.0.0 (a witness's address is its submission prefix).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from vemre.errors import CheckFailed, VemreError
from vemre.log.encoding import parse_decimal
from vemre.log.note import KeyType, Vkey

MAX_WITNESS_POLICY_BYTES: Final = 1 << 20
MAX_DEFINITIONS: Final = 64
"""At most so many logs, so many witnesses, and so many groups (C2SP wants 32 at least)."""

_BLANK: Final = re.compile(r"[ \t]+", re.ASCII)
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_URL_FORBIDDEN: Final = re.compile(r"[^\x21-\x7e]")
NONE: Final = "none"


class WitnessPolicyError(VemreError):
    """The file of witnesses cannot be used. `line` counts from 1; 0 is the file as a whole."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" if self.line else self.reason


@dataclass(frozen=True)
class PolicyWitness:
    """One witness. `name` is what the file calls it; `url` its submission prefix without a slash at the end, or None
    for one that posts its cosignatures itself."""

    name: str
    vkey: Vkey
    url: str | None


@dataclass(frozen=True)
class WitnessPolicy:
    """The logs and witnesses that a file lists, in its order."""

    logs: tuple[Vkey, ...]
    witnesses: tuple[PolicyWitness, ...]

    @classmethod
    def parse(cls, data: bytes) -> WitnessPolicy:
        """A file of at most 1 MiB. Raises WitnessPolicyError for whatever is not exactly so."""
        if len(data) > MAX_WITNESS_POLICY_BYTES:
            raise WitnessPolicyError(0, f"more than {MAX_WITNESS_POLICY_BYTES} bytes")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise WitnessPolicyError(0, "not UTF-8") from None
        if text and not text.endswith("\n"):
            raise WitnessPolicyError(0, "the last line does not end in a line feed")
        reader = _Reader()
        # Only the line feed divides lines, whatever else Unicode calls one.
        for number, line in enumerate(text.split("\n")[:-1], 1):
            try:
                reader.take(line)
            except _Wrong as wrong:
                raise WitnessPolicyError(number, str(wrong)) from None
            except CheckFailed as failure:
                raise WitnessPolicyError(number, failure.detail) from None
        if not reader.has_quorum:
            raise WitnessPolicyError(0, "no quorum line")
        return cls(tuple(reader.logs), tuple(reader.witnesses))


class _Wrong(Exception):
    """What is wrong with a line."""


class _Reader:
    """Takes the lines one by one."""

    def __init__(self) -> None:
        self.logs: list[Vkey] = []
        self.witnesses: list[PolicyWitness] = []
        self.has_quorum = False
        self._names = {NONE}
        self._members: set[str] = set()
        self._publics: set[bytes] = set()
        self._lines: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        self._groups = 0

    def take(self, line: str) -> None:
        """One line, without its line feed. Raises _Wrong and CheckFailed."""
        if _FORBIDDEN.search(line):
            raise _Wrong("a control character other than the tab")
        fields = [field for field in _BLANK.split(line) if field]
        if not fields or fields[0].startswith("#"):
            return
        keyword, *rest = fields
        if keyword not in self._lines:
            raise _Wrong(f"an unknown keyword: {keyword[:40]}")
        self._lines[keyword](rest)

    def _log(self, fields: list[str]) -> None:
        if len(fields) not in (1, 2):
            raise _Wrong("log takes a vkey and perhaps an address")
        vkey = self._key(fields[0], KeyType.ED25519)
        if len(fields) == 2:
            _address(fields[1])
        self.logs.append(vkey)
        _bounded("logs", len(self.logs))

    def _witness(self, fields: list[str]) -> None:
        if len(fields) not in (2, 3):
            raise _Wrong("witness takes a name, a vkey and perhaps an address")
        self._define(fields[0])
        vkey = self._key(fields[1], KeyType.COSIGNATURE, KeyType.ML_DSA_44)
        self.witnesses.append(PolicyWitness(fields[0], vkey, _address(fields[2]) if len(fields) == 3 else None))
        _bounded("witnesses", len(self.witnesses))

    def _group(self, fields: list[str]) -> None:
        if len(fields) < 3:
            raise _Wrong("group takes a name, all, any or a number, and its members")
        name, rule, *members = fields
        for member in members:
            if member == NONE or member not in self._names:
                raise _Wrong(f"{member[:80]}: not defined above")
            if member in self._members:
                raise _Wrong(f"{member[:80]}: a member twice")
            self._members.add(member)
        if rule not in ("all", "any") and not 1 <= parse_decimal(rule, "group") <= len(members):
            raise _Wrong(f"a group of {len(members)} members cannot need {rule}")
        self._define(name)
        self._groups += 1
        _bounded("groups", self._groups)

    def _quorum(self, fields: list[str]) -> None:
        if len(fields) != 1:
            raise _Wrong("quorum takes one name")
        if self.has_quorum:
            raise _Wrong("a second quorum line")
        if fields[0] not in self._names:
            raise _Wrong(f"{fields[0][:80]}: not defined above")
        self.has_quorum = True

    def _define(self, name: str) -> None:
        if name in self._names:
            raise _Wrong(f"{name[:80]}: defined twice")
        self._names.add(name)

    def _key(self, text: str, *types: KeyType) -> Vkey:
        """A vkey of one of these types whose public key stands nowhere else in the file."""
        vkey = Vkey.parse(text)
        if vkey.type not in types:
            raise _Wrong(f"key {vkey.name}: not of a type that can do this")
        if vkey.public in self._publics:
            raise _Wrong(f"key {vkey.name}: the same public key twice")
        self._publics.add(vkey.public)
        return vkey


def _bounded(what: str, count: int) -> None:
    if count > MAX_DEFINITIONS:
        raise _Wrong(f"more than {MAX_DEFINITIONS} {what}")


def _address(text: str) -> str:
    """An http or https address without query, fragment, user name or password; any slash at the end is dropped."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or _URL_FORBIDDEN.search(text) or "?" in text or "#" in text or "@" in parts.netloc:
        raise _Wrong("not an http or https address without query, fragment and password")
    return text.rstrip("/")


__all__ = ["MAX_WITNESS_POLICY_BYTES", "PolicyWitness", "WitnessPolicy", "WitnessPolicyError"]

"""The verifier behind an opinion: the built-in one, or any other program by the same contract.

    CMD --version                        one line: NAME VERSION
    CMD RECORD --policy POLICY --json    exit code 0 valid, 1 invalid, 2 no verdict; one JSON object on standard output

Another program is not trusted to answer well: its time and its output are bounded, its answer is parsed strictly and
must agree with its exit code, and whatever is not a clean answer counts as "could not decide".
Source: docs/spec/opinions-and-certification.md, docs/spec/election-record.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Protocol

from audit.opinion import documents
from audit.opinion.report import MAX_REPORT_BYTES, Verification, verification_of
from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.election.rules.view import Anchors
from vemre.errors import Refused
from vemre.group import Group
from vemre.records.vote_bodies import Tool
from vemre.types import Random

_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""What another program gets of ours: nothing that may hold a secret."""
_VERSION_SECONDS: Final = 60.0
_VERSION_BYTES: Final = 256
_VERSION_LINE: Final = re.compile(r"([A-Za-z0-9._@/-]{1,64}) ([A-Za-z0-9._+-]{1,64})\n?", re.ASCII)
_COMPLAINT_BYTES: Final = 2_000
_CHUNK: Final = 1 << 16


class Verifier(Protocol):
    """A program that verifies records."""

    def tool(self) -> Tool:
        """Its name and version. Raises Refused("verifier-undecided")."""

    def verify(self, record: Path, policy: Path) -> Verification:
        """Its verdict on a record. Raises Refused("verifier-undecided")."""


class BuiltIn:
    """`vemre audit verify`, in this process."""

    def __init__(self, anchors: Anchors, group: Group, random: Random) -> None:
        self._anchors = anchors
        self._group = group
        self._random = random

    def tool(self) -> Tool:
        """See `Verifier`."""
        return Tool(*documents.TOOL)

    def verify(self, record: Path, policy: Path) -> Verification:  # noqa: ARG002  (the anchors are the policy's)
        """See `Verifier`."""
        report = verify_record(RecordFolder(record), self._anchors, self._group, self._random)
        return verification_of(report.as_json())


class External:
    """Another program. `seconds` bounds a verification."""

    def __init__(self, command: str, seconds: float) -> None:
        """Raises Refused("verifier-undecided") for a command that is none."""
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise _undecided(str(error)) from None
        if not self._words:
            raise _undecided("no command")
        self._seconds = seconds

    def tool(self) -> Tool:
        """See `Verifier`."""
        code, output, complaint = _run([*self._words, "--version"], _VERSION_SECONDS, _VERSION_BYTES)
        found = _VERSION_LINE.fullmatch(output.decode("ascii", "replace"))
        if code or found is None:
            raise _undecided("--version does not answer with one line: NAME VERSION", complaint)
        return Tool(found[1], found[2])

    def verify(self, record: Path, policy: Path) -> Verification:
        """See `Verifier`."""
        words = [*self._words, str(record.absolute()), "--policy", str(policy.absolute()), "--json"]
        code, output, complaint = _run(words, self._seconds, MAX_REPORT_BYTES)
        if code not in (0, 1):
            raise _undecided(f"exit code {code}", complaint)
        try:
            found = verification_of(_parse(output))
        except ValueError as error:
            raise _undecided(f"its answer is not that of a verifier: {error}", complaint) from None
        if (found.verdict == "valid") != (code == 0):
            raise _undecided(f"exit code {code} and verdict {found.verdict} disagree", complaint)
        return found


def _undecided(reason: str, complaint: str = "") -> Refused:
    return Refused("verifier-undecided", reason=f"{reason}: {complaint}" if complaint else reason)


def _parse(output: bytes) -> Any:
    """JSON without duplicate keys, NaN or numbers that are not integers. Raises ValueError."""
    try:
        return json.loads(
            output.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_no_number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a duplicate key")
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text[:20]} is not an integer")


def _run(words: list[str], seconds: float, limit: int) -> tuple[int, bytes, str]:
    """Exit code, standard output (at most `limit` bytes) and the end of standard error of a program.

    Raises Refused("verifier-undecided") where it cannot be started, takes too long or says too much; then it and
    whatever it started is ended.
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise _undecided(f"{words[0]} cannot be started ({error.strerror})") from None
    try:
        output, complaint = _listen(process, seconds, limit)
    finally:
        # The group outlives its leader where the program left something running.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return process.returncode, output, complaint


def _listen(process: subprocess.Popen[bytes], seconds: float, limit: int) -> tuple[bytes, str]:
    """What a program writes until it closes both outputs and ends."""
    end = time.monotonic() + seconds
    output, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as pipes:
        for pipe, kept in ((process.stdout, output), (process.stderr, complaint)):
            assert pipe is not None
            pipes.register(pipe, selectors.EVENT_READ, kept)
        while pipes.get_map():
            ready = pipes.select(max(0.0, end - time.monotonic()))
            # A program that never falls silent must end, too.
            if not ready or time.monotonic() > end:
                raise _undecided(f"no verdict within {seconds:.0f} s")
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if not data:
                    pipes.unregister(key.fileobj)
                key.data.extend(data)
            if len(output) > limit:
                raise _undecided(f"its answer has more than {limit} bytes")
            del complaint[:-_COMPLAINT_BYTES]
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise _undecided(f"no end within {seconds:.0f} s") from None
    return bytes(output), complaint.decode("utf-8", "replace").strip()

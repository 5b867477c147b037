"""The one place where errors become messages and exit codes of the command line."""

from __future__ import annotations

import traceback
from typing import Final

from vemre import messages
from vemre.cli import console
from vemre.cli.translations import language, say
from vemre.errors import CheckFailed, KeyFileError, Refused, StoreError
from vemre.messages import Distrusted, Problem, RemoteProblem, Unreachable

OK: Final = 0
INVALID: Final = 1
"""Invalid, or refused."""
UNDECIDED: Final = 2
"""Wrong usage, a file or a network that does not work: nothing was decided."""
INTERRUPTED: Final = 130

_UNDECIDED_CODES: Final = frozenset(
    {
        "abstention-no-log",
        "abstention-not-on-roll",
        "address-in-use",
        "already-running",
        "bench-failed",
        "bench-no-checkout",
        "cluster-differs",
        "cluster-not-encrypted",
        "cluster-not-trusted",
        "cluster-unreachable",
        "credential-not-public",
        "dask-missing",
        "dictamen-failed",
        "dispute-older",
        "election-id-mistyped",
        "executor-unknown",
        "file-exists",
        "file-unusable",
        "hook-ambiguous",
        "hook-unknown",
        "hook-unusable",
        "hooks-file-unusable",
        "integrity-no-list",
        "integrity-no-setup",
        "integrity-none",
        "integrity-role-unknown",
        "key-file-unusable",
        "leaf-mistyped",
        "opinion-reason-missing",
        "opinion-too-early",
        "page-address-unusable",
        "page-not-recorded-yet",
        "page-proxy-unusable",
        "page-token-missing",
        "passphrase-empty",
        "passphrase-file-open",
        "passphrase-missing",
        "policy-unusable",
        "receipt-without-ballot",
        "reference-arithmetic",
        "release-not-audited",
        "release-not-found",
        "release-strange",
        "release-too-large",
        "remote-unreachable",
        "report-unusable",
        "roots-unusable",
        "settings-unusable",
        "store-unusable",
        "tls-unusable",
        "tracker-mistyped",
        "verifier-page-missing",
        "verifier-undecided",
        "witnesses-unusable",
    }
)
"""Refusals of our own that are about the command's means, not about what it was asked to judge."""


def explain(error: BaseException) -> tuple[Problem, int]:
    """What to tell about an error, and the exit code."""
    # Imported here because `vemre --help` needs none of it.
    from vemre.records.policy import PolicyError

    match error:
        case CheckFailed():
            return messages.problem_of_check(error.check), INVALID
        case Refused():
            code = UNDECIDED if error.code in _UNDECIDED_CODES else INVALID
            return messages.problem(error.code, error.params), code
        case RemoteProblem():
            return error.problem, UNDECIDED if error.status >= 500 else INVALID
        case Distrusted():
            params = {"place": error.place, "reason": error.reason}
            return messages.problem("certificate-not-trusted", params), UNDECIDED
        case Unreachable():
            params = {"place": error.place, "reason": error.reason}
            return messages.problem("remote-unreachable", params), UNDECIDED
        case PolicyError():
            return messages.problem("policy-unusable", {"reason": str(error)}), UNDECIDED
        case KeyFileError():
            return messages.problem("key-file-unusable", {"reason": str(error)}), UNDECIDED
        case StoreError():
            return messages.problem("store-unusable", {"reason": str(error)}), UNDECIDED
        case OSError():
            params = {"file": str(error.filename or "—"), "reason": error.strerror or type(error).__name__}
            return messages.problem("file-unusable", params), UNDECIDED
        case _:
            # The error's own text may hold anything; its type cannot.
            return messages.problem("unexpected", {"reason": type(error).__name__}), UNDECIDED


def report(error: BaseException, *, debug: bool = False) -> int:
    """Tell an error on standard error; gives the exit code. A trace is shown only with ``--debug``."""
    try:
        problem, code = explain(error)
    except KeyError:
        # A code without an entry is our mistake, and no reason to show a trace.
        problem, code = messages.problem("unexpected", {"reason": str(error)}), UNDECIDED
    words = problem.wording(language())
    console.say(f"{say('cli-error')}: {words.title} [{problem.code}]", style="bold red")
    console.say(f"  {words.detail}")
    if isinstance(error, CheckFailed):
        _tell(error.where, error.party, error.detail)
    elif isinstance(error, RemoteProblem):
        _tell(*(_text(error.extra.get(name)) for name in ("where", "party", "finding")))
    console.say(f"  {say('cli-next')}: {words.next}")
    if debug:
        console.say("".join(traceback.format_exception(error)))
    return code


def _tell(where: str | None, party: str | None, finding: str | None) -> None:
    for code, value in (("cli-where", where), ("cli-party", party), ("cli-technical", finding)):
        if value:
            console.say(f"  {say(code)}: {value}")


def _text(value: object) -> str | None:
    return value[:500] if isinstance(value, str) else None

"""One hierarchy of errors for the whole product.

Inside, errors are typed; only the edge (`vemre.service`, `vemre.cli`) turns them into problem documents,
messages and exit codes. No error ever carries a secret.
"""

from __future__ import annotations

from vemre.checks import Check


class VemreError(Exception):
    """Base of every error that the product raises on purpose."""


class CheckFailed(VemreError):
    """A rule of the protocol does not hold.

    `check` is the rule, `detail` says in technical English what was found, `where` is the place
    (such as ``tally/12`` for entry 12 of the tally log, or ``blob/<sha256>``) and `party` the role id that
    answers for it (``trustee/3``, ``mixer/1``, ``ballot-box`` ...). The last two may be filled in by a caller
    that knows more than the function that failed: see `located`.
    """

    def __init__(self, check: Check, detail: str, *, where: str | None = None, party: str | None = None) -> None:
        super().__init__(check, detail, where, party)
        self.check = check
        self.detail = detail
        self.where = where
        self.party = party

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        blame = f" ({self.party})" if self.party else ""
        return f"[{self.check}]{place}{blame} {self.detail}"

    def located(self, *, where: str | None = None, party: str | None = None) -> CheckFailed:
        """The same failure, with place and party filled in where they were not known yet."""
        return type(self)(self.check, self.detail, where=self.where or where, party=self.party or party)


class Refused(VemreError):
    """A request that is understood and refused: by state, by right, by limit.

    `code` is stable, lower-case with dashes, and names a message of the catalogue (`vemre.messages`), which
    also fixes the HTTP status. `params` fill the message; they must never hold a secret.
    """

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        inner = ", ".join(f"{k}={v}" for k, v in self.params.items())
        return f"{self.code}({inner})"


class StoreError(VemreError):
    """The store cannot promise what it was asked to (lost compare-and-swap, corrupt or rolled-back data)."""


class KeyFileError(VemreError):
    """A key file cannot be opened: wrong passphrase, wrong kind, damaged, or too open permissions."""

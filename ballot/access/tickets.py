"""Tickets: what a client holds between two steps. The box keeps nothing meanwhile, whether the account exists or not.

A ticket is sealed by the box's vault, of one length, and says to the client nothing at all. One that stands for no
account goes through the same steps and fails at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vemre.errors import Refused
from vemre.service.vault import Place, Vault, VaultError

Kind = Literal["first-access", "sign-in", "passkey", "sign-in-passkey"]
NOBODY: Final = "0" * 32
MAX_LENGTH: Final = 512
_HEX16: Final = 32
_TIME: Final = 12


@dataclass(frozen=True)
class Ticket:
    """`nonce`, `account` (a pseudonym, or `NOBODY`) and `made` (of the account's access) are 32 hexadecimal digits,
    `key` 64: the user's blind index, or the digest of the access link."""

    kind: Kind
    nonce: str
    account: str
    made: str
    key: str
    expires: int

    def __repr__(self) -> str:
        return f"Ticket({self.kind})"

    def seal(self, vault: Vault) -> str:
        """As the client gets it."""
        text = f"{self.nonce}{self.account}{self.made}{self.key}{self.expires:0{_TIME}}"
        return vault.seal(Place("ticket", self.kind, ""), text)

    @classmethod
    def open(cls, vault: Vault, kind: Kind, sealed: str, now: int) -> Ticket:
        """Raises Refused("ticket-over") for one that expired, was altered, or was made for another step."""
        try:
            text = vault.open(Place("ticket", kind, ""), sealed)
        except VaultError:
            raise Refused("ticket-over") from None
        nonce, account, made = (text[start : start + _HEX16] for start in range(0, 3 * _HEX16, _HEX16))
        key, expires = text[3 * _HEX16 : 5 * _HEX16], int(text[5 * _HEX16 :])
        if now >= expires:
            raise Refused("ticket-over")
        return cls(kind, nonce, account, made, key, expires)

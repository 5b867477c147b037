"""Six digits: of an authenticator application (TOTP, RFC 6238) or of a text message. Each code works once."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Final, Literal

import pyotp

from vemre.types import Random

if TYPE_CHECKING:
    # A voter's program computes codes too, and loads no database for it.
    from vemre.service.vault import Vault

Method = Literal["totp", "sms"]
STEP_SECONDS: Final = 30
DRIFT: Final = 1
"""Time steps by which the clock of a telephone may be wrong."""
DIGITS: Final = 6
_SECRET_BYTES: Final = 20
_ISSUER: Final = "VeMRE"


def totp_secret(vault: Vault, nonce: str) -> str:
    """The secret that belongs to a first access: asking again gives the same, and nothing has to be kept before it is
    confirmed."""
    return base64.b32encode(vault.index("totp", nonce)[:_SECRET_BYTES]).decode("ascii")


def totp_uri(secret: str, user: str) -> str:
    """What the QR code says."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=_ISSUER))


def totp_code(secret: str, time: int) -> str:
    """The code of a moment (POSIX seconds)."""
    return pyotp.TOTP(secret).generate_otp(time // STEP_SECONDS)


def totp_step(secret: str, code: str, now: int, after: int) -> int | None:
    """The time step of a code, or None. A step that is not later than `after`, the last one used, is no more of use."""
    totp, found = pyotp.TOTP(secret), None
    current = now // STEP_SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        # All are compared, so that the time tells nothing.
        if hmac.compare_digest(totp.generate_otp(step), code) and step > after:
            found = step
    return found


def new_code(random: Random) -> str:
    """A fresh code for a text message."""
    return f"{int.from_bytes(random(16)) % 10**DIGITS:0{DIGITS}}"


def code_digest(vault: Vault, pseudonym: str, code: str) -> bytes:
    """What is kept of a code: without the vault's key the few codes that there are cannot be tried."""
    return vault.index("sms-code", f"{pseudonym} {code}")

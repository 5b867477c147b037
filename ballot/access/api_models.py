"""What is sent and answered about access, as JSON. Times are RFC 3339 UTC, whole seconds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ballot.access.factors import DIGITS
from ballot.access.passwords import LONGEST
from ballot.access.tickets import MAX_LENGTH

User = Annotated[str, Field(min_length=3, max_length=254, repr=False)]
# Whatever is too short or too long for a password is said in words where one is chosen, and is wrong elsewhere.
Password = Annotated[str, Field(min_length=1, max_length=4 * LONGEST, repr=False)]
SealedTicket = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH, repr=False)]
Code = Annotated[str, Field(pattern=rf"^[0-9]{{{DIGITS}}}$", repr=False)]
MethodName = Literal["totp", "sms"]


class Order(BaseModel):
    """A body of exactly these fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BeginOrder(Order):
    """The token of the access link (what follows ``#``) and the last four digits of the telephone."""

    token: Annotated[str, Field(min_length=1, max_length=128, repr=False)]
    digits: Annotated[str, Field(pattern=r"^[0-9]{4}$", repr=False)]


class BegunAnswer(BaseModel):
    """Whose link it is (masked), and which second factors there are."""

    ticket: str
    user: str
    factors: list[MethodName]


class FactorOrder(Order):
    """Which second factor."""

    ticket: SealedTicket
    method: MethodName


class TotpAnswer(BaseModel):
    """For an authenticator application: the secret, and what its QR code says."""

    secret: str
    uri: str


class SmsAnswer(BaseModel):
    """Where the code was sent to."""

    masked: str


class FactorAnswer(BaseModel):
    """One of the two. `now` is the box's clock, for a client that computes codes itself or warns of a wrong clock."""

    totp: TotpAnswer | None = None
    sms: SmsAnswer | None = None
    now: str


class ConfirmOrder(Order):
    """The six digits, and the password from now on."""

    ticket: SealedTicket
    code: Code
    password: Password


class UserAnswer(BaseModel):
    """The address to sign in with."""

    user: str


class SignInOrder(Order):
    """Address and password."""

    user: User
    password: Password


class TicketAnswer(BaseModel):
    """For the second step, and what it asks for. Of one form whatever was sent. `now` is the box's clock."""

    ticket: str
    method: MethodName
    now: str


class CodeOrder(Order):
    """The six digits. With `bearer` the session's token is answered, and no cookie is set."""

    ticket: SealedTicket
    code: Code
    bearer: bool = False


class SessionAnswer(BaseModel):
    """Until when the session lasts. `bearer` is there where it was asked for."""

    expires: str
    now: str
    bearer: str | None = None


class Times(BaseModel):
    """Until when the session lasts."""

    expires: str
    now: str


class Voted(BaseModel):
    """The ballot of the session's credential in the log."""

    tracker: str
    leaf_hash: str


class WhoAnswer(BaseModel):
    """Who is signed in, and whether the credential was used. `credential` is the public one (hex)."""

    user: str
    urn: str
    expires: str
    now: str
    voted: Voted | None
    credential: str


class PasskeyOptions(BaseModel):
    """What ``navigator.credentials`` is given, as WebAuthn writes it in JSON, and a ticket for the answer."""

    ticket: str
    options: dict[str, Any]


class PasskeyOrder(Order):
    """What the browser answered. `bearer` as in `CodeOrder`."""

    ticket: SealedTicket
    credential: dict[str, Any]
    bearer: bool = False


class Registered(BaseModel):
    """How many passkeys the account has now."""

    passkeys: int


class RecoveryOrder(Order):
    """Whose access is to be made void, and why."""

    user: User
    reason: Annotated[str, Field(min_length=1, max_length=500, repr=False)]


class RecoveryAnswer(BaseModel):
    """A recovery that waits for another official."""

    id: str
    user: str
    reason: str
    opened_by: str
    opened: str


class RecoveriesAnswer(BaseModel):
    """The recoveries that wait for another official, the oldest first."""

    recoveries: list[RecoveryAnswer]


class Confirmed(BaseModel):
    """The access is void, and a new link was sent."""

    confirmed: Literal[True] = True

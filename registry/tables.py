"""The registry's tables. `pseudonym` and `credential` tie persons to the election; only public halves of credentials
are kept.

Columns that are called sealed hold personal data, for their table, column and row (`vemre.service.vault`); `claim`
finds equal values without opening any. Country, entity, district and modality stand in clear: the roll is counted and
ordered by them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

from vemre.service.resealing import Sealed
from vemre.service.vault import vault_table
from vemre.storage.schema import Component

COMPONENT: Final = Component("registry", Path(__file__).parent / "migrations")
metadata: Final = MetaData()

voter: Final = Table(
    "voter",
    metadata,
    Column("voter", Integer, primary_key=True),
    Column("folio", Text, nullable=False, unique=True),
    Column("clave_de_elector", Text, nullable=False, unique=True),
    Column("names", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("phone", Text, nullable=False, unique=True),
    Column("modality", Text, nullable=False),
)
"""Persons on the roll. Sealed: `folio`, `clave_de_elector`, `names`, `email`, `phone`. `email_key` is a blind index."""

pseudonym: Final = Table(
    "pseudonym",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("pseudonym", Text, nullable=False, unique=True),
)
"""The name under which the ballot box knows a voter."""

credential: Final = Table(
    "credential",
    metadata,
    Column("public", LargeBinary, primary_key=True),
    Column("voter", Integer, ForeignKey("voter.voter"), nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)
"""Public credentials; a voter has at most one that is not revoked."""

reissue: Final = Table(
    "reissue",
    metadata,
    Column("request", Text, primary_key=True),
    Column("voter", Integer, ForeignKey("voter.voter"), nullable=False),
    Column("old", LargeBinary, nullable=False),
    Column("new", LargeBinary, nullable=False),
)
"""What became of each request to reissue, so that it may be repeated."""

block: Final = Table(
    "block",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("position", BigInteger),
)
"""Signed orders to block; `position` is the place in the ballot log once the ballot box has answered."""

mark: Final = Table(
    "mark",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
)
"""Who voted over the Internet, with the place of the ballot in the ballot log."""

access: Final = Table(
    "access",
    metadata,
    Column("access", Integer, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("request", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("voters", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("subject", Text, nullable=False),
)
"""Every access to personal data: when, by which request, for what, to how many persons' data, by whom, and whose data
(``application/7``, ``voter/7``; empty for many)."""

vault: Final = vault_table(metadata)
"""Which vault sealed the personal data."""

roll_state: Final = Table(
    "roll_state",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("frozen", BigInteger),
)
"""One row: since when the roll is frozen. Whoever changes anything of the roll locks it first."""

claim: Final = Table(
    "claim",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("application", Integer, ForeignKey("application.application")),
    Column("voter", Integer, ForeignKey("voter.voter")),
)
"""The blind index of every value that only one person may have, and whose it is."""

application: Final = Table(
    "application",
    metadata,
    Column("application", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("code", LargeBinary, nullable=False, unique=True),
    Column("folio", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("appealed", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("voter", Integer, ForeignKey("voter.voter")),
    Column("received", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
"""Applications. Sealed: `folio`, `data` (the fields as JSON), `note` (what was observed, told or appealed, as JSON).
`name` is random and stands in addresses; `code` is the SHA-256 of the applicant's code."""

commitment: Final = Table(
    "commitment",
    metadata,
    Column("commitment", Integer, primary_key=True),
    Column("application", Integer, ForeignKey("application.application")),
    Column("voter", Integer, ForeignKey("voter.voter")),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("opening", Text, nullable=False),
    Column("position", BigInteger, unique=True),
)
"""What was committed to, in order. Sealed: `opening` (salt and change). `position` is the place in the registry's log,
once it is there."""

observation: Final = Table(
    "observation",
    metadata,
    Column("observation", Integer, primary_key=True),
    Column("request", Text, nullable=False, unique=True),
    Column("party", Text, nullable=False),
    Column("voter", Integer, ForeignKey("voter.voter"), nullable=False),
    Column("text", Text, nullable=False),
    Column("answer", Text),
    Column("time", BigInteger, nullable=False),
)
"""What representatives of parties observed about an entry of the roll. Sealed: `text`, `answer`."""

intake: Final = Table(
    "intake",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("request", Text),
    Column("time", BigInteger, nullable=False),
)
"""Votes that came by another channel and were taken."""

page_session: Final = Table(
    "page_session",
    metadata,
    Column("session", LargeBinary, primary_key=True),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)
"""Who is signed in on the pages, and applications that are being made there. `session` is the SHA-256 of the cookie's
value. Sealed: `content` (JSON)."""

SEALED: Final = (
    Sealed(voter, "voter", ("folio", "clave_de_elector", "names", "email", "phone")),
    Sealed(application, "application", ("folio", "data", "note")),
    Sealed(commitment, "digest", ("opening",)),
    Sealed(observation, "observation", ("text", "answer")),
    Sealed(page_session, "session", ("content",)),
)
"""All sealed columns."""

"""Bodies of the records from opening to certification, and of those that may stand anywhere.

Source: protocol, appendix A.
"""

from __future__ import annotations

from typing import Literal

from vemre.records.fields import Blob, Body, Count, Country, Equality, Hex32, Schnorr, parse_time
from vemre.records.setup_bodies import UrnCount, Verdict

# --- ballot log ----------------------------------------------------------------------------------------------


class Open(Body, frozen=True):
    """The opening, at the authority's order (ballot log, entry 0: the box is empty)."""

    context: Hex32
    time: str
    setup: Hex32
    opinions: list[Hex32]
    tally: str

    def __post_init__(self) -> None:
        parse_time(self.time)


class Ciphertext(Body, frozen=True):
    """a = rG, b = M + rY."""

    a: Hex32
    b: Hex32


class ContestBallot(Body, frozen=True):
    """One contest of a ballot: a ciphertext and a proof of knowledge per block."""

    contest: str
    ciphertexts: list[Ciphertext]
    pok: list[Schnorr]


class Ballot(Body, frozen=True):
    """An encrypted ballot with every contest of its urn."""

    context: Hex32
    urn: str
    contests: list[ContestBallot]


class Block(Body, frozen=True):
    """Uses a credential up without a ballot (the voter votes by another channel, or withdrew)."""

    context: Hex32
    urn: str
    credential: Hex32
    reason: Literal["post", "in-person", "withdrawn"]


class UrnBallots(Body, frozen=True):
    """Ballots by urn."""

    urn: str
    ballots: Count


class Close(Body, frozen=True):
    """The end of voting."""

    context: Hex32
    time: str
    counts: list[UrnBallots]
    late: Count

    def __post_init__(self) -> None:
        parse_time(self.time)


# --- registry log after the close ----------------------------------------------------------------------------


class CountryCount(Body, frozen=True):
    """Ballots by country of residence."""

    country: Country
    count: Count


class Marks(Body, frozen=True):
    """How many voted, by the registry's own roll."""

    context: Hex32
    ballot: str
    counts: list[UrnCount]
    countries: list[CountryCount]


# --- tally log after the close -------------------------------------------------------------------------------


class BatchInput(Body, frozen=True):
    """The ciphertexts of one (urn, contest)."""

    urn: str
    contest: str
    rows: Count
    input: Blob


class TallyInput(Body, frozen=True):
    """The list to mix."""

    context: Hex32
    ballot: str
    registry: str
    batches: list[BatchInput]


class SmallBatchDecision(Body, frozen=True):
    """The authority's decision on a batch so small that its decryption endangers secrecy."""

    context: Hex32
    urn: str
    contest: str
    rows: Count
    decision: str
    reason: str


class Shuffle(Body, frozen=True):
    """One mixer's output and proof (no proof where fewer than two rows pass through)."""

    context: Hex32
    urn: str
    contest: str
    rows: Count
    output: Blob
    proof: Blob | None
    gate: str


class Decryption(Body, frozen=True):
    """One trustee's shares of one batch (no proof where there are no rows)."""

    context: Hex32
    urn: str
    contest: str
    rows: Count
    shares: Blob
    proof: Equality | None
    gate: str


class OptionVotes(Body, frozen=True):
    """Votes of one option."""

    option: str
    votes: Count


class CombinationVotes(Body, frozen=True):
    """Votes of one marked set of two or more members of a coalition."""

    coalition: str
    members: list[str]
    votes: Count


class WriteIns(Body, frozen=True):
    """Votes for candidates that are not registered, and their sorted texts."""

    votes: Count
    texts: Blob


class CandidateVotes(Body, frozen=True):
    """Votes of a coalition's candidate, or of an option outside any coalition."""

    id: str
    votes: Count


class ResultBatch(Body, frozen=True):
    """The count of one (urn, contest)."""

    context: Hex32
    urn: str
    contest: str
    rows: Count
    options: list[OptionVotes]
    combinations: list[CombinationVotes]
    write_ins: WriteIns
    nulls: Count
    irregular: Blob
    distributed: list[OptionVotes]
    candidates: list[CandidateVotes]


class Result(Body, frozen=True):
    """All result batches, in manifest order."""

    context: Hex32
    gate: str
    batches: list[Hex32]


class Tool(Body, frozen=True):
    """The program an opinion rests on."""

    name: str
    version: str


class Opinion(Body, frozen=True):
    """An auditor's opinion on the count."""

    context: Hex32
    verdict: Verdict
    registry: str
    ballot: str
    tally: str
    report: Blob
    tool: Tool


class Certification(Body, frozen=True):
    """The result is official."""

    context: Hex32
    result: Hex32
    opinions: list[Hex32]
    gate: str


# --- anywhere ------------------------------------------------------------------------------------------------


class Integrity(Body, frozen=True):
    """Digests of the deployed files of a role, against the audited list."""

    role: str
    release: Hex32
    files: Blob
    differences: list[str]


class PageAssets(Body, frozen=True):
    """Digests of everything that the voter's page serves."""

    assets: Blob


class Destruction(Body, frozen=True):
    """A trustee's statement that its share is destroyed."""

    context: Hex32
    statement: str


class Incident(Body, frozen=True):
    """Something that went wrong, on the record."""

    time: str
    kind: str
    text: str

    def __post_init__(self) -> None:
        parse_time(self.time)

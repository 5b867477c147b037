"""Bodies of the records that set an election up, and of its offer. Source: protocol, appendix A."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from vemre.records.fields import Bilingual, Blob, Body, BoxHex, Count, Equality, Hex32, Number, Schnorr, parse_time

Verdict = Literal["favourable", "unfavourable"]
ElectionId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")]


# --- the offer (a blob) --------------------------------------------------------------------------------------


class Option(Body, frozen=True):
    """A box on the paper: a party or a candidate, in order of registration."""

    id: str
    name: str
    party: str | msgspec.UnsetType = msgspec.UNSET
    emblem: Hex32 | msgspec.UnsetType = msgspec.UNSET


class Coalition(Body, frozen=True):
    """Parties that share a candidate; each keeps its own box."""

    id: str
    candidate: str
    members: list[str]


class Contest(Body, frozen=True):
    """One ballot paper: what is elected, among whom."""

    id: str
    title: Bilingual
    legend: str
    options: list[Option]
    coalitions: list[Coalition]
    write_in_bytes: Count
    blocks: Count


class Urn(Body, frozen=True):
    """One entity and the contests that its voters vote in."""

    id: str
    name: str
    contests: list[str]


class Offer(Body, frozen=True):
    """All urns and contests of an election."""

    urns: list[Urn]
    contests: list[Contest]


# --- the manifest --------------------------------------------------------------------------------------------


class Timeline(Body, frozen=True):
    """The voting window."""

    opens: str
    closes: str

    def __post_init__(self) -> None:
        parse_time(self.opens)
        parse_time(self.closes)


class PolicyRules(Body, frozen=True):
    """The election's policies."""

    revote: str
    min_batch: Count
    grace_seconds: Count
    mixers: Count


class TrusteeMember(Body, frozen=True):
    """A custodian: role id, name, Ed25519 key, X25519 key."""

    id: str
    name: str
    sign: Hex32
    box: Hex32


class Trustees(Body, frozen=True):
    """The custodians and how many of them are needed."""

    threshold: Count
    members: list[TrusteeMember]


class Mixer(Body, frozen=True):
    """A mixer: role id, name, Ed25519 key."""

    id: str
    name: str
    sign: Hex32


class Auditor(Body, frozen=True):
    """An auditor: role id, name, Ed25519 key, witness keys (vkeys)."""

    id: str
    name: str
    sign: Hex32
    witness: list[str]


class Authority(Body, frozen=True):
    """The electoral authority's Ed25519 key."""

    sign: Hex32


class LogParty(Body, frozen=True):
    """A service that writes a log: its record-signing key and its log's vkey (which holds the origin)."""

    sign: Hex32
    log: str


class Manifest(Body, frozen=True):
    """What is elected, when, by which rules, and who answers for what (tally log, entry 0)."""

    election_id: ElectionId
    name: Bilingual
    timeline: Timeline
    offer: Blob
    policy: PolicyRules
    trustees: Trustees
    mixers: list[Mixer]
    auditors: list[Auditor]
    authority: Authority
    registry: LogParty
    ballot_box: LogParty
    tally: LogParty


# --- key generation ------------------------------------------------------------------------------------------


class DkgCommit(Body, frozen=True):
    """SHA-256 of the canonical body of the reveal that will follow."""

    attempt: Number
    digest: Hex32


class DkgReveal(Body, frozen=True):
    """A_j0..A_j(t-1) and the proof of possession of A_j0's logarithm."""

    attempt: Number
    commitments: list[Hex32]
    pop: Schnorr


class BoxedShare(Body, frozen=True):
    """f_j(k), encrypted to trustee k."""

    to: str
    box: BoxHex


class DkgShares(Body, frozen=True):
    """A share for every trustee, the dealer included."""

    attempt: Number
    shares: list[BoxedShare]


class DkgAck(Body, frozen=True):
    """The acknowledgement of one common view of the attempt."""

    attempt: Number
    transcript: Hex32


class DkgComplaint(Body, frozen=True):
    """A share that does not satisfy its dealer's commitments."""

    attempt: Number
    against: str


class DkgAnswer(Body, frozen=True):
    """The disputed share in clear."""

    attempt: Number
    to: str
    share: Hex32


class DrillShare(Body, frozen=True):
    """One trustee's share of the canary."""

    trustee: str
    share: Hex32
    proof: Equality


class Drill(Body, frozen=True):
    """A decryption of a canary that shows that the key shares are at hand and work."""

    number: Number
    shares: list[DrillShare]


# --- roll and setup ------------------------------------------------------------------------------------------


class Enrolment(Body, frozen=True):
    """A salted commitment to one change of the roll of voters."""

    commitment: Hex32
    kind: str


class RollUrn(Body, frozen=True):
    """The public credentials of one urn."""

    urn: str
    count: Count
    credentials: Blob


class Roll(Body, frozen=True):
    """All public credentials."""

    urns: list[RollUrn]


class RollReplace(Body, frozen=True):
    """A credential reissued before the setup."""

    urn: str
    old: Hex32
    new: Hex32


class UrnCount(Body, frozen=True):
    """A count by urn."""

    urn: str
    count: Count


class Setup(Body, frozen=True):
    """Everything that the context binds: manifest, key, roll, release."""

    manifest_digest: Hex32
    attempt: Number
    joint_key: Hex32
    verification_keys: list[Hex32]
    roll: Hex32
    registry: str
    lnere: list[UrnCount]
    release: Hex32


class AuditPlan(Body, frozen=True):
    """Method, scope and independence of an auditor."""

    document: Blob
    scope: list[str]


class SystemOpinion(Body, frozen=True):
    """An auditor's opinion on the system, before opening."""

    context: Hex32
    release: Hex32
    verdict: Verdict
    report: Blob

"""The record types: their bodies, the log they stand in, and who may sign them [RECORD-ROLE].

Source: protocol, appendix A and appendix E, item 13.
"""

from __future__ import annotations

from dataclasses import dataclass

from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Body
from vemre.types import LOG_NAMES, WRITERS, LogName

CREDENTIAL = "credential"
"""Stands for the voter's own credential among the signers."""


@dataclass(frozen=True)
class Kind:
    """A record type. `signers` are roles; ``trustee``, ``mixer`` and ``auditor`` stand for every one of them."""

    name: str
    body: type[Body]
    logs: tuple[LogName, ...]
    signers: frozenset[str]

    def may_sign(self, signer: str, log: LogName) -> bool:
        """Whether the role `signer` (such as ``trustee/2``) may sign this type in `log`."""
        role = signer.split("/")[0]
        if role == "writer":
            return False
        return role in self.signers or ("writer" in self.signers and signer == WRITERS[log])


def _kind(name: str, body: type[Body], logs: str, signers: str) -> Kind:
    where = LOG_NAMES if logs == "any" else tuple(log for log in LOG_NAMES if log in logs.split())
    return Kind(name, body, where, frozenset(signers.split()))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("manifest", s.Manifest, "tally", "authority"),
        _kind("dkg-commit", s.DkgCommit, "tally", "trustee"),
        _kind("dkg-reveal", s.DkgReveal, "tally", "trustee"),
        _kind("dkg-shares", s.DkgShares, "tally", "trustee"),
        _kind("dkg-ack", s.DkgAck, "tally", "trustee"),
        _kind("dkg-complaint", s.DkgComplaint, "tally", "trustee"),
        _kind("dkg-answer", s.DkgAnswer, "tally", "trustee"),
        _kind("drill", s.Drill, "tally", "tally"),
        _kind("enrolment", s.Enrolment, "registry", "registry"),
        _kind("roll", s.Roll, "registry", "registry"),
        _kind("roll-replace", s.RollReplace, "registry", "registry"),
        _kind("setup", s.Setup, "tally", "authority"),
        _kind("audit-plan", s.AuditPlan, "tally", "auditor"),
        _kind("system-opinion", s.SystemOpinion, "tally", "auditor"),
        _kind("open", v.Open, "ballot", "authority"),
        _kind("ballot", v.Ballot, "ballot", CREDENTIAL),
        _kind("block", v.Block, "ballot", "registry"),
        _kind("close", v.Close, "ballot", "ballot-box"),
        _kind("marks", v.Marks, "registry", "registry"),
        _kind("tally-input", v.TallyInput, "tally", "tally"),
        _kind("small-batch-decision", v.SmallBatchDecision, "tally", "authority"),
        _kind("shuffle", v.Shuffle, "tally", "mixer"),
        _kind("decryption", v.Decryption, "tally", "trustee"),
        _kind("result-batch", v.ResultBatch, "tally", "tally"),
        _kind("result", v.Result, "tally", "tally"),
        _kind("opinion", v.Opinion, "tally", "auditor"),
        _kind("certification", v.Certification, "tally", "authority"),
        _kind("integrity", v.Integrity, "any", "writer authority auditor"),
        _kind("page-assets", v.PageAssets, "ballot", "ballot-box"),
        _kind("destruction", v.Destruction, "tally", "trustee"),
        _kind("incident", v.Incident, "any", "writer authority auditor"),
    )
}
"""Every record type by name."""

KIND_OF_BODY: dict[type[Body], Kind] = {kind.body: kind for kind in KINDS.values()}

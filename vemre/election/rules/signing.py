"""Who signed what [RECORD-SIGNATURE] [RECORD-ROLE]. Source: protocol, section 3, appendix A."""

from __future__ import annotations

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.election.rules.view import LogView, View, role_keys
from vemre.errors import CheckFailed
from vemre.records.kinds import KINDS
from vemre.records.record import Record
from vemre.types import LOG_NAMES

BALLOT = KINDS["ballot"]


def check_signatures(view: View) -> bool:
    """[RECORD-SIGNATURE] of every record but ballots, whose credential is checked with the ballot.

    A signer that is no role of the manifest is left to RECORD-ROLE.
    """
    keys = role_keys(view.manifest)
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in view.new(log, *(type_ for type_ in KINDS if type_ != "ballot")):
            key = keys.get(record.signer)
            if key is None or view.trusts(log, index):
                continue
            check_signature(view, log, index, record, key)
    return True


def check_signature(view: View, log: LogView, index: int, record: Record, key: bytes) -> None:
    """One signature. Raises CheckFailed(RECORD-SIGNATURE), naming the claimed signer."""

    def verify() -> bool:
        ed25519.verify(key, record.signed_bytes, record.signature)
        return True

    try:
        view.memo.once(("signature", key, record.leaf_hash), verify)
    except ed25519.SignatureInvalid:
        raise CheckFailed(
            Check.RECORD_SIGNATURE,
            f"the signature of this {record.type} does not verify under the key of {record.signer}",
            where=log.where(index),
            party=record.signer,
        ) from None


def check_roles(view: View) -> bool:
    """[RECORD-ROLE]: each record is made for this log and signed by a role that may sign its type."""
    keys = role_keys(view.manifest)
    for name in LOG_NAMES:
        log = view.logs[name]
        origin = view.anchors.logs[name].name
        for index, record in view.new(log):
            if record.log != origin:
                problem = "the record was made for another log"
            elif record.kind is BALLOT:
                continue
            elif record.signer not in keys or not record.kind.may_sign(record.signer, name):
                problem = f"{record.signer} may not sign a record of type {record.type}"
            else:
                continue
            party = record.signer if record.signer in keys else log.writer
            raise CheckFailed(Check.RECORD_ROLE, problem, where=log.where(index), party=party)
    return True

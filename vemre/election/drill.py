"""A trustee's share of a drill. Holds secrets. Source: protocol, section 5.3."""

from __future__ import annotations

from vemre.election.canary import canary_base
from vemre.election.dkg import KeyShare
from vemre.election.rules.keygen import JointKey
from vemre.election.rules.setup import DRILL_NAME, drill_context
from vemre.group import Group
from vemre.proofs import decryption
from vemre.proofs.prove import decryption as prove_decryption
from vemre.records.fields import Equality
from vemre.records.setup_bodies import DrillShare
from vemre.types import Random


def drill_share(group: Group, random: Random, key: JointKey, share: KeyShare, number: int) -> DrillShare:
    """The trustee's share of the canary of drill `number`, which it computes itself, with its proof."""
    base = canary_base(group, key.context, number)
    made = prove_decryption.decrypt(group, base, share.secret())
    statement = decryption.Statement(
        context=drill_context(key.context, number),
        urn=DRILL_NAME,
        contest=DRILL_NAME,
        trustee=share.trustee,
        verification_key=key.verification.slice(share.trustee - 1, share.trustee),
        bases=base,
        shares=made,
    )
    proof = prove_decryption.prove(group, random, statement, share.secret())
    equality = Equality(proof.t1.hex(), proof.t2.hex(), proof.response.hex())
    return DrillShare(share.role, made.encode().hex(), equality)

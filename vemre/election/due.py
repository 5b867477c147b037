"""Whether an act that needs a key may be done now: the conditions that mixers and trustees check for themselves.

The rules (`vemre.election.rules`) would refuse the record afterwards; a share that is out cannot be taken back, so
here everything is asked before a secret is touched. Source: protocol, sections 8 to 10 and 12.
"""

from __future__ import annotations

from vemre.checks import Check
from vemre.election.rules import decrypting, mixing
from vemre.election.rules.view import Batch, View
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import open_checkpoint, require_quorum


def check_mixing(view: View, batch: Batch, mixer: str, gate: str) -> None:
    """A mixer takes a batch once, after the list to mix stands, before anything is decrypted.

    It waits for the authority's decision on every small batch: once mixing has begun, a decision comes too late
    [ORDER], and the small batch could never be opened. Raises Refused("not-due"), CheckFailed(MIX-CHAIN), or what is
    wrong with the gate.
    """
    if view.tally_input is None:
        raise Refused("not-due", reason="tally-input")
    if set(decrypting.small_batches(view)) - set(decrypting.decisions(view)):
        raise Refused("not-due", reason="small-batch-decision")
    if view.tally.first("decryption") is not None:
        raise CheckFailed(Check.ORDER, "decryption has begun")
    if mixer in mixing.mixers_of(view)[batch]:
        raise CheckFailed(Check.MIX_CHAIN, "the mixer has mixed this batch before", party=mixer)
    check_gate(view, gate, _last(view, batch) + 1)


def check_decryption(view: View, batch: Batch, gate: str) -> None:
    """A trustee decrypts a batch after all batches are mixed, and a small one upon the authority's decision.

    Raises Refused("not-due"), CheckFailed(MIN-BATCH), or what is wrong with the gate.
    """
    if view.tally_input is None:
        raise Refused("not-due", reason="tally-input")
    needed = view.manifest.policy.mixers
    if any(len(mixers) < needed for mixers in mixing.mixers_of(view).values()):
        raise Refused("not-due", reason="shuffle")
    if batch in decrypting.small_batches(view) and batch not in decrypting.decisions(view):
        raise CheckFailed(Check.MIN_BATCH, "the batch is small and the authority has not decided to decrypt it")
    # Decisions stand before all shuffles [ORDER], so what covers the last shuffle covers them.
    check_gate(view, gate, _last(view, batch) + 1)


def check_gate(view: View, gate: str, size: int) -> None:
    """The checkpoint is one of this tally log, cosigned by the quorum, and covers `size` entries.

    Raises CheckFailed(NOTE, CHECKPOINT or GATE).
    """
    anchors = view.anchors
    witnesses = [vkey for vkeys in anchors.witnesses.values() for vkey in vkeys]
    opened = open_checkpoint(gate.encode(), anchors.logs["tally"], witnesses)
    require_quorum(opened, anchors.witnesses, anchors.quorum, Check.GATE)
    if opened.size > len(view.tally) or view.tally.root(opened.size) != opened.root:
        raise CheckFailed(Check.CHECKPOINT, "the gate is not a checkpoint of this tally log", party="tally")
    if opened.size < size:
        raise CheckFailed(Check.GATE, f"the gate covers {opened.size} entries, the act builds on {size}")


def _last(view: View, batch: Batch) -> int:
    """Position of the last shuffle of a batch, or of the list to mix."""
    last = view.tally.first("tally-input") or 0
    for mix in mixing.mixes(view):
        if (mix.body.urn, mix.body.contest) == batch:
            last = mix.index
    return last

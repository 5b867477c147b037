"""Shuffles. Source: protocol, section 9, and appendix E, items 10 and 11."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from vemre.checks import Check
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.view import Batch, View, role_number
from vemre.errors import CheckFailed
from vemre.params import ELEMENT_BYTES
from vemre.proofs import shuffle
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob
from vemre.records.record import Record


@dataclass(frozen=True)
class Mix:
    """One shuffle in its chain."""

    index: int
    record: Record
    body: v.Shuffle
    source: Blob
    """What it takes: the tally input, or the output before it in the log."""


def inputs(view: View) -> dict[Batch, Blob]:
    """The blob of the list to mix, by batch."""
    tally_input = view.tally_input
    return {} if tally_input is None else {(b.urn, b.contest): b.input for b in tally_input.batches}


def mixes(view: View) -> Iterator[Mix]:
    """Every shuffle with its input, in log order."""
    last = inputs(view)
    for index, record, body in view.tally.of(v.Shuffle):
        batch = (body.urn, body.contest)
        yield Mix(index, record, body, last[batch])
        last[batch] = body.output


def last_outputs(view: View) -> dict[Batch, Blob]:
    """What is to be decrypted, by batch: the last output, or the input where nothing was mixed yet."""
    last = inputs(view)
    for mix in mixes(view):
        last[mix.body.urn, mix.body.contest] = mix.body.output
    return last


def mixers_of(view: View) -> dict[Batch, list[str]]:
    """The mixers of each batch, in chain order."""
    found: dict[Batch, list[str]] = {batch: [] for batch in inputs(view)}
    for mix in mixes(view):
        found[mix.body.urn, mix.body.contest].append(mix.record.signer)
    return found


def check_chain(view: View) -> bool:
    """[MIX-CHAIN]: no mixer twice in a batch; fewer than two rows pass through unchanged and unproved."""
    seen: dict[Batch, set[str]] = {batch: set() for batch in inputs(view)}
    for mix in mixes(view):
        body = mix.body
        signers = seen[body.urn, body.contest]
        if mix.record.signer in signers:
            problem = "the mixer has mixed this batch before"
        elif (body.proof is None) != (body.rows < 2):
            problem = "fewer than two rows pass through without a proof, all others need one"
        elif body.rows < 2 and body.output != mix.source:
            problem = "what passes through is changed"
        else:
            signers.add(mix.record.signer)
            continue
        raise CheckFailed(Check.MIX_CHAIN, problem, where=view.tally.where(mix.index), party=mix.record.signer)
    return view.tally.first("shuffle") is not None


def check_count(view: View) -> bool:
    """[MIX-COUNT]: before anything is decrypted, every batch went through the policy's number of mixers."""
    index = min(view.tally.indices("decryption", "result-batch"), default=None)
    if index is None:
        return False
    needed = view.manifest.policy.mixers
    for (urn, contest), signers in mixers_of(view).items():
        if len(signers) < needed:
            problem = f"{urn} {contest} went through {len(signers)} mixers, the policy wants {needed}"
            raise CheckFailed(Check.MIX_COUNT, problem, where=view.tally.where(index), party="tally")
    return True


def width(view: View, batch: Batch) -> int:
    """w: ciphertexts per row of a batch."""
    return view.contests[batch[1]].blocks


def check_lengths(view: View) -> bool:
    """[SHUFFLE-LENGTH]: output and proof have exactly the length that rows and width give."""
    seen = False
    for mix in mixes(view):
        body = mix.body
        wide = width(view, (body.urn, body.contest))
        if body.output.size != body.rows * wide * 2 * ELEMENT_BYTES:
            problem = "the output has another length than its rows give"
        elif body.proof is not None and body.proof.size != shuffle.proof_length(body.rows, wide):
            problem = "the proof has another length than its rows give"
        else:
            seen = seen or body.proof is not None
            continue
        raise CheckFailed(Check.SHUFFLE_LENGTH, problem, where=view.tally.where(mix.index), party=mix.record.signer)
    return seen


def check_proofs(view: View) -> bool:
    """[SHUFFLE]: each output is a re-encrypted permutation of its input."""
    seen = False
    for mix in mixes(view):
        if mix.body.proof is not None:
            seen = True
            key = ("shuffle", view.context, mix.record.leaf_hash, mix.source.sha256)
            view.memo.once(key, partial(_check_proof, view, mix))
    return seen


def _check_proof(view: View, mix: Mix) -> bool:
    body, party, where = mix.body, mix.record.signer, view.tally.where(mix.index)
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    assert body.proof is not None
    batch = (body.urn, body.contest)
    source = view.group.decode(view.blob(mix.source, party))
    try:
        statement = shuffle.Statement(
            context=context,
            urn=body.urn,
            contest=body.contest,
            mixer=role_number(party),
            width=width(view, batch),
            joint_key=key.joint,
            inputs=source,
            outputs=view.group.decode(view.blob(body.output, party)),
        )
        shuffle.verify(view.group, view.random, statement, view.blob(body.proof, party))
    except CheckFailed as failure:
        raise failure.located(where=where, party=party) from None
    return True

"""Shuffles. Source: protocol, section 9, and appendix E, items 10 and 11."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from vemre.checks import Check
from vemre.election.rules.decoded import MOST_POINTS
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.view import Batch, View, role_number
from vemre.errors import CheckFailed
from vemre.group import Backend, Elements, load
from vemre.params import ELEMENT_BYTES
from vemre.proofs import shuffle
from vemre.proofs.batch import Equations
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob
from vemre.records.record import Record
from vemre.types import Random


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


@dataclass
class Chains:
    """The shuffles so far, with their inputs."""

    of_batch: dict[Batch, list[Mix]] = field(default_factory=dict)
    """In log order."""
    at: dict[int, Mix] = field(default_factory=dict)
    """By position in the tally log, in log order."""
    last: dict[Batch, Blob] = field(default_factory=dict)
    """The last output, or the input where nothing was mixed yet."""
    proved: bool = False
    """Whether one of them carries a proof."""

    def add(self, index: int, record: Record) -> None:
        """The tally input, or the next shuffle. Raises KeyError for one of a batch that the tally input lacks."""
        body = record.body
        if isinstance(body, v.TallyInput):
            self.last.update({(batch.urn, batch.contest): batch.input for batch in body.batches})
            self.of_batch.update({batch: [] for batch in self.last})
            return
        assert isinstance(body, v.Shuffle)
        batch = (body.urn, body.contest)
        mix = Mix(index, record, body, self.last[batch])
        self.of_batch[batch].append(mix)
        self.at[index] = mix
        self.last[batch] = body.output
        self.proved = self.proved or body.proof is not None


def chains(view: View) -> Chains:
    """The shuffles so far; they grow with the log."""
    return view.tables.follow("chains", view.tally, ("tally-input", "shuffle"), Chains, Chains.add)


def mixes(view: View) -> Iterable[Mix]:
    """Every shuffle with its input, in log order."""
    return chains(view).at.values()


def _new_mixes(view: View) -> Iterator[Mix]:
    """The shuffles that are not settled yet."""
    at = chains(view).at
    return (at[index] for index, _ in view.new(view.tally, "shuffle"))


def last_outputs(view: View) -> Mapping[Batch, Blob]:
    """What is to be decrypted, by batch: the last output, or the input where nothing was mixed yet."""
    return chains(view).last


def mixers_of(view: View) -> dict[Batch, list[str]]:
    """The mixers of each batch, in chain order."""
    return {batch: [mix.record.signer for mix in found] for batch, found in chains(view).of_batch.items()}


def check_chain(view: View) -> bool:
    """[MIX-CHAIN]: no mixer twice in a batch; fewer than two rows pass through unchanged and unproved."""
    for mix in _new_mixes(view):
        body = mix.body
        before = chains(view).of_batch[body.urn, body.contest]
        if any(other.record.signer == mix.record.signer for other in before if other.index < mix.index):
            problem = "the mixer has mixed this batch before"
        elif (body.proof is None) != (body.rows < 2):
            problem = "fewer than two rows pass through without a proof, all others need one"
        elif body.rows < 2 and body.output != mix.source:
            problem = "what passes through is changed"
        else:
            continue
        raise CheckFailed(Check.MIX_CHAIN, problem, where=view.tally.where(mix.index), party=mix.record.signer)
    return view.tally.has("shuffle")


def check_count(view: View) -> bool:
    """[MIX-COUNT]: before anything is decrypted, every batch went through the policy's number of mixers."""
    index = next(iter(view.tally.since(0, "decryption", "result-batch")), None)
    if index is None:
        return False
    if index < view.settled.size("tally"):
        return True
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
    for mix in _new_mixes(view):
        body = mix.body
        wide = width(view, (body.urn, body.contest))
        if body.output.size != body.rows * wide * 2 * ELEMENT_BYTES:
            problem = "the output has another length than its rows give"
        elif body.proof is not None and body.proof.size != shuffle.proof_length(body.rows, wide):
            problem = "the proof has another length than its rows give"
        else:
            continue
        raise CheckFailed(Check.SHUFFLE_LENGTH, problem, where=view.tally.where(mix.index), party=mix.record.signer)
    return chains(view).proved


def check_proofs(view: View) -> bool:
    """[SHUFFLE]: each output is a re-encrypted permutation of its input."""
    due = [mix for mix in _new_mixes(view) if mix.body.proof is not None and not view.trusts(view.tally, mix.index)]
    unknown = [mix for mix in due if not view.memo.knows(_fact(view, mix))]
    for mix in _held(view, unknown):
        view.memo.once(_fact(view, mix), lambda: True)
        # What was taken from is not looked at any more, what came of it is: by the next mixer or by the trustees.
        view.decoded.forget(mix.source.sha256)
    # Whatever is left fails by itself, in the order of the log.
    for mix in due:
        view.memo.once(_fact(view, mix), partial(_check_proof, view, mix))
    return chains(view).proved


def _fact(view: View, mix: Mix) -> Hashable:
    return "shuffle", view.context, mix.record.leaf_hash, mix.source.sha256


def _held(view: View, found: list[Mix]) -> Iterator[Mix]:
    """Those of these shuffles whose proofs hold, as far as that is found out together or by an executor."""
    if view.workers.here:
        for together in _portions(view, found):
            if _hold(view, together):
                yield from together
        return
    for mix, holds in view.workers.each(shuffle_of_piece, _pieces(view, found)):
        if holds is True:
            yield mix


@dataclass(frozen=True)
class ShufflePiece:
    """A shuffle and its proof, for an executor: the statement's parts as they are encoded."""

    backend: Backend
    random: Random
    context: bytes
    urn: str
    contest: str
    mixer: int
    width: int
    joint_key: bytes
    inputs: bytes
    outputs: bytes
    proof: bytes


def shuffle_of_piece(piece: ShufflePiece) -> bool:
    """Whether the proof holds."""
    group = load(piece.backend)
    try:
        statement = shuffle.Statement(
            context=piece.context,
            urn=piece.urn,
            contest=piece.contest,
            mixer=piece.mixer,
            width=piece.width,
            joint_key=group.decode(piece.joint_key),
            inputs=group.decode(piece.inputs),
            outputs=group.decode(piece.outputs),
        )
        shuffle.verify(group, piece.random, statement, piece.proof)
    except CheckFailed:
        return False
    return True


def _pieces(view: View, found: list[Mix]) -> Iterator[tuple[Mix, ShufflePiece]]:
    """Of each of these shuffles whose blobs are whole."""
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    for mix in found:
        body, party = mix.body, mix.record.signer
        assert body.proof is not None
        try:
            inputs, outputs, proof = (view.blob(ref, party) for ref in (mix.source, body.output, body.proof))
        except CheckFailed:
            continue
        yield (
            mix,
            ShufflePiece(
                backend=view.group.name,
                random=view.random,
                context=context,
                urn=body.urn,
                contest=body.contest,
                mixer=role_number(party),
                width=width(view, (body.urn, body.contest)),
                joint_key=key.joint.encode(),
                inputs=inputs,
                outputs=outputs,
                proof=proof,
            ),
        )


def _portions(view: View, found: list[Mix]) -> Iterator[list[Mix]]:
    """Shuffles to be checked as one: those of a batch side by side, for they share lists; not too many at once."""
    place = {batch: number for number, batch in enumerate(chains(view).of_batch)}
    portion: list[Mix] = []
    points = 0
    for mix in sorted(found, key=lambda mix: (place[mix.body.urn, mix.body.contest], mix.index)):
        more = mix.body.rows * (3 + 4 * width(view, (mix.body.urn, mix.body.contest)))
        if portion and points + more > MOST_POINTS:
            yield portion
            portion, points = [], 0
        portion.append(mix)
        points += more
    if portion:
        yield portion


def _hold(view: View, together: list[Mix]) -> bool:
    """Whether all of these proofs hold; if not, whatever is wrong with one of them."""
    equations = Equations(view.group, view.random)
    try:
        for mix in together:
            shuffle.add_to(equations, *_statement(view, mix), elements=_ahead(view, mix))
        equations.verify()
    except CheckFailed:
        return False
    return True


def _ahead(view: View, mix: Mix) -> Elements | None:
    """The elements of a proof, where somebody has decoded them."""
    body = mix.body
    assert body.proof is not None
    count = shuffle.elements_in_proof(body.rows, width(view, (body.urn, body.contest)))
    return view.decoded.ahead(body.proof.sha256, count)


def _check_proof(view: View, mix: Mix) -> bool:
    party = mix.record.signer
    # What the list before holds is not this mixer's doing: its failure is not placed here.
    view.elements(mix.source, party)
    try:
        statement, proof = _statement(view, mix)
        shuffle.verify(view.group, view.random, statement, proof)
    except CheckFailed as failure:
        raise failure.located(where=view.tally.where(mix.index), party=party) from None
    return True


def _statement(view: View, mix: Mix) -> tuple[shuffle.Statement, bytes]:
    """What a mixer claims, and its proof."""
    body, party = mix.body, mix.record.signer
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    assert body.proof is not None
    statement = shuffle.Statement(
        context=context,
        urn=body.urn,
        contest=body.contest,
        mixer=role_number(party),
        width=width(view, (body.urn, body.contest)),
        joint_key=key.joint,
        inputs=view.elements(mix.source, party),
        outputs=view.elements(body.output, party),
    )
    return statement, view.blob(body.proof, party)

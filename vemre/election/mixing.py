"""A mixer's work: one batch in, a re-encrypted permutation and its proof out. Holds secrets while it runs, keeps none.

Source: protocol, section 9, and appendix E, item 10.
"""

from __future__ import annotations

from dataclasses import dataclass

from vemre.election.drafts import Draft, blob_of, context_of
from vemre.election.due import check_mixing
from vemre.election.rules import mixing as rules
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.view import Batch, View, role_number
from vemre.election.workers import Promise
from vemre.errors import Refused
from vemre.group import Backend, Elements, Group, load
from vemre.proofs import shuffle
from vemre.proofs.prove import shuffle as prove_shuffle
from vemre.records.vote_bodies import Shuffle
from vemre.types import Random


@dataclass(frozen=True)
class Mixed:
    """The output blob, and the proof blob (None where fewer than two rows pass through)."""

    output: bytes
    proof: bytes | None


def mix(
    group: Group,
    random: Random,
    *,
    context: bytes,
    urn: str,
    contest: str,
    mixer: int,
    width: int,
    joint_key: Elements,
    source: bytes,
) -> Mixed:
    """Shuffle one batch: `source` and the output are ciphertexts row by row, block by block, a then b.

    Permutation and re-encryption scalars exist within this call alone. Raises CheckFailed(ELEMENT or IDENTITY).
    """
    inputs = group.decode(source)
    if len(inputs) < 2 * 2 * width:
        return Mixed(source, None)
    outputs, witness = prove_shuffle.shuffle(group, random, joint_key, inputs, width)
    statement = shuffle.Statement(
        context=context,
        urn=urn,
        contest=contest,
        mixer=mixer,
        width=width,
        joint_key=joint_key,
        inputs=inputs,
        outputs=outputs,
    )
    return Mixed(outputs.encode(), prove_shuffle.prove(group, random, statement, witness))


@dataclass(frozen=True, repr=False)
class MixPiece:
    """A batch to be mixed, for an executor. All of it is public: what is secret is drawn where the work is done."""

    backend: Backend
    random: Random
    context: bytes
    urn: str
    contest: str
    mixer: int
    width: int
    joint_key: bytes
    source: bytes


def mix_of_piece(piece: MixPiece) -> Mixed:
    """See `mix`."""
    group = load(piece.backend)
    return mix(
        group,
        piece.random,
        context=piece.context,
        urn=piece.urn,
        contest=piece.contest,
        mixer=piece.mixer,
        width=piece.width,
        joint_key=group.decode(piece.joint_key),
        source=piece.source,
    )


def start_mixing(view: View, random: Random, mixer: str, batch: Batch, gate: str) -> Promise[Mixed]:
    """Begin to shuffle a batch by the role `mixer` (such as ``mixer/1``), where the view's workers are.

    `view` is verified; `gate` is a cosigned checkpoint of the tally log that covers what the batch holds now. Raises
    Refused or CheckFailed where the act is not due.
    """
    check_mixing(view, batch, mixer, gate)
    key, (urn, contest) = joint_key(view), batch
    if key is None or view.context is None:
        raise Refused("no-setup")
    piece = MixPiece(
        backend=view.group.name,
        random=random,
        context=view.context,
        urn=urn,
        contest=contest,
        mixer=role_number(mixer),
        width=rules.width(view, batch),
        joint_key=key.joint.encode(),
        source=view.blob(rules.last_outputs(view)[batch], "tally"),
    )
    return view.workers.start(mix_of_piece, piece)


def shuffle_draft(
    view: View, random: Random, mixer: str, batch: Batch, gate: str, started: Promise[Mixed] | None = None
) -> Draft:
    """The `shuffle` record of a batch by the role `mixer`, and its blobs. Of what was `started`, on what the batch
    holds now, it takes the outcome. Otherwise as `start_mixing`."""
    if started is None:
        started = start_mixing(view, random, mixer, batch, gate)
    else:
        check_mixing(view, batch, mixer, gate)
    mixed = started.result()
    urn, contest = batch
    rows = view.ballots_by_urn()[urn]
    proof = None if mixed.proof is None else blob_of(mixed.proof)
    body = Shuffle(context_of(view), urn, contest, rows, blob_of(mixed.output), proof, gate)
    return Draft(body, (mixed.output,) if mixed.proof is None else (mixed.output, mixed.proof))

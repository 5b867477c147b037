"""A trustee's work after the close: decryption shares of one batch, once. Holds secrets.

Source: protocol, section 10, and appendix E, items 10 and 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vemre.checks import Check
from vemre.election.dkg import KeyShare
from vemre.election.drafts import Draft, blob_of, context_of
from vemre.election.due import check_decryption
from vemre.election.rules import mixing as rules
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.view import Batch, View
from vemre.election.workers import Promise
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.group import Backend, Elements, Group, load
from vemre.params import SCALAR_BYTES
from vemre.proofs import decryption
from vemre.proofs.prove import decryption as prove_decryption
from vemre.records.fields import Equality
from vemre.records.vote_bodies import Decryption
from vemre.types import Random


class DecryptedLists:
    """The lists that a trustee has decrypted, by (context, urn, contest): the digest of each [DECRYPT-ONCE].

    Kept in the key file, which is replaced before the shares leave the machine.
    """

    def __init__(self, digests: Mapping[tuple[str, str, str], str] | None = None) -> None:
        self._digests = dict(digests or {})

    def permit(self, context: str, urn: str, contest: str, digest: str) -> None:
        """Note a list before it is decrypted; the same list again is allowed. `digest` is its SHA-256 (hex).

        Raises CheckFailed(DECRYPT-ONCE) for a second, different list of a batch.
        """
        if self._digests.setdefault((context, urn, contest), digest) != digest:
            raise CheckFailed(Check.DECRYPT_ONCE, f"another list of {urn} {contest} has been decrypted with this key")

    def __contains__(self, batch: tuple[str, str, str]) -> bool:
        return batch in self._digests

    def plain(self) -> list[list[str]]:
        """For the key file."""
        return [[*batch, digest] for batch, digest in sorted(self._digests.items())]

    @classmethod
    def from_plain(cls, value: Any) -> DecryptedLists:
        """Back from a key file. Raises KeyFileError."""
        if not isinstance(value, list):
            raise KeyFileError("the lists in the file are damaged")
        digests: dict[tuple[str, str, str], str] = {}
        for item in value:
            match item:
                case [str(context), str(urn), str(contest), str(digest)]:
                    digests[context, urn, contest] = digest
                case _:
                    raise KeyFileError("the lists in the file are damaged")
        return cls(digests)


def open_batch(
    group: Group,
    random: Random,
    share: KeyShare,
    *,
    context: bytes,
    urn: str,
    contest: str,
    verification_key: Elements,
    ciphertexts: bytes,
) -> tuple[bytes, Equality | None]:
    """The blob of shares S = x_k a of all ciphertexts (a, b in blob order), and their one proof (None for no rows).

    Raises CheckFailed(ELEMENT or IDENTITY). Whether the batch may be decrypted is for `decryption_draft` to ask.
    """
    both = group.decode(ciphertexts)
    if not len(both):
        return b"", None
    bases = both.take(range(0, len(both), 2))
    shares = prove_decryption.decrypt(group, bases, share.secret())
    statement = decryption.Statement(
        context=context,
        urn=urn,
        contest=contest,
        trustee=share.trustee,
        verification_key=verification_key,
        bases=bases,
        shares=shares,
    )
    proof = prove_decryption.prove(group, random, statement, share.secret())
    return shares.encode(), Equality(proof.t1.hex(), proof.t2.hex(), proof.response.hex())


@dataclass(frozen=True, repr=False)
class OpenPiece:
    """A batch to be opened with one trustee's share of the key, for an executor that may see it."""

    backend: Backend
    random: Random
    attempt: int
    trustee: int
    secret: bytes
    context: bytes
    urn: str
    contest: str
    verification_key: bytes
    ciphertexts: bytes


Opened = tuple[bytes, Equality | None]
"""The blob of shares, and their proof."""


def open_piece(piece: OpenPiece) -> Opened:
    """See `open_batch`."""
    group = load(piece.backend)
    return open_batch(
        group,
        piece.random,
        KeyShare(piece.attempt, piece.trustee, int.from_bytes(piece.secret, "little")),
        context=piece.context,
        urn=piece.urn,
        contest=piece.contest,
        verification_key=group.decode(piece.verification_key),
        ciphertexts=piece.ciphertexts,
    )


def start_opening(
    view: View, random: Random, share: KeyShare, done: DecryptedLists, batch: Batch, gate: str
) -> Promise[Opened]:
    """Begin to decrypt a batch, where the view's workers are. `done` is changed: store it before shares leave, and
    before this is called where the workers are elsewhere.

    `view` is verified; `gate` is a cosigned checkpoint of the tally log that covers the batch's last shuffle. Raises
    Refused or CheckFailed where the act is not due, before the key is used.
    """
    check_decryption(view, batch, gate)
    key, (urn, contest) = joint_key(view), batch
    if key is None or view.context is None:
        raise Refused("no-setup")
    if key.attempt != share.attempt:
        raise Refused("key-state-lost", role=share.role)
    source = rules.last_outputs(view)[batch]
    done.permit(context_of(view), urn, contest, source.sha256)
    piece = OpenPiece(
        backend=view.group.name,
        random=random,
        attempt=share.attempt,
        trustee=share.trustee,
        secret=share.secret().to_bytes(SCALAR_BYTES, "little"),
        context=view.context,
        urn=urn,
        contest=contest,
        verification_key=key.verification.slice(share.trustee - 1, share.trustee).encode(),
        ciphertexts=view.blob(source, "tally"),
    )
    return view.workers.start(open_piece, piece)


def decryption_draft(
    view: View,
    random: Random,
    share: KeyShare,
    done: DecryptedLists,
    batch: Batch,
    gate: str,
    started: Promise[Opened] | None = None,
) -> Draft:
    """The `decryption` record of a batch, and its blob. Of what was `started`, on what the batch holds now, it takes
    the outcome. Otherwise as `start_opening`."""
    if started is None:
        started = start_opening(view, random, share, done, batch, gate)
    else:
        check_decryption(view, batch, gate)
    blob, proof = started.result()
    urn, contest = batch
    rows = view.ballots_by_urn()[urn]
    return Draft(Decryption(context_of(view), urn, contest, rows, blob_of(blob), proof, gate), (blob,))

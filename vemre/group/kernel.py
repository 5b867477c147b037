"""Whole steps of verification that compiled code does in one call, over public data alone.

They are conveniences of speed: what each gives is defined by the Python beside its caller, which runs with the
reference back end, and tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vemre.group.interface import Scalars

Shape = tuple[tuple[str, int, int], ...]
"""The contests of a ballot, each with its numbers of ciphertexts and of proofs."""
ReadBallot = tuple[bytes, str, str, bytes, tuple[bytes, str, Shape, bytes, bytes, bytes, bytes]]
"""Leaf hash, log, signer, signature, and the fields of `vemre.records.cast.Cast`."""


class PublicKeys(Protocol):
    """Ed25519 keys as decoded points, of which each is decoded once."""

    def vartime_refused(self, publics: bytes) -> int | None:
        """Decode more keys and keep them, up to a limit. The index of the first that cannot be used, or None."""


class Kernel(Protocol):
    """What the compiled module offers beside the arithmetic."""

    def read_ballots(self, entries: Sequence[bytes]) -> list[ReadBallot | None]:
        """The parts of each entry that is a ballot in its usual form; None for what is to be parsed as all records."""

    def ballot_challenges(
        self,
        head: bytes,
        joint_key: bytes,
        contests: Sequence[tuple[str, int]],
        credentials: bytes,
        points: bytes,
        commitments: bytes,
    ) -> Scalars:
        """The challenges of the proofs of ballots of one shape, ballot by ballot, block by block. `head` is what the
        transcripts begin with, up to the urn; `contests` are (id, blocks)."""

    def vartime_verify_signatures(
        self,
        publics: bytes,
        messages: Sequence[bytes],
        signatures: bytes,
        known: PublicKeys | None = None,
        *,
        records: bool = False,
    ) -> int | None:
        """The index of the first Ed25519 signature that does not verify; `known` may hold some of the keys. With
        `records`, the messages are whole entries, of which a signature covers what `Record.signed_bytes` gives."""

    def public_keys(self) -> PublicKeys:
        """Empty."""

    def work_aside(self) -> None:
        """Let what the calling thread decodes and derives from now on keep nobody else waiting: for a thread that
        works ahead of what others will need."""

    def leaf_hashes(self, entries: Sequence[bytes]) -> bytes:
        """The leaf hashes of entries, flat."""

    def node_hashes(self, hashes: bytes) -> bytes:
        """The hashes of the nodes over pairs of hashes, flat."""

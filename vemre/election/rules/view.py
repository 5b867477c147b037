"""What a verification looks at: three authenticated logs, their blobs, the trust anchors.

A `View` may hold any prefix of an election: every rule accepts every valid prefix, so that the same rules serve the
off-line verifier (the whole record), the logs' writers (the log so far and one candidate) and the witnesses.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar, cast

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election.rules.decoded import Decoded
from vemre.election.rules.growth import Settled, Tables
from vemre.election.rules.log_view import NOTHING, LogView, Mark
from vemre.election.workers import HERE, Workers
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.log.encoding import malformed
from vemre.log.note import KeyType, Vkey
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.bundle import check_blob
from vemre.records.fields import Blob, Body
from vemre.records.kinds import KIND_OF_BODY
from vemre.records.policy import Policy
from vemre.records.record import Record, body_digest, parse_value, plain
from vemre.types import LOG_NAMES, LogName, Random

B = TypeVar("B", bound=Body)
T = TypeVar("T")

MAX_OFFER_BYTES = 16 << 20

Batch = tuple[str, str]
"""(urn id, contest id)."""


class Memo:
    """Facts that were established at a cost, so that following a growing log does not pay twice.

    A key names the fact and the digest of everything it depends on. Failures are not kept.
    """

    def __init__(self) -> None:
        self._facts: dict[Hashable, object] = {}

    def knows(self, key: Hashable) -> bool:
        """Whether a fact is established."""
        return key in self._facts

    def once(self, key: Hashable, establish: Callable[[], T]) -> T:
        """The value of `establish()`, from memory where it is there. What it raises passes through."""
        if key not in self._facts:
            self._facts[key] = establish()
        return cast(T, self._facts[key])


class Anchors:
    """A policy with its vkeys parsed. Raises vemre.errors.VemreError for keys that cannot be used."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.quorum = policy.quorum
        self.logs: dict[LogName, Vkey] = {name: _key(policy.log_vkey(name), of_log=True) for name in LOG_NAMES}
        self.witnesses: dict[str, list[Vkey]] = {
            auditor: [_key(text, of_log=False) for text in anchor.witness]
            for auditor, anchor in policy.auditors.items()
        }


def _key(text: str, *, of_log: bool) -> Vkey:
    """A key of a log or of a witness. Raises CheckFailed(NOTE), also where it is one of the other."""
    key = Vkey.parse(text)
    if (key.type is KeyType.ED25519) != of_log:
        raise malformed(f"the key of {key.name} is no key of a {'log' if of_log else 'witness'}")
    return key


class View:
    """Three logs, the blobs and the anchors, and what rules look up in them."""

    def __init__(
        self,
        anchors: Anchors,
        blobs: Callable[[str], bytes],
        group: Group,
        random: Random,
        *,
        logs: dict[LogName, LogView] | None = None,
        memo: Memo | None = None,
        decoded: Decoded | None = None,
        workers: Workers = HERE,
    ) -> None:
        self.anchors = anchors
        self.group = group
        self.random = random
        self.workers = workers
        self.logs: dict[LogName, LogView] = logs or {name: LogView(name) for name in LOG_NAMES}
        self.memo = memo or Memo()
        self.tables = Tables()
        self.decoded = decoded or Decoded()
        self.settled = Settled(self.logs)
        self._trusted: dict[LogName, Mark] = {}
        self._blobs = blobs

    def over(self, logs: dict[LogName, LogView]) -> View:
        """A view of other logs with the same anchors, blobs and facts, of which nothing is settled."""
        return View(self.anchors, self._blobs, self.group, self.random, logs=logs, memo=self.memo, workers=self.workers)

    # --- what rules look at -------------------------------------------------------------------------------

    def new(self, log: LogView, *types: str) -> Iterator[tuple[int, Record]]:
        """(position, record) of the records of these types (of all where none is named) that are not settled yet."""
        places = list(log.since(self.settled.size(log.name), *types))
        return zip(places, map(log.records.__getitem__, places), strict=True)

    def new_of(self, log: LogView, body: type[B]) -> Iterator[tuple[int, Record, B]]:
        """(position, record, body) of the records of the type that has this body and that are not settled yet."""
        for index, record in self.new(log, KIND_OF_BODY[body].name):
            yield index, record, cast(B, record.body)

    def trust(self, sizes: Mapping[LogName, int]) -> None:
        """Do without the signatures and proofs of these first entries of the logs, which the caller vouches for."""
        self._trusted = {name: log.mark(sizes.get(name, 0)) for name, log in self.logs.items()}

    def trusted(self, log: LogView) -> int:
        """The number of entries whose signatures and proofs need no second look."""
        mark = self._trusted.get(log.name, NOTHING)
        return mark.size if log.holds(mark) else 0

    def trusts(self, log: LogView, index: int) -> bool:
        """Whether the signatures and proofs of an entry need no second look."""
        return index < self.trusted(log)

    # --- the three logs and the blobs ---------------------------------------------------------------------

    @property
    def registry(self) -> LogView:
        return self.logs["registry"]

    @property
    def ballot(self) -> LogView:
        return self.logs["ballot"]

    @property
    def tally(self) -> LogView:
        return self.logs["tally"]

    def blob(self, ref: Blob, party: str) -> bytes:
        """The bytes of a blob. Raises CheckFailed(BLOB-DIGEST), naming `party` as the one that must hold it."""
        try:
            data = self._blobs(ref.sha256)
            check_blob(ref, data)
        except KeyError:
            place = f"blob/{ref.sha256}"
            raise CheckFailed(Check.BLOB_DIGEST, "the blob is missing", where=place, party=party) from None
        except CheckFailed as failure:
            raise failure.located(party=party) from None
        return data

    def elements(self, ref: Blob, party: str) -> Elements:
        """The elements of a blob. Raises what `blob` does, and CheckFailed(ELEMENT or IDENTITY)."""
        return self.decoded.get(ref, lambda: self.group.decode(self.blob(ref, party)))

    def has_blob(self, ref: Blob) -> bool:
        """Whether the blob is at hand."""
        try:
            self._blobs(ref.sha256)
        except KeyError:
            return False
        return True

    # --- the few records that all others build on; callers come after ORDER has passed --------------------

    @property
    def manifest(self) -> s.Manifest:
        """The manifest. Raises CheckFailed(ORDER) where the tally log does not begin with one."""
        records = self.tally.records
        if not records or not isinstance(records[0].body, s.Manifest):
            raise CheckFailed(Check.ORDER, "the log does not begin with a manifest", where="tally/0", party="tally")
        return records[0].body

    @property
    def offer(self) -> s.Offer:
        """The offer that the manifest names."""
        ref = self.manifest.offer

        def read() -> s.Offer:
            try:
                return parse_value(self.blob(ref, "tally"), s.Offer, limit=MAX_OFFER_BYTES)
            except CheckFailed as failure:
                raise failure.located(where=self.tally.where(0), party="authority") from None

        return self.memo.once(("offer", ref), read)

    @property
    def manifest_digest(self) -> bytes:
        """SHA-256 of the canonical body of the manifest."""
        return self.memo.once(("manifest", self.tally.records[0].leaf_hash), lambda: body_digest(self.manifest))

    @property
    def setup_index(self) -> int | None:
        """Position of `setup` in the tally log."""
        return self.tally.first("setup")

    @property
    def setup(self) -> s.Setup | None:
        """The setup, where there is one yet."""
        index = self.setup_index
        return None if index is None else cast(s.Setup, self.tally.records[index].body)

    @property
    def context(self) -> bytes | None:
        """context = SHA-256("VEMRE-1/setup" || canonical setup body)."""
        index = self.setup_index
        if index is None:
            return None
        record = self.tally.records[index]
        return self.memo.once(("context", record.leaf_hash), lambda: setup_context(cast(s.Setup, record.body)))

    @property
    def open(self) -> v.Open | None:
        return self.ballot.one(v.Open)

    @property
    def close(self) -> v.Close | None:
        return self.ballot.one(v.Close)

    @property
    def marks(self) -> v.Marks | None:
        return self.registry.one(v.Marks)

    @property
    def tally_input(self) -> v.TallyInput | None:
        return self.tally.one(v.TallyInput)

    @property
    def result(self) -> v.Result | None:
        return self.tally.one(v.Result)

    # --- derived from the offer -------------------------------------------------------------------------

    @property
    def contests(self) -> dict[str, s.Contest]:
        """Contests by id."""
        return self.memo.once(
            ("contests", self.manifest.offer), lambda: {contest.id: contest for contest in self.offer.contests}
        )

    @property
    def batches(self) -> list[Batch]:
        """All (urn, contest), in manifest order."""
        return self.memo.once(
            ("batches", self.manifest.offer),
            lambda: [(urn.id, contest) for urn in self.offer.urns for contest in urn.contests],
        )

    @property
    def ballot_counts(self) -> Counter[str]:
        """Number of ballots in the ballot log by urn, as the ballots name it."""
        return self.tables.follow("ballot-counts", self.ballot, ("ballot",), Counter[str], _count_ballot)

    def ballots_by_urn(self) -> dict[str, int]:
        """Number of ballots in the ballot log per urn, in manifest order (urns that do not exist are not counted)."""
        counts = self.ballot_counts
        return {urn.id: counts[urn.id] for urn in self.offer.urns}


def _count_ballot(counts: Counter[str], _index: int, record: Record) -> None:
    counts[record.cast.urn] += 1


def role_keys(manifest: s.Manifest) -> dict[str, bytes]:
    """Role id to Ed25519 record-signing key. The last of two equal ids wins; MANIFEST-IDS refuses such a manifest."""
    members: tuple[s.TrusteeMember | s.Mixer | s.Auditor, ...] = (
        *manifest.trustees.members,
        *manifest.mixers,
        *manifest.auditors,
    )
    keys = {
        "authority": manifest.authority.sign,
        "registry": manifest.registry.sign,
        "ballot-box": manifest.ballot_box.sign,
        "tally": manifest.tally.sign,
        **{member.id: member.sign for member in members},
    }
    return {role: bytes.fromhex(key) for role, key in keys.items()}


def setup_context(setup: s.Setup) -> bytes:
    """SHA-256("VEMRE-1/setup" || canonical setup body)."""
    return hashlib.sha256(b"VEMRE-1/setup" + canonical.encode(plain(setup))).digest()


def role_number(role: str) -> int:
    """The number in a role id such as ``trustee/3``."""
    return int(role.split("/")[1])


__all__ = [
    "MAX_OFFER_BYTES",
    "Anchors",
    "Batch",
    "LogView",
    "Memo",
    "View",
    "role_keys",
    "role_number",
    "setup_context",
]

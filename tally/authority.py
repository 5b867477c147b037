"""The authority's acts: each looks at the verified election, rests on cosigned checkpoints, and is signed here.

What comes out is a submission that the rules accept as the logs stand. Source: protocol, sections 5, 8, 11 and 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tally.attempts import VOID, declared_void
from tally.keys import RoleFile
from tally.offer_files import read_json
from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.drafts import Draft
from vemre.election.rules import decrypting, engine, keygen
from vemre.election.rules.view import Batch, View
from vemre.errors import CheckFailed, Refused
from vemre.records import bundle
from vemre.records.setup_bodies import Manifest, Offer
from vemre.service.election_source import ElectionSource
from vemre.types import Clock, LogName

ROLE = "authority"
MAX_REASON = 2_000
_WANTING = frozenset(
    {
        "key-not-complete",
        "no-result",
        "no-setup",
        "opinions-missing",
        "roll-not-published",
        "system-opinions-missing",
    }
)
"""Refusals for want of records that may be in the logs already and only not be cosigned yet."""
_RELEASE = re.compile(r"[0-9a-f]{64}")
_MAX_COUNTS = 1 << 20


@dataclass(frozen=True)
class Order:
    """A signed record of the authority, and the log that it is for."""

    log: LogName
    type: str
    submission: bytes


@dataclass
class Authority:
    """The authority at work on one election."""

    source: ElectionSource
    key: SigningKey
    clock: Clock

    @classmethod
    def of(cls, source: ElectionSource, file: RoleFile, clock: Clock) -> Authority:
        """With the key of a key file. Raises KeyFileError."""
        return cls(source, file.sign, clock)

    def setup(self, lnere: Mapping[str, int], release: str) -> Order:
        """Bind manifest, key, roll and release. `lnere` is the authority's own count by urn.

        Raises Refused: "key-not-complete", "roll-not-published", "release-unusable", "lnere-urns",
        "not-cosigned-yet"; CheckFailed.
        """
        if not _RELEASE.fullmatch(release):
            raise Refused("release-unusable")
        view = self.source.refresh()
        missing = [urn.id for urn in view.offer.urns if urn.id not in lnere]
        unknown = [urn for urn in lnere if urn not in {known.id for known in view.offer.urns}]
        if missing or unknown:
            raise Refused("lnere-urns", urns=", ".join([*missing, *unknown])[:300])
        size = max(view.registry.indices("roll", "roll-replace"), default=-1) + 1
        with self._explained():
            gate = self.source.gate("registry", size)
            return self._signed(view, "tally", drafts.setup(view, registry=gate, lnere=lnere, release=release))

    def open(self) -> Order:
        """Order the opening, which names the auditors' opinions on the system. Raises Refused and CheckFailed."""
        view = self.source.refresh()
        gate = self.source.gate("tally", len(view.tally))
        with self._explained():
            return self._signed(view, "ballot", drafts.opening(view, tally=gate, now=self.clock()))

    def decide(self, batches: list[Batch], reason: str) -> list[Order]:
        """Decide to decrypt small batches; all that are undecided where none is named.

        Raises Refused: "no-tally-input", "nothing-to-decide", "reason-missing"; CheckFailed.
        """
        if not reason.strip() or len(reason) > MAX_REASON:
            raise Refused("reason-missing")
        view = self.source.refresh()
        if view.tally_input is None:
            raise Refused("no-tally-input")
        waiting = [batch for batch in decrypting.small_batches(view) if batch not in decrypting.decisions(view)]
        chosen = batches or waiting
        if not chosen or not set(chosen) <= set(waiting):
            raise Refused("nothing-to-decide")
        return [self._signed(view, "tally", drafts.small_batch_decision(view, batch, reason)) for batch in chosen]

    def certify(self) -> Order:
        """Certify the result. Raises Refused: "no-result", "opinions-missing", "opinion-unfavourable"; CheckFailed."""
        view = self.source.refresh()
        gate = self.source.gate("tally", len(view.tally))
        with self._explained():
            return self._signed(view, "tally", drafts.certification(view, gate=gate))

    def void(self, text: str) -> Order:
        """End the attempt at key generation that is on; `text` names the trustee who answers for it.

        Raises Refused: "reason-missing", "no-attempt" where none is on, "key-drilled" once a drill has used the key:
        every drill is of the attempt that the setup names, so another key then needs another election.
        """
        if not text.strip() or len(text) > MAX_REASON:
            raise Refused("reason-missing")
        view = self.source.refresh()
        if view.tally.first("drill") is not None:
            raise Refused("key-drilled")
        found = keygen.attempts(view)
        if not found or declared_void(view, found[-1]):
            raise Refused("no-attempt")
        return self._signed(view, "tally", drafts.incident(VOID, text, self.clock()))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What is refused for want of a record that is only not cosigned yet says so, and names who is missing."""
        try:
            yield
        except Refused as refused:
            raise (self.source.waiting() if refused.code in _WANTING else None) or refused from None

    def _signed(self, view: View, log: LogName, draft: Draft) -> Order:
        """Sign a draft, and ask the rules about it before anybody else does."""
        submission = drafts.sign(draft, log=view.anchors.logs[log].name, signer=ROLE, key=self.key)
        record = bundle.decode(submission).record
        if self.key.public.hex() != view.manifest.authority.sign:
            raise Refused("not-in-manifest", role=ROLE)
        engine.admit(view, log, record)
        view.logs[log].pop()
        return Order(log, record.type, submission)


def sign_manifest(manifest: Manifest, offer: Offer, key: SigningKey) -> Order:
    """The first entry of the tally log. Raises Refused("not-in-manifest"), CheckFailed(BLOB-DIGEST) where the offer is
    not the one that the manifest names."""
    if manifest.authority.sign != key.public.hex():
        raise Refused("not-in-manifest", role=ROLE)
    data = drafts.offer_blob(offer)
    bundle.check_blob(manifest.offer, data)
    origin = manifest.tally.log.partition("+")[0]
    submission = drafts.sign(drafts.manifest(manifest, data), log=origin, signer=ROLE, key=key)
    return Order("tally", "manifest", submission)


def read_lnere(path: Path) -> dict[str, int]:
    """The authority's counts: a JSON object of urn id to number. Raises CheckFailed(CANONICAL), OSError, Refused."""
    value = read_json(path, limit=_MAX_COUNTS)
    if not isinstance(value, dict) or not all(type(count) is int and count >= 0 for count in value.values()):
        raise CheckFailed(Check.CANONICAL, "not an object of urn ids and counts", where=path.name)
    return value

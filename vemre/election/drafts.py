"""Drafts of the records that authorities and auditors sign: what follows from the logs, ready for a signature.

Nothing here decides or holds a secret. A draft is a record body and the blobs that it names; whoever is responsible
looks at it, signs it (`sign`), and submits it. Source: protocol, sections 5, 8 and 11, appendix A.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from vemre.crypto import canonical
from vemre.crypto.signing import SigningKey
from vemre.election.rules import closing, keygen, results
from vemre.election.rules.view import Batch, View
from vemre.errors import Refused
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Blob, Body, format_time
from vemre.records.kinds import KIND_OF_BODY
from vemre.records.record import assemble, plain, signed_bytes

SMALL_COUNTRY = 10
"""Countries with fewer ballots than this are published together as ``other``."""


@dataclass(frozen=True)
class Draft:
    """A record body and the blobs that it names."""

    body: Body
    blobs: tuple[bytes, ...] = ()


def blob_of(data: bytes) -> Blob:
    """The reference to a blob."""
    return Blob(sha256(data).hexdigest(), len(data))


def sign(draft: Draft, *, log: str, signer: str, key: SigningKey) -> bytes:
    """The submission (vemre.records.bundle) of a draft, signed by `signer` for the log with the origin `log`."""
    return bundle.encode(sign_entry(draft.body, log=log, signer=signer, key=key), draft.blobs)


def sign_entry(body: Body, *, log: str, signer: str, key: SigningKey) -> bytes:
    """The entry of a record, signed."""
    message = signed_bytes(KIND_OF_BODY[type(body)], log, signer, body)
    return assemble(log, signer, body, key.sign(message))


# --- the authority -------------------------------------------------------------------------------------------


def manifest(body: s.Manifest, offer: bytes) -> Draft:
    """The manifest, with the offer (canonical JSON) as its blob."""
    return Draft(body, (offer,))


def offer_blob(offer: s.Offer) -> bytes:
    """The canonical JSON of an offer."""
    return canonical.encode(plain(offer))


def setup(view: View, *, registry: str, lnere: Mapping[str, int], release: str) -> Draft:
    """Binds manifest, key, roll and release. `registry` is the cosigned registry checkpoint that covers the roll;
    `lnere` the authority's own count of voters with the Internet modality, by urn; `release` a SHA3-256 digest (hex).

    Raises Refused where key generation or the roll is not complete.
    """
    key = keygen.joint_key(view)
    roll = view.registry.first("roll")
    if key is None or len(keygen.attempts(view)[-1].acks) < len(view.manifest.trustees.members):
        raise Refused("key-not-complete")
    if roll is None:
        raise Refused("roll-not-published")
    verification = key.verification.encode().hex()
    return Draft(
        s.Setup(
            manifest_digest=view.manifest_digest.hex(),
            attempt=key.attempt,
            joint_key=key.joint.encode().hex(),
            verification_keys=[verification[start : start + 64] for start in range(0, len(verification), 64)],
            roll=view.registry.records[roll].leaf_hash.hex(),
            registry=registry,
            lnere=[s.UrnCount(urn.id, lnere[urn.id]) for urn in view.offer.urns],
            release=release,
        )
    )


def context_of(view: View) -> str:
    """The context, as records carry it. Raises Refused before the setup."""
    if view.context is None:
        raise Refused("no-setup")
    return view.context.hex()


def opening(view: View, *, tally: str, now: int) -> Draft:
    """The order to open. It names the last favourable system opinion of every auditor.

    Raises Refused("system-opinions-missing") without two, which names whose opinion is missing or unfavourable.
    """
    context, index = context_of(view), view.setup_index
    assert index is not None
    last: dict[str, tuple[str, s.SystemOpinion]] = {}
    for _, record, opinion in view.tally.of(s.SystemOpinion):
        last[record.signer] = (record.leaf_hash.hex(), opinion)
    favourable = [leaf for leaf, opinion in last.values() if opinion.verdict == "favourable"]
    if len(favourable) < view.anchors.quorum:
        raise Refused(
            "system-opinions-missing",
            found=len(favourable),
            needed=view.anchors.quorum,
            missing=_listed(auditor for auditor in _auditors(view) if auditor not in last),
            against=_listed(auditor for auditor, (_, opinion) in last.items() if opinion.verdict != "favourable"),
        )
    return Draft(
        v.Open(
            context=context,
            time=format_time(now),
            setup=view.tally.records[index].leaf_hash.hex(),
            opinions=favourable,
            tally=tally,
        )
    )


def small_batch_decision(view: View, batch: Batch, reason: str) -> Draft:
    """The decision to decrypt a batch below the minimum."""
    rows = view.ballots_by_urn()[batch[0]]
    return Draft(v.SmallBatchDecision(context_of(view), batch[0], batch[1], rows, "decrypt", reason))


def certification(view: View, *, gate: str) -> Draft:
    """Certifies the result with every auditor's last opinion.

    Raises Refused: "no-result"; "opinion-unfavourable" where one is, "opinions-missing" without two, both naming whose.
    """
    context, index = context_of(view), view.tally.first("result")
    if index is None:
        raise Refused("no-result")
    last = {record.signer: (record.leaf_hash.hex(), body) for _, record, body in view.tally.of(v.Opinion)}
    against = [auditor for auditor, (_, body) in last.items() if body.verdict != "favourable"]
    if against:
        raise Refused("opinion-unfavourable", auditor=_listed(against))
    if len(last) < view.anchors.quorum:
        missing = _listed(auditor for auditor in _auditors(view) if auditor not in last)
        raise Refused("opinions-missing", found=len(last), needed=view.anchors.quorum, missing=missing)
    leaf = view.tally.records[index].leaf_hash.hex()
    return Draft(v.Certification(context, leaf, [leaf for leaf, _ in last.values()], gate))


def _auditors(view: View) -> list[str]:
    return [auditor.id for auditor in view.manifest.auditors]


def _listed(auditors: Iterable[str]) -> str:
    return ", ".join(sorted(auditors)) or "—"


# --- the registry --------------------------------------------------------------------------------------------


def roll(offer: s.Offer, credentials: Mapping[str, Sequence[bytes]]) -> Draft:
    """The public credentials of every urn, sorted bytewise."""
    blobs = {urn.id: b"".join(sorted(credentials.get(urn.id, ()))) for urn in offer.urns}
    urns = [s.RollUrn(urn, len(blob) // 32, blob_of(blob)) for urn, blob in blobs.items()]
    return Draft(s.Roll(urns), tuple(blobs.values()))


def marks(view: View, *, ballot: str, countries: Mapping[str, int]) -> Draft:
    """Who voted, in counts. `countries` are ballots by ISO 3166-1 alpha-2 code; small ones are put together."""
    named = {code: count for code, count in countries.items() if count >= SMALL_COUNTRY}
    rest = sum(countries.values()) - sum(named.values())
    listed = [v.CountryCount(code, named[code]) for code in sorted(named)]
    if rest:
        listed.append(v.CountryCount(closing.OTHER, rest))
    counts = [s.UrnCount(urn, count) for urn, count in view.ballots_by_urn().items()]
    return Draft(v.Marks(context_of(view), ballot, counts, listed))


# --- the ballot box ------------------------------------------------------------------------------------------


def close(view: View, *, now: int, late: int) -> Draft:
    """The end of voting, with the ballots of every urn."""
    counts = [v.UrnBallots(urn, count) for urn, count in view.ballots_by_urn().items()]
    return Draft(v.Close(context_of(view), format_time(now), counts, late))


# --- the tally -----------------------------------------------------------------------------------------------


def tally_input(view: View, *, ballot: str, registry: str) -> Draft:
    """The list to mix, from the ballot log."""
    blobs = closing.input_blobs(view)
    ballots = view.ballots_by_urn()
    batches = [v.BatchInput(urn, contest, ballots[urn], blob_of(data)) for (urn, contest), data in blobs.items()]
    return Draft(v.TallyInput(context_of(view), ballot, registry, batches), tuple(blobs.values()))


def result_batch(view: View, batch: Batch) -> Draft:
    """The count of one batch, once t trustees have decrypted it."""
    body, blobs = results.expected_batch(view, batch)
    return Draft(body, blobs)


def result(view: View, *, gate: str) -> Draft:
    """Names every result batch, in manifest order."""
    leaf_of = {(body.urn, body.contest): record.leaf_hash.hex() for _, record, body in view.tally.of(v.ResultBatch)}
    missing = [batch for batch in view.batches if batch not in leaf_of]
    if missing:
        raise Refused("count-not-complete", missing=len(missing))
    return Draft(v.Result(context_of(view), gate, [leaf_of[batch] for batch in view.batches]))


# --- the auditors --------------------------------------------------------------------------------------------


def audit_plan(document: bytes, scope: Sequence[str]) -> Draft:
    """An auditor's plan: method, scope, independence."""
    return Draft(s.AuditPlan(blob_of(document), list(scope)), (document,))


def system_opinion(view: View, *, favourable: bool, report: bytes) -> Draft:
    """An auditor's opinion on the audited release that the setup names."""
    context, body = context_of(view), view.setup
    assert body is not None
    return Draft(s.SystemOpinion(context, body.release, _verdict(favourable), blob_of(report)), (report,))


def opinion(
    view: View, *, favourable: bool, checkpoints: Mapping[str, str], report: bytes, tool: tuple[str, str]
) -> Draft:
    """An auditor's opinion on the count. `checkpoints` are the cosigned checkpoints of the three logs."""
    return Draft(
        v.Opinion(
            context=context_of(view),
            verdict=_verdict(favourable),
            registry=checkpoints["registry"],
            ballot=checkpoints["ballot"],
            tally=checkpoints["tally"],
            report=blob_of(report),
            tool=v.Tool(*tool),
        ),
        (report,),
    )


def _verdict(favourable: bool) -> s.Verdict:
    return "favourable" if favourable else "unfavourable"


def incident(kind: str, text: str, now: int) -> Draft:
    """Something that went wrong, for the record."""
    return Draft(v.Incident(format_time(now), kind, text))


def countries_of(codes: Sequence[str]) -> dict[str, int]:
    """Ballots by country from one code per voter who voted."""
    return dict(Counter(codes))

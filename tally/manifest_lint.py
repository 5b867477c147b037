"""Looks over an offer or a manifest before any key exists (REQ-12): what must hold, and what is probably a slip.

An **error** is a rule of the protocol that the writer of the log would refuse, or makes the election impossible. A
**warning** is allowed, and unlikely to be meant. Pure.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election.rules import manifest as rules
from vemre.errors import CheckFailed
from vemre.records.bundle import check_blob
from vemre.records.fields import Bilingual, Blob, parse_time
from vemre.records.record import plain
from vemre.records.setup_bodies import (
    Authority,
    Contest,
    LogParty,
    Manifest,
    Offer,
    PolicyRules,
    Timeline,
    Trustees,
)

DAY: Final = 86_400
LONG_WINDOW_DAYS: Final = 60
TINY_BATCH: Final = 10

NOBODY: Final = Manifest(
    election_id="00000000-0000-0000-0000-000000000000",
    name=Bilingual("", ""),
    timeline=Timeline("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
    offer=Blob("0" * 64, 0),
    policy=PolicyRules("forbidden", 2, 0, 2),
    trustees=Trustees(2, []),
    mixers=[],
    auditors=[],
    authority=Authority("0" * 64),
    registry=LogParty("0" * 64, ""),
    ballot_box=LogParty("0" * 64, ""),
    tally=LogParty("0" * 64, ""),
)
"""Stands in where an offer is looked over alone."""


@dataclass(frozen=True)
class Finding:
    """One thing found. `code` is a check id, or a text of the catalogue; `where` says in which part."""

    level: Literal["error", "warning"]
    code: str
    where: str
    detail: str = ""


def lint_offer(offer: Offer) -> list[Finding]:
    """Everything about an offer alone."""
    found = [
        *_rule(Check.MANIFEST_IDS, "offer", lambda: rules.check_ids(NOBODY, offer)),
        *_rule(Check.MANIFEST_BLOCKS, "offer", lambda: rules.check_blocks(offer)),
        *_texts(offer, "offer"),
        *_urns(offer),
    ]
    for contest in offer.contests:
        found += _contest(contest)
    return found


def lint_manifest(manifest: Manifest, offer: Offer | None = None) -> list[Finding]:
    """Everything about a manifest, and about its offer where that is at hand."""
    found = [
        *_rule(Check.MANIFEST_IDS, "manifest", lambda: rules.check_ids(manifest, offer or Offer([], []))),
        *_rule(Check.MANIFEST_KEYS, "manifest", lambda: rules.check_keys(manifest)),
        *_rule(Check.MANIFEST_POLICY, "manifest", lambda: rules.check_policy(manifest)),
        *_texts(manifest, "manifest"),
        *_timeline(manifest),
        *_people(manifest),
    ]
    if offer is None:
        return [*found, _warn("lint-no-offer", "manifest.offer")]
    data = canonical.encode(plain(offer))
    found += _rule(Check.BLOB_DIGEST, "manifest.offer", lambda: check_blob(manifest.offer, data))
    # The ids of the offer were looked at above, together with those of the roles.
    return found + [finding for finding in lint_offer(offer) if finding.code != Check.MANIFEST_IDS]


def _rule(check: Check, where: str, rule: Callable[[], object]) -> Iterator[Finding]:
    try:
        rule()
    except CheckFailed as failure:
        yield Finding("error", str(check), where, failure.detail)


def _warn(code: str, where: str, detail: str = "") -> Finding:
    return Finding("warning", code, where, detail)


# --- texts ----------------------------------------------------------------------------------------------------


def _texts(body: Any, root: str) -> Iterator[Finding]:
    """Every text that people read: composed, without control characters, without spaces around it, not empty."""
    for where, name, text in _walk(plain(body), root):
        if name in ("es", "en", "name", "candidate", "legend", "party") and not text.strip():
            yield _warn("lint-empty", where)
        if text != text.strip():
            yield _warn("lint-spaces", where)
        if not unicodedata.is_normalized("NFC", text):
            yield _warn("lint-not-composed", where)
        if any(unicodedata.category(character)[0] == "C" for character in text):
            yield _warn("lint-invisible", where)
    yield from _translations(plain(body), root)


def _walk(value: Any, where: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        yield where, name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{where}.{key}", key)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, f"{where}[{place}]", name)


def _translations(value: Any, where: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        if set(value) == {"es", "en"} and value["es"] and value["es"] == value["en"]:
            yield _warn("lint-not-translated", where, value["es"])
        for key, inner in value.items():
            yield from _translations(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _translations(inner, f"{where}[{place}]")


# --- the offer ------------------------------------------------------------------------------------------------


def _urns(offer: Offer) -> Iterator[Finding]:
    if not offer.urns:
        yield _warn("lint-no-urns", "offer")
    used = {contest for urn in offer.urns for contest in urn.contests}
    for urn in offer.urns:
        if not urn.contests:
            yield _warn("lint-urn-empty", f"urn {urn.id}")
    for contest in offer.contests:
        if contest.id not in used:
            yield _warn("lint-contest-unused", f"contest {contest.id}")
    for name in _repeated([urn.name for urn in offer.urns]):
        yield _warn("lint-same-name", "offer.urns", name)
    for title in _repeated([contest.title.es for contest in offer.contests]):
        shared = [contest.id for contest in offer.contests if contest.title.es == title]
        # One title for many entities is usual; two on one paper are not.
        if any(len(set(shared) & set(urn.contests)) > 1 for urn in offer.urns):
            yield _warn("lint-same-name", "offer.contests", title)


def _contest(contest: Contest) -> Iterator[Finding]:
    where = f"contest {contest.id}"
    if len(contest.options) < 2:
        yield _warn("lint-few-options", where)
    if not contest.write_in_bytes:
        yield _warn("lint-no-write-in", where)
    for label in _repeated([f"{option.name} {option.party or ''}".strip() for option in contest.options]):
        yield _warn("lint-same-name", where, label)
    coalition_of = {member: coalition.id for coalition in contest.coalitions for member in coalition.members}
    for name in _repeated([option.name for option in contest.options]):
        shared = [option for option in contest.options if option.name == name]
        groups = {coalition_of.get(option.id) for option in shared}
        if len(groups) > 1 or None in groups:
            # One candidate of several parties who have no coalition: marking both boxes would annul the vote.
            yield _warn("lint-same-candidate", where, name)
    for candidate in _repeated([coalition.candidate for coalition in contest.coalitions]):
        yield _warn("lint-same-name", where, candidate)


def _repeated(texts: list[str]) -> list[str]:
    folded = Counter(" ".join(text.casefold().split()) for text in texts)
    return [text for text in dict.fromkeys(texts) if folded[" ".join(text.casefold().split())] > 1]


# --- the manifest ---------------------------------------------------------------------------------------------


def _timeline(manifest: Manifest) -> Iterator[Finding]:
    opens, closes = parse_time(manifest.timeline.opens), parse_time(manifest.timeline.closes)
    if closes <= opens:
        yield Finding("error", "lint-timeline-order", "manifest.timeline")
    elif closes - opens > LONG_WINDOW_DAYS * DAY:
        yield _warn("lint-timeline-long", "manifest.timeline", str((closes - opens) // DAY))
    elif closes - opens < DAY:
        yield _warn("lint-timeline-short", "manifest.timeline")
    if manifest.policy.grace_seconds > DAY:
        yield _warn("lint-grace", "manifest.policy.grace_seconds", str(manifest.policy.grace_seconds))


def _people(manifest: Manifest) -> Iterator[Finding]:
    trustees, policy = manifest.trustees, manifest.policy
    if trustees.threshold == len(trustees.members):
        yield _warn("lint-no-spare-trustee", "manifest.trustees")
    if 2 * trustees.threshold <= len(trustees.members):
        yield _warn("lint-minority", "manifest.trustees")
    if len(manifest.mixers) == policy.mixers:
        yield _warn("lint-no-spare-mixer", "manifest.mixers")
    if policy.min_batch < TINY_BATCH:
        yield _warn("lint-min-batch", "manifest.policy.min_batch", str(policy.min_batch))
    for auditor in manifest.auditors:
        if len(auditor.witness) == 1:
            yield _warn("lint-no-spare-witness", f"manifest.auditors {auditor.id}")
    for role, names in (
        ("trustees", [member.name for member in trustees.members]),
        ("mixers", [mixer.name for mixer in manifest.mixers]),
        ("auditors", [auditor.name for auditor in manifest.auditors]),
    ):
        for name in _repeated(names):
            yield _warn("lint-same-name", f"manifest.{role}", name)

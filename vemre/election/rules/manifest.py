"""The manifest and the offer. Source: protocol, section 4 and appendix E, item 6."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vemre.checks import Check
from vemre.election.choice import blocks_needed
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.log.note import Vkey
from vemre.records import setup_bodies as s

_ID = re.compile(r"\A[a-z0-9-]{1,32}\Z")
MAX_WITNESS_KEYS = 3
WHERE = "tally/0"


def check_authority(view: View) -> bool:
    """[MANIFEST-AUTHORITY]: the authority's key is the policy's."""
    if view.manifest.authority.sign != view.anchors.policy.authority:
        _fail(Check.MANIFEST_AUTHORITY, "the authority's key is not the one that the policy pins")
    return True


def check_logs(view: View) -> bool:
    """[MANIFEST-LOGS]: the logs' vkeys are the policy's."""
    manifest, logs = view.manifest, view.anchors.policy.logs
    for name, party, anchor in (
        ("registry", manifest.registry, logs.registry),
        ("ballot", manifest.ballot_box, logs.ballot),
        ("tally", manifest.tally, logs.tally),
    ):
        if party.log != anchor:
            _fail(Check.MANIFEST_LOGS, f"the key of the {name} log is not the one that the policy pins")
    return True


def check_auditors(view: View) -> bool:
    """[MANIFEST-AUDITORS]: the auditors, their keys and their witnesses are the policy's."""
    named = {auditor.id: (auditor.sign, auditor.witness) for auditor in view.manifest.auditors}
    pinned = {auditor: (anchor.sign, anchor.witness) for auditor, anchor in view.anchors.policy.auditors.items()}
    if named != pinned or len(named) != len(view.manifest.auditors):
        _fail(Check.MANIFEST_AUDITORS, "the auditors or their keys are not those that the policy pins")
    return True


def check_ids(manifest: s.Manifest, offer: s.Offer) -> bool:
    """[MANIFEST-IDS]: ids are well-formed, unique where they must be, and name things that exist."""
    contests = [contest.id for contest in offer.contests]
    _unique("urn", [urn.id for urn in offer.urns])
    _unique("contest", contests)
    for urn in offer.urns:
        if len(set(urn.contests)) != len(urn.contests) or not set(urn.contests) <= set(contests):
            _fail(Check.MANIFEST_IDS, f"urn {urn.id} names a contest twice or one that does not exist")
    for contest in offer.contests:
        _check_contest_ids(contest)
    for role, members in (
        ("trustee", [member.id for member in manifest.trustees.members]),
        ("mixer", [mixer.id for mixer in manifest.mixers]),
        ("auditor", [auditor.id for auditor in manifest.auditors]),
    ):
        if members != [f"{role}/{number}" for number in range(1, len(members) + 1)]:
            _fail(Check.MANIFEST_IDS, f"the ids of the {role}s are not {role}/1, {role}/2 and so on")
    return True


def _check_contest_ids(contest: s.Contest) -> None:
    options = [option.id for option in contest.options]
    _unique("option or coalition", options + [coalition.id for coalition in contest.coalitions])
    taken: set[str] = set()
    for coalition in contest.coalitions:
        members = coalition.members
        if len(members) < 2 or len(set(members)) != len(members) or not set(members) <= set(options):
            _fail(Check.MANIFEST_IDS, f"coalition {coalition.id} needs two or more members, all options of its contest")
        if taken & set(members):
            _fail(Check.MANIFEST_IDS, f"an option of coalition {coalition.id} is in another coalition too")
        taken |= set(members)


def _unique(what: str, ids: list[str]) -> None:
    for id_ in ids:
        if not _ID.match(id_):
            _fail(Check.MANIFEST_IDS, f"a {what} id is not one to 32 of a-z, 0-9 and the hyphen")
    if len(set(ids)) != len(ids):
        _fail(Check.MANIFEST_IDS, f"a {what} id stands twice")


def check_keys(manifest: s.Manifest) -> bool:
    """[MANIFEST-KEYS]: no key (signing, witness, log, box) serves two roles or two ids, compared bytewise."""
    keys = list(_all_keys(manifest))
    if len(set(keys)) != len(keys):
        _fail(Check.MANIFEST_KEYS, "one key serves two roles")
    return True


def _all_keys(manifest: s.Manifest) -> Iterable[bytes]:
    yield bytes.fromhex(manifest.authority.sign)
    for party in (manifest.registry, manifest.ballot_box, manifest.tally):
        yield bytes.fromhex(party.sign)
        yield _vkey(party.log)
    for trustee in manifest.trustees.members:
        yield bytes.fromhex(trustee.sign)
        yield bytes.fromhex(trustee.box)
    for mixer in manifest.mixers:
        yield bytes.fromhex(mixer.sign)
    for auditor in manifest.auditors:
        yield bytes.fromhex(auditor.sign)
        for witness in auditor.witness:
            yield _vkey(witness)


def _vkey(text: str) -> bytes:
    try:
        return Vkey.parse(text).public
    except CheckFailed:
        _fail(Check.MANIFEST_KEYS, "a key of a log or witness is not well-formed")
        raise


def check_policy(manifest: s.Manifest) -> bool:
    """[MANIFEST-POLICY]: enough mixers, auditors and trustees; no re-voting; a minimum batch."""
    rules, trustees = manifest.policy, manifest.trustees
    requirements = (
        (rules.mixers >= 2, "fewer than two mixers are required"),
        (len(manifest.mixers) >= rules.mixers, "there are fewer mixers than the policy requires"),
        (len(manifest.auditors) >= 2, "there are fewer than two auditors"),
        (2 <= trustees.threshold <= len(trustees.members), "the threshold is not between two and the trustees"),
        (rules.min_batch >= 2, "the minimum batch is below two"),
        (rules.revote == "forbidden", "re-voting is not forbidden"),
        (
            all(1 <= len(auditor.witness) <= MAX_WITNESS_KEYS for auditor in manifest.auditors),
            "an auditor has no witness key or more than three",
        ),
    )
    for holds, problem in requirements:
        if not holds:
            _fail(Check.MANIFEST_POLICY, problem)
    return True


def check_blocks(offer: s.Offer) -> bool:
    """[MANIFEST-BLOCKS]: `blocks` is what the options and write-ins of each contest need."""
    for contest in offer.contests:
        if contest.blocks != blocks_needed(contest):
            _fail(
                Check.MANIFEST_BLOCKS,
                f"contest {contest.id} has {contest.blocks} blocks, it needs {blocks_needed(contest)}",
            )
    return True


def _fail(check: Check, detail: str) -> None:
    raise CheckFailed(check, detail, where=WHERE, party="authority")

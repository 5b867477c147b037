"""Puts a manifest and a policy together from an offer, dates, and the public keys that each role printed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from vemre.election import drafts
from vemre.errors import Refused
from vemre.records.fields import Bilingual, Body, Hex32
from vemre.records.policy import AuditorAnchor, LogAnchors, Policy
from vemre.records.setup_bodies import (
    Auditor,
    Authority,
    LogParty,
    Manifest,
    Mixer,
    Offer,
    PolicyRules,
    Timeline,
    TrusteeMember,
    Trustees,
)


class ServiceKeys(Body, frozen=True):
    """What ``vemre registry|ballot|tally init`` prints."""

    role: str
    election_id: str
    sign: Hex32
    log: str


class TrusteeKeys(Body, frozen=True):
    """What ``vemre trustee init`` prints."""

    role: str
    name: str
    sign: Hex32
    box: Hex32


class MixerKeys(Body, frozen=True):
    """What ``vemre mixer init`` prints."""

    role: str
    name: str
    sign: Hex32


class AuditorKeys(Body, frozen=True):
    """What ``vemre audit init`` prints. Without a number, auditors are numbered in the order in which they are given;
    without a name, the witness's is taken."""

    role: str
    sign: Hex32
    witness: list[str]
    name: str | msgspec.UnsetType = msgspec.UNSET


class AuthorityKeys(Body, frozen=True):
    """What ``vemre tally authority init`` prints."""

    role: str
    sign: Hex32


Keys = ServiceKeys | TrusteeKeys | MixerKeys | AuditorKeys | AuthorityKeys

K = TypeVar("K", TrusteeKeys, MixerKeys, AuditorKeys)

SERVICES = ("registry", "ballot-box", "tally")


def type_of(value: Any) -> type[Keys]:
    """Which keys a JSON object holds, by its role. Raises Refused("role-unknown")."""
    role = value.get("role") if isinstance(value, dict) else None
    if not isinstance(role, str):
        raise Refused("role-unknown", role="—")
    if role in SERVICES:
        return ServiceKeys
    kinds: dict[str, type[Keys]] = {
        "trustee": TrusteeKeys,
        "mixer": MixerKeys,
        "auditor": AuditorKeys,
        "authority": AuthorityKeys,
    }
    found = kinds.get(role.partition("/")[0])
    if found is None:
        raise Refused("role-unknown", role=role[:40])
    return found


@dataclass(frozen=True)
class Terms:
    """What the authority decides: names, dates, policies."""

    name: Bilingual
    timeline: Timeline
    threshold: int
    min_batch: int
    grace_seconds: int
    mixers: int
    quorum: int


def assemble(offer: Offer, terms: Terms, keys: Sequence[Keys]) -> tuple[Manifest, Policy]:
    """The body of the manifest, and the policy file that goes with it.

    Raises Refused: "role-twice", "role-missing", "elections-differ". Whether the rules hold is for `lint` to say.
    """
    by_role: dict[str, Keys] = {}
    for one in keys:
        role = one.role
        if role == "auditor":
            role = f"auditor/{sum(isinstance(known, AuditorKeys) for known in by_role.values()) + 1}"
        if role in by_role:
            raise Refused("role-twice", role=role)
        by_role[role] = one
    services = {role: _service(by_role, role) for role in SERVICES}
    elections = {service.election_id for service in services.values()}
    if len(elections) != 1:
        raise Refused("elections-differ")
    authority = by_role.get("authority")
    if not isinstance(authority, AuthorityKeys):
        raise Refused("role-missing", role="authority")
    auditors = [
        Auditor(role, one.name or one.witness[0].partition("+")[0], one.sign, one.witness)
        for role, one in _sorted(by_role, AuditorKeys)
        if one.witness
    ]
    logs = {role: LogParty(service.sign, service.log) for role, service in services.items()}
    manifest = Manifest(
        election_id=elections.pop(),
        name=terms.name,
        timeline=terms.timeline,
        offer=drafts.blob_of(drafts.offer_blob(offer)),
        policy=PolicyRules("forbidden", terms.min_batch, terms.grace_seconds, terms.mixers),
        trustees=Trustees(
            terms.threshold,
            [TrusteeMember(role, one.name, one.sign, one.box) for role, one in _sorted(by_role, TrusteeKeys)],
        ),
        mixers=[Mixer(role, one.name, one.sign) for role, one in _sorted(by_role, MixerKeys)],
        auditors=auditors,
        authority=Authority(authority.sign),
        registry=logs["registry"],
        ballot_box=logs["ballot-box"],
        tally=logs["tally"],
    )
    policy = Policy(
        logs=LogAnchors(**{name: logs[role].log for name, role in zip(_LOGS, SERVICES, strict=True)}),
        auditors={one.id: AuditorAnchor(one.sign, one.witness) for one in auditors},
        authority=authority.sign,
        quorum=terms.quorum,
    )
    return manifest, policy


_LOGS = ("registry", "ballot", "tally")


def _service(by_role: dict[str, Keys], role: str) -> ServiceKeys:
    found = by_role.get(role)
    if not isinstance(found, ServiceKeys):
        raise Refused("role-missing", role=role)
    return found


def _sorted(by_role: dict[str, Keys], type_: type[K]) -> list[tuple[str, K]]:
    """Role and keys of one kind, by number."""

    def number(item: tuple[str, K]) -> int:
        text = item[0].partition("/")[2]
        return int(text) if text.isdecimal() else 0

    return sorted(((role, one) for role, one in by_role.items() if isinstance(one, type_)), key=number)

"""The roll of public credentials. Source: protocol, section 5.2, and appendix E, items 5 and 9."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import partial

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.election.rules.cited import opened
from vemre.election.rules.view import View, role_keys
from vemre.errors import CheckFailed
from vemre.records import setup_bodies as s
from vemre.records.record import Record

KEY_BYTES = 32


def check_urns(view: View) -> bool:
    """[ROLL-URNS]: roll and setup list all urns, in manifest order."""
    for index, _, roll in view.new_of(view.registry, s.Roll):
        if [urn.urn for urn in roll.urns] != [urn.id for urn in view.offer.urns]:
            problem = "the roll does not list all urns in manifest order"
            raise CheckFailed(Check.ROLL_URNS, problem, where=view.registry.where(index), party="registry")
    for index, _, setup in view.new_of(view.tally, s.Setup):
        if [urn.urn for urn in setup.lnere] != [urn.id for urn in view.offer.urns]:
            problem = "the setup does not list all urns in manifest order"
            raise CheckFailed(Check.ROLL_URNS, problem, where=view.tally.where(index), party="authority")
    return view.registry.has("roll")


def check_keys(view: View) -> bool:
    """[ROLL-KEYS]: every public credential and role key is a canonical Ed25519 key and not of small order."""
    for index, _, manifest in view.new_of(view.tally, s.Manifest):
        for role, key in role_keys(manifest).items():
            if not view.trusts(view.tally, index) and not _is_key(key):
                where = view.tally.where(index)
                raise CheckFailed(Check.ROLL_KEYS, "a role's key cannot be used", where=where, party=role)
    for index, _, roll in view.new_of(view.registry, s.Roll):
        for urn in () if view.trusts(view.registry, index) else roll.urns:
            place = f"{view.registry.where(index)}, urn {urn.urn}"
            view.memo.once(("roll-keys", urn.credentials), partial(_check_credentials, view, urn, place))
    for index, _, change in view.new_of(view.registry, s.RollReplace):
        if not view.trusts(view.registry, index) and not _is_key(bytes.fromhex(change.new)):
            raise CheckFailed(
                Check.ROLL_KEYS, "a credential cannot be used", where=view.registry.where(index), party="registry"
            )
    return view.registry.has("roll")


def _check_credentials(view: View, urn: s.RollUrn, place: str) -> bool:
    keys = _keys(view.blob(urn.credentials, "registry"))
    if ed25519.first_refused(view.group, keys, view.decoded.keys(view.group)) is not None:
        raise CheckFailed(Check.ROLL_KEYS, "a credential cannot be used", where=place, party="registry")
    return True


def _is_key(key: bytes) -> bool:
    try:
        ed25519.check_public(key)
    except ed25519.SignatureInvalid:
        return False
    return True


def _roll(view: View) -> tuple[str, s.Roll] | None:
    index = view.registry.first("roll")
    if index is None:
        return None
    body = view.registry.records[index].body
    assert isinstance(body, s.Roll)
    return view.registry.where(index), body


def _keys(blob: bytes) -> list[bytes]:
    return [blob[start : start + KEY_BYTES] for start in range(0, len(blob), KEY_BYTES)]


@dataclass
class CurrentRoll:
    """Which credential votes in which urn after the replacements so far, and every credential that ever was on it."""

    urn_of: dict[bytes, str] = field(default_factory=dict)
    ever: set[bytes] = field(default_factory=set)


def original_roll(view: View) -> dict[bytes, str]:
    """Credential to urn, as the `roll` record has it. Raises CheckFailed(ROLL-UNIQUE)."""
    roll = _roll(view)
    if roll is None:
        return {}
    where, body = roll

    def read() -> dict[bytes, str]:
        urn_of: dict[bytes, str] = {}
        for urn in body.urns:
            blob = view.blob(urn.credentials, "registry")
            keys = _keys(blob)
            place = f"{where}, urn {urn.urn}"
            if len(blob) % KEY_BYTES or any(a >= b for a, b in itertools.pairwise(keys)):
                problem = "the credentials are not sorted, or one stands twice"
                raise CheckFailed(Check.ROLL_UNIQUE, problem, where=place, party="registry")
            for key in keys:
                if urn_of.setdefault(key, urn.urn) != urn.urn:
                    problem = "a credential is on the roll of two urns"
                    raise CheckFailed(Check.ROLL_UNIQUE, problem, where=place, party="registry")
        return urn_of

    return view.memo.once(("roll", tuple((urn.urn, urn.credentials) for urn in body.urns)), read)


def current_roll(view: View) -> CurrentRoll:
    """The roll after all replacements; it changes with the log. Raises CheckFailed(ROLL-UNIQUE)."""

    def add(roll: CurrentRoll, index: int, record: Record) -> None:
        change = record.body
        if not isinstance(change, s.RollReplace):
            roll.urn_of.update(original_roll(view))
            roll.ever.update(roll.urn_of)
            return
        old, new = bytes.fromhex(change.old), bytes.fromhex(change.new)
        if roll.urn_of.get(old) != change.urn:
            problem = "replaces a credential that is not on the roll of that urn"
        elif new in roll.ever:
            problem = "brings back a credential that was on the roll before"
        else:
            del roll.urn_of[old]
            roll.urn_of[new] = change.urn
            roll.ever.add(new)
            return
        raise CheckFailed(Check.ROLL_UNIQUE, problem, where=view.registry.where(index), party="registry")

    return view.tables.follow("current-roll", view.registry, ("roll", "roll-replace"), CurrentRoll, add)


def check_unique(view: View) -> bool:
    """[ROLL-UNIQUE]: sorted, unique across urns; a replaced credential never comes back."""
    if _roll(view) is None:
        return False
    current_roll(view)
    return True


def check_count(view: View) -> bool:
    """[ROLL-COUNT]: the roll's counts are those of its blobs, and of the authority's own numbers in `setup`."""
    roll = _roll(view)
    if roll is None:
        return False
    where, body = roll
    for _ in view.new(view.registry, "roll"):
        for urn in body.urns:
            if urn.credentials.size != urn.count * KEY_BYTES:
                problem = f"the blob of urn {urn.urn} does not hold {urn.count} credentials"
                raise CheckFailed(Check.ROLL_COUNT, problem, where=f"{where}, urn {urn.urn}", party="registry")
    for _, _, setup in view.new_of(view.tally, s.Setup):
        for urn, expected in zip(body.urns, setup.lnere, strict=True):
            if urn.count != expected.count:
                problem = f"urn {urn.urn} has {urn.count} credentials, the authority counts {expected.count} voters"
                raise CheckFailed(Check.ROLL_COUNT, problem, where=f"{where}, urn {urn.urn}", party="registry")
    return True


def check_frozen(view: View) -> bool:
    """[ROLL-FROZEN]: no replacement after the registry checkpoint that `setup` binds."""
    index = view.setup_index
    if index is None:
        return False
    frozen = opened(view, view.tally.records[index], "registry", "registry").size
    late = next(iter(view.registry.since(frozen, "roll-replace")), None)
    if late is not None:
        raise CheckFailed(
            Check.ROLL_FROZEN,
            "a credential replaced after the setup",
            where=view.registry.where(late),
            party="registry",
        )
    return True

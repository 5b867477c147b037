"""The roll of public credentials. Source: protocol, section 5.2, and appendix E, items 5 and 9."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.election.rules.cited import opened
from vemre.election.rules.view import View, role_keys
from vemre.errors import CheckFailed
from vemre.records import setup_bodies as s

KEY_BYTES = 32


def check_urns(view: View) -> bool:
    """[ROLL-URNS]: roll and setup list all urns, in manifest order."""
    expected = [urn.id for urn in view.offer.urns]
    index = view.registry.first("roll")
    if index is not None:
        roll = view.registry.records[index].body
        assert isinstance(roll, s.Roll)
        if [urn.urn for urn in roll.urns] != expected:
            problem = "the roll does not list all urns in manifest order"
            raise CheckFailed(Check.ROLL_URNS, problem, where=view.registry.where(index), party="registry")
    setup = view.setup
    if setup is not None and [urn.urn for urn in setup.lnere] != expected:
        raise CheckFailed(
            Check.ROLL_URNS,
            "the setup does not list all urns in manifest order",
            where=view.tally.where(view.setup_index or 0),
            party="authority",
        )
    return index is not None


def check_keys(view: View) -> bool:
    """[ROLL-KEYS]: every public credential and role key is a canonical Ed25519 key and not of small order."""
    for role, key in role_keys(view.manifest).items():
        if not _is_key(key):
            raise CheckFailed(Check.ROLL_KEYS, "a role's key cannot be used", where="tally/0", party=role)
    roll = _roll(view)
    if roll is None:
        return False
    where, body = roll
    for urn in body.urns:

        def check(urn: s.RollUrn = urn) -> bool:
            for key in _keys(view.blob(urn.credentials, "registry")):
                if not _is_key(key):
                    place = f"{where}, urn {urn.urn}"
                    raise CheckFailed(Check.ROLL_KEYS, "a credential cannot be used", where=place, party="registry")
            return True

        view.memo.once(("roll-keys", urn.credentials), check)
    for index, _, change in view.registry.of(s.RollReplace):
        if not _is_key(bytes.fromhex(change.new)):
            raise CheckFailed(
                Check.ROLL_KEYS, "a credential cannot be used", where=view.registry.where(index), party="registry"
            )
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

    urn_of: dict[bytes, str]
    ever: set[bytes]


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
    """The roll after all replacements. Raises CheckFailed(ROLL-UNIQUE)."""
    original = original_roll(view)
    changes = list(view.registry.of(s.RollReplace))
    key = ("current-roll", id(original), tuple(record.leaf_hash for _, record, _ in changes))

    def replay() -> CurrentRoll:
        roll = CurrentRoll(dict(original), set(original))
        for index, _, change in changes:
            old, new = bytes.fromhex(change.old), bytes.fromhex(change.new)
            if roll.urn_of.get(old) != change.urn:
                problem = "replaces a credential that is not on the roll of that urn"
            elif new in roll.ever:
                problem = "brings back a credential that was on the roll before"
            else:
                del roll.urn_of[old]
                roll.urn_of[new] = change.urn
                roll.ever.add(new)
                continue
            raise CheckFailed(Check.ROLL_UNIQUE, problem, where=view.registry.where(index), party="registry")
        return roll

    return view.memo.once(key, replay)


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
    for urn in body.urns:
        if urn.credentials.size != urn.count * KEY_BYTES:
            problem = f"the blob of urn {urn.urn} does not hold {urn.count} credentials"
            raise CheckFailed(Check.ROLL_COUNT, problem, where=where, party="registry")
    setup = view.setup
    if setup is not None:
        for urn, expected in zip(body.urns, setup.lnere, strict=True):
            if urn.count != expected.count:
                problem = f"urn {urn.urn} has {urn.count} credentials, the authority counts {expected.count} voters"
                raise CheckFailed(Check.ROLL_COUNT, problem, where=where, party="registry")
    return True


def check_frozen(view: View) -> bool:
    """[ROLL-FROZEN]: no replacement after the registry checkpoint that `setup` binds."""
    index = view.setup_index
    if index is None:
        return False
    frozen = opened(view, view.tally.records[index], "registry", "registry").size
    for place in view.registry.indices("roll-replace"):
        if place >= frozen:
            raise CheckFailed(
                Check.ROLL_FROZEN,
                "a credential replaced after the setup",
                where=view.registry.where(place),
                party="registry",
            )
    return True

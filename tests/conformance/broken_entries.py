"""Entries, signatures and encodings that lenient libraries accept: JSON, Ed25519, ristretto255."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import elections
import nacl.bindings as sodium
from bench import Draft, copy, draft_of, forged, plain
from differentials import differentials
from simulator import Simulator, Voter

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election import drafts
from vemre.election.choice import Marks
from vemre.params import GROUP_ORDER, MAX_ENTRY_BYTES
from vemre.records import vote_bodies as v

Make = Callable[[], Draft]
BROKEN: list[tuple[Check, str, str, Make]] = []
GOOD: list[tuple[str, Make]] = []


# --- JSON -------------------------------------------------------------------------------------------------------


def add_json() -> None:
    """One case for each spelling that two parsers may read differently."""
    base = draft_of(Simulator(trustees=2, random=elections.Seeded("json")))
    (entry,) = base.entries("tally")
    for name, spelling in differentials(entry).items():
        if len(spelling) > MAX_ENTRY_BYTES:
            # No bundle can hold it.
            if "deep" not in name:
                continue
            spelling = spelling[:20_000]

        def make(spelling: bytes = spelling) -> Draft:
            d = copy(base)
            d.replace_log("tally", [spelling])
            return d

        about = f"The manifest is not in its canonical spelling: {name}."
        BROKEN.append((Check.CANONICAL, "tally", about, make))


def blob_spelt(about: str, spelling: Callable[[dict[str, Any]], bytes]) -> None:
    """The offer in other bytes, named by a manifest that is signed."""

    def make() -> Draft:
        def change(f: Any) -> None:
            manifest = f.body("tally", "manifest")
            offer = canonical.decode(f.blobs[manifest["offer"]["sha256"]], limit=1 << 20)
            manifest["offer"] = f.put_blob(spelling(offer))

        return forged(plain(None), change)

    BROKEN.append((Check.CANONICAL, "authority", about, make))


blob_spelt("The offer has a space.", lambda offer: canonical.encode(offer).replace(b":", b": ", 1))
blob_spelt("The offer has a key twice.", lambda offer: b'{"urns":[],' + canonical.encode(offer)[1:])
blob_spelt("The offer has an unknown field.", lambda offer: canonical.encode({**offer, "zzz": 1}))
blob_spelt("The offer has no urns field.", lambda offer: canonical.encode({"contests": offer["contests"]}))
blob_spelt("The offer is empty.", lambda _: b"")


def odd_order() -> Draft:
    """Keys of a file list in the order of code points, which is not that of UTF-16 code units."""
    election = Simulator(trustees=2, random=elections.Seeded("odd order")).reach("keys")
    names = ("\u20ac", "\ufb01", "\U0001f5f3")
    data = b"{" + b",".join(f'"{name}":"{"0" * 64}"'.encode() for name in names) + b"}"
    body = v.Integrity("tally", "00" * 32, drafts.blob_of(data), [])
    election.append("tally", "tally", drafts.Draft(body, (data,)), check=False)
    return draft_of(election)


BROKEN.append((Check.CANONICAL, "tally", "A file list is sorted by code points, not by UTF-16 code units.", odd_order))


# --- Ed25519 ----------------------------------------------------------------------------------------------------

TORSION = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
"""A point of order eight."""


def scalar(value: int) -> bytes:
    return (value % GROUP_ORDER).to_bytes(32, "little")


def times_base(value: int) -> bytes:
    return sodium.crypto_scalarmult_ed25519_base_noclamp(scalar(value))


@dataclass
class MixedKey:
    """A credential aB + T with T of order eight: allowed, and a trap for libraries that clear the cofactor.

    `right` says whether its signatures satisfy the equation without cofactor or only the one with it.
    """

    right: bool
    secret: int = 0x1234567890ABCDEF

    @property
    def public(self) -> bytes:
        return sodium.crypto_core_ed25519_add(times_base(self.secret), TORSION)

    def seed(self) -> bytes:
        """Nothing: no seed gives such a key."""
        return bytes(32)

    def sign(self, message: bytes) -> bytes:
        for nonce in range(1, 200):
            r = times_base(nonce)
            digest = hashlib.sha512(r + self.public + message).digest()
            h = int.from_bytes(digest, "little") % GROUP_ORDER
            if (h % 8 == 0) == self.right:
                return r + scalar(nonce + h * self.secret)
        raise AssertionError("no nonce fits")


def mixed_credential(*, right: bool) -> Draft:
    """One voter has a credential of mixed order."""
    election = Simulator(votes=[("urna-17", None)], trustees=2, random=elections.Seeded("mixed"))
    election.voters = [Voter("urna-17", MixedKey(right), (Marks((2,)),))]  # type: ignore[arg-type]
    election.reach("open")
    voter = election.voters[0]
    election.admit("ballot", election.ballot(voter, voter.choices or ()), check=False)
    return draft_of(election)


GOOD.append(
    (
        "A credential of mixed order signs so that the equation without cofactor holds.",
        lambda: mixed_credential(right=True),
    )
)
BROKEN.append(
    (
        Check.BALLOT_SIGNATURE,
        "ballot-box",
        "A ballot's signature holds with the cofactor and not without it.",
        lambda: mixed_credential(right=False),
    )
)


def signature_change(about: str, change: Callable[[bytes], bytes], kind: str = "record") -> None:
    """The last record of the tally log, or the last ballot, with another signature."""

    def make() -> Draft:
        log, stage = ("ballot", "cast") if kind == "ballot" else ("tally", "keys")
        d = copy(plain(stage))
        entries = d.entries(log)
        last = canonical.decode(entries[-1], limit=1 << 16)
        last["signature"] = change(bytes.fromhex(last["signature"])).hex()
        d.replace_log(log, [*entries[:-1], canonical.encode(last)])
        return d

    found = (Check.BALLOT_SIGNATURE, "ballot-box") if kind == "ballot" else (Check.RECORD_SIGNATURE, "tally")
    BROKEN.append((*found, about, make))


def plus_order(signature: bytes) -> bytes:
    """S + l, which is the same scalar."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + GROUP_ORDER).to_bytes(32, "little")


for kind in ("record", "ballot"):
    signature_change(f"The S of a {kind}'s signature is not reduced.", plus_order, kind)
    signature_change(
        f"The R of a {kind}'s signature has a small-order part added.",
        lambda one: sodium.crypto_core_ed25519_add(one[:32], TORSION) + one[32:],
        kind,
    )
    signature_change(
        f"The R of a {kind}'s signature is the neutral point.", lambda one: b"\1" + bytes(31) + one[32:], kind
    )
    signature_change(f"A {kind}'s signature is 64 zero bytes.", lambda _: bytes(64), kind)
signature_change(
    "The R of a record's signature is not a canonical encoding.",
    lambda one: b"\xee" + b"\xff" * 30 + b"\x7f" + one[32:],
)
signature_change("The R of a record's signature is not on the curve.", lambda one: b"\2" + bytes(31) + one[32:])

UNUSABLE = {
    "the neutral point": "0100000000000000000000000000000000000000000000000000000000000000",
    "the neutral point with its sign bit set": "0100000000000000000000000000000000000000000000000000000000000080",
    "a point of order two": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "a point of order four": "0000000000000000000000000000000000000000000000000000000000000000",
    "a point of order eight": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "a y coordinate above the field's prime": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "not on the curve": "0200000000000000000000000000000000000000000000000000000000000000",
}


def roll_key(name: str, key: str) -> None:
    """A voter whose credential is no usable key."""

    def make() -> Draft:
        election = Simulator(trustees=2, random=elections.Seeded("roll key")).reach("keys")
        keys: dict[str, list[bytes]] = {"urna-09": [], "urna-17": [bytes.fromhex(key)]}
        draft = drafts.roll(election.offer, keys)
        election.append("registry", "registry", draft, check=False)
        return draft_of(election)

    BROKEN.append((Check.ROLL_KEYS, "registry", f"A credential is {name}.", make))


for unusable, encoding in UNUSABLE.items():
    roll_key(unusable, encoding)


# --- ristretto255 and scalars -------------------------------------------------------------------------------------

NOT_ELEMENTS = {
    "not reduced modulo the field's prime": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "negative": "0100000000000000000000000000000000000000000000000000000000000000",
    "beyond 2^255": "00000000000000000000000000000000000000000000000000000000000080ff",
    "not on the curve": "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "of a point whose t is negative": "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "an Ed25519 public key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
}


def ballot_value(check: Check, about: str, change: Callable[[dict[str, Any]], None]) -> None:
    """The first ballot with another value, signed anew by its voter."""

    def make() -> Draft:
        def altered(f: Any) -> None:
            change(f.body("ballot", "ballot")["contests"][0])

        return forged(plain("cast"), altered)

    BROKEN.append((check, "ballot-box", about, make))


for what, element in NOT_ELEMENTS.items():
    ballot_value(
        Check.ELEMENT,
        f"An element of a ballot is {what}.",
        lambda contest, element=element: contest["ciphertexts"][0].update(a=element),
    )
ballot_value(
    Check.IDENTITY,
    "An element of a ballot is the identity.",
    lambda contest: contest["ciphertexts"][0].update(b="00" * 32),
)
ballot_value(
    Check.IDENTITY,
    "The commitment of a ballot's proof is the identity.",
    lambda contest: contest["pok"][0].update(commitment="00" * 32),
)


def unreduced(response: str, times: int) -> str:
    return (int.from_bytes(bytes.fromhex(response), "little") + times * GROUP_ORDER).to_bytes(32, "little").hex()


for multiple in (1, 15):
    ballot_value(
        Check.SCALAR,
        f"The response of a ballot's proof has {multiple} times l added.",
        lambda contest, n=multiple: contest["pok"][0].update(response=unreduced(contest["pok"][0]["response"], n)),
    )

"""A5: missing group checks; the identity as key, share or ciphertext; encodings that are not canonical.

Wherever a record or a blob holds an element or a scalar, everything that is none is put in its place, in an otherwise
honest election whose forger signs everything anew with everybody's keys. It is refused as what it is, before any
equation is looked at, and its signer is named.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from forge import Forgery
from simulator import GROUP, Simulator

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed
from vemre.params import ELEMENT_BYTES, GROUP_ORDER

P = 2**255 - 19
IDENTITY = bytes(32)
NOT_ELEMENTS = {
    "all ones": b"\xff" * 32,
    "the field's prime": P.to_bytes(32, "little"),
    "zero written as the prime's multiple": (2 * P).to_bytes(32, "little"),
    "negative": (1).to_bytes(32, "little"),
    "high bit": (2 | 1 << 255).to_bytes(32, "little"),
    "no point": (3).to_bytes(32, "little")[:31] + b"\x40",
}
NOT_SCALARS = {
    "the order": GROUP_ORDER.to_bytes(32, "little"),
    "the order and one": (GROUP_ORDER + 1).to_bytes(32, "little"),
    "all ones": b"\xff" * 32,
}

Put = Callable[[Forgery, bytes], None]


def field(log: str, type_: str, *path: Any) -> Put:
    """A hex field of a record."""

    def put(forgery: Forgery, value: bytes) -> None:
        place = forgery.body(log, type_)
        for step in path[:-1]:
            place = place[step]
        assert len(place[path[-1]]) == 64
        place[path[-1]] = value.hex()

    return put


def blob(type_: str, name: str, place: Callable[[int, int], int]) -> Put:
    """32 bytes of a blob; `place` gives their index (in units of 32 bytes) of the number of rows and blocks."""

    def put(forgery: Forgery, value: bytes) -> None:
        body = forgery.body("tally", type_)
        data = bytearray(forgery.blobs[body[name]["sha256"]])
        at = place(body["rows"], 2) * ELEMENT_BYTES
        assert at + ELEMENT_BYTES <= len(data)
        data[at : at + ELEMENT_BYTES] = value
        body[name] = forgery.put_blob(bytes(data))

    return put


def _responses(n: int, w: int) -> int:
    """Where the responses of a shuffle proof begin: after C, D, T1 to T3, T4, E."""
    return 2 * n + 3 + 2 * w + n


ELEMENTS: dict[str, tuple[Put, str]] = {
    "commitment of a polynomial": (field("tally", "dkg-reveal", "commitments", 0), "trustee/1"),
    "proof of possession": (field("tally", "dkg-reveal", "pop", "commitment"), "trustee/1"),
    "share of a drill": (field("tally", "drill", "shares", 0, "share"), "tally"),
    "proof of a drill": (field("tally", "drill", "shares", 0, "proof", "t1"), "tally"),
    "ciphertext a": (field("ballot", "ballot", "contests", 0, "ciphertexts", 0, "a"), "credential"),
    "ciphertext b": (field("ballot", "ballot", "contests", 0, "ciphertexts", 1, "b"), "credential"),
    "proof of a ballot": (field("ballot", "ballot", "contests", 0, "pok", 1, "commitment"), "credential"),
    "output of a mixer": (blob("shuffle", "output", lambda _n, _w: 1), "mixer/1"),
    "permutation commitment": (blob("shuffle", "proof", lambda _n, _w: 0), "mixer/1"),
    "chain": (blob("shuffle", "proof", lambda n, _w: n), "mixer/1"),
    "commitment of a shuffle": (blob("shuffle", "proof", lambda n, _w: 2 * n), "mixer/1"),
    "share of a decryption": (blob("decryption", "shares", lambda _n, _w: 1), "trustee/1"),
    "proof of a decryption": (field("tally", "decryption", "proof", "t2"), "trustee/1"),
}
SCALARS: dict[str, tuple[Put, str]] = {
    "proof of possession": (field("tally", "dkg-reveal", "pop", "response"), "trustee/1"),
    "proof of a drill": (field("tally", "drill", "shares", 0, "proof", "response"), "tally"),
    "proof of a ballot": (field("ballot", "ballot", "contests", 0, "pok", 0, "response"), "credential"),
    "first response of a shuffle": (blob("shuffle", "proof", _responses), "mixer/1"),
    "last response of a shuffle": (
        blob("shuffle", "proof", lambda n, w: _responses(n, w) + 3 + w + 2 * n - 1),
        "mixer/1",
    ),
    "proof of a decryption": (field("tally", "decryption", "proof", "response"), "trustee/1"),
}


@pytest.fixture(scope="module")
def election() -> Simulator:
    return Simulator(trustees=2, threshold=2).reach("certified")


@pytest.fixture(scope="module")
def record(election: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return election.write(tmp_path_factory.mktemp("election") / "record")


def refusal(election: Simulator, record: Path, folder: Path, put: Put, value: bytes) -> tuple[CheckFailed, Forgery]:
    forgery = Forgery.open(record, election.forge_keys())
    put(forgery, value)
    _keep_commitments(forgery)
    report = verify_record(RecordFolder(forgery.write(folder / "forged")), election.view.anchors, GROUP, os.urandom)
    assert report.failure is not None
    return report.failure, forgery


def _keep_commitments(forgery: Forgery) -> None:
    """The forger commits to what it reveals."""
    for commit in (e for e in forgery.logs["tally"] if e["type"] == "dkg-commit"):
        reveal = next(
            e["body"] for e in forgery.logs["tally"] if e["type"] == "dkg-reveal" and e["signer"] == commit["signer"]
        )
        commit["body"]["digest"] = sha256(canonical.encode(reveal)).hexdigest()


def named(failure: CheckFailed, forgery: Forgery, party: str) -> bool:
    if party == "credential":
        # The signer of the ballot, or the ballot box that let it in.
        signer = forgery.logs["ballot"][forgery.find("ballot", "ballot")]["signer"]
        return failure.party in (signer, "ballot-box")
    return failure.party == party


@pytest.mark.parametrize("place", ELEMENTS)
def test_what_is_no_element_is_refused_as_such(election: Simulator, record: Path, tmp_path: Path, place: str) -> None:
    put, party = ELEMENTS[place]
    for what, value in NOT_ELEMENTS.items():
        failure, forgery = refusal(election, record, tmp_path, put, value)
        assert failure.check is Check.ELEMENT, f"{what}: {failure}"
        assert named(failure, forgery, party), f"{what}: {failure}"


@pytest.mark.parametrize("place", ELEMENTS)
def test_the_identity_is_refused_as_such(election: Simulator, record: Path, tmp_path: Path, place: str) -> None:
    put, party = ELEMENTS[place]
    failure, forgery = refusal(election, record, tmp_path, put, IDENTITY)
    # A polynomial with an identity among its commitments has another degree than it should: a rule of its own.
    expected = Check.DKG_DEGREE if place == "commitment of a polynomial" else Check.IDENTITY
    assert failure.check is expected, str(failure)
    assert named(failure, forgery, party), str(failure)


@pytest.mark.parametrize("place", SCALARS)
def test_what_is_no_scalar_is_refused_as_such(election: Simulator, record: Path, tmp_path: Path, place: str) -> None:
    put, party = SCALARS[place]
    for what, value in NOT_SCALARS.items():
        failure, forgery = refusal(election, record, tmp_path, put, value)
        assert failure.check is Check.SCALAR, f"{what}: {failure}"
        assert named(failure, forgery, party), f"{what}: {failure}"


SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    P.to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
]
"""Ed25519 points of small order, and encodings of them that are not canonical."""


@pytest.mark.parametrize("key", SMALL_ORDER, ids=lambda key: key.hex()[:8])
def test_a_credential_of_small_order_is_refused_on_the_roll(
    election: Simulator, record: Path, tmp_path: Path, key: bytes
) -> None:
    def put(forgery: Forgery, value: bytes) -> None:
        urn = forgery.body("registry", "roll")["urns"][0]
        data = forgery.blobs[urn["credentials"]["sha256"]]
        # In place of a voter who did not vote, so that nothing else is amiss.
        voted = {entry["signer"] for entry in forgery.logs["ballot"]}
        keys = [data[i : i + 32] for i in range(0, len(data), 32)]
        keys[next(i for i, known in enumerate(keys) if known.hex() not in voted)] = value
        urn["credentials"] = forgery.put_blob(b"".join(sorted(keys)))

    failure, _ = refusal(election, record, tmp_path, put, key)
    assert (failure.check, failure.party) == (Check.ROLL_KEYS, "registry"), str(failure)

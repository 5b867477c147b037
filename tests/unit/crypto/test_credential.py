"""Credentials, trackers and fingerprints against the vectors, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from vemre.crypto import crockford, tracker
from vemre.crypto.credential import Credential
from vemre.errors import Refused
from vemre.log.merkle import leaf_hash

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())
CASES: list[dict[str, str]] = VECTORS["credentials"]
GOOD = CASES[0]["shown"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["shown"][:4])
def test_vectors(case: dict[str, str]) -> None:
    credential = Credential(bytes.fromhex(case["secret"]))
    assert credential.shown() == case["shown"]
    key = credential.signing_key(case["election_id"])
    assert key.seed().hex() == case["ed25519_seed"]
    assert key.public.hex() == case["public"]
    assert Credential.parse(case["shown"]).shown() == case["shown"]


@pytest.mark.parametrize(
    "typed",
    [
        GOOD.lower(),
        GOOD.replace("-", ""),
        GOOD.replace("-", " "),
        GOOD.replace("0", "o").replace("1", "l"),
        f" {GOOD} ",
    ],
)
def test_what_people_type_is_read(typed: str) -> None:
    assert Credential.parse(typed).shown() == GOOD


@pytest.mark.parametrize(
    "typed",
    [
        "",
        GOOD[:-1],
        GOOD + "0",
        GOOD[:-1] + "C",
        GOOD.replace("G", "U"),
        "1" + GOOD[1:],
        "8" + GOOD[1:],
        "Z" * 28,
        "é" + GOOD[1:],
        "ı" + GOOD[1:],
    ],
)
def test_typing_errors_are_refused_without_repeating_them(typed: str) -> None:
    with pytest.raises(Refused) as caught:
        Credential.parse(typed)
    assert caught.value.code == "credential-mistyped"
    assert caught.value.params == {}
    assert caught.value.__cause__ is None


def test_every_single_wrong_symbol_is_nearly_always_found() -> None:
    """Ten check bits: one wrong symbol passes about once in a thousand."""
    symbols = crockford.normalise(GOOD)
    passed = 0
    for place in range(len(symbols)):
        for other in crockford.ALPHABET.replace(symbols[place], ""):
            try:
                Credential.parse(symbols[:place] + other + symbols[place + 1 :])
                passed += 1
            except Refused:
                pass
    assert passed <= 5


def test_elections_give_unrelated_keys() -> None:
    credential = Credential(bytes(16))
    first, second = (credential.signing_key(f"7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c3{i}").public for i in range(2))
    assert first != second


@pytest.mark.parametrize("election_id", ["", "x" * 35, "x" * 37])
def test_an_election_id_has_36_characters(election_id: str) -> None:
    with pytest.raises(ValueError, match="36"):
        Credential(bytes(16)).signing_key(election_id)


def test_the_secret_shows_nowhere() -> None:
    credential = Credential.generate(os.urandom)
    assert repr(credential) == str(credential) == "Credential(secret)"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credential)
    with pytest.raises(ValueError, match="16 bytes"):
        Credential(bytes(15))


def test_generate_takes_its_bytes_from_the_source() -> None:
    assert Credential.generate(lambda n: bytes(range(n))).shown() == GOOD


# --- trackers ---


def test_tracker_vector() -> None:
    case = VECTORS["tracker"]
    digest = leaf_hash(case["entry_utf8"].encode())
    assert digest.hex() == case["leaf_hash"]
    assert tracker.shown(digest) == case["shown"]
    assert tracker.parse(case["shown"].lower().replace("-", " ")) == digest[:20]


@pytest.mark.parametrize("text", ["", "RWK1", VECTORS["tracker"]["shown"] + "0", "U" * 32])
def test_other_texts_are_no_tracker(text: str) -> None:
    with pytest.raises(ValueError, match=r"symbol|tracker"):
        tracker.parse(text)


def test_a_tracker_is_of_a_whole_digest() -> None:
    with pytest.raises(ValueError, match="32-byte"):
        tracker.shown(bytes(20))


def test_fingerprint() -> None:
    assert tracker.fingerprint(b'{"a":1}') == hashlib.sha256(b'VEMRE-1/ballot{"a":1}').digest()

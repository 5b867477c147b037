"""Ed25519 verification refuses every edge case on which libraries disagree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vemre.crypto import ed25519
from vemre.crypto.ed25519 import SignatureInvalid
from vemre.crypto.signing import SigningKey
from vemre.group import Backend, backends, load

VECTORS = Path(__file__).parents[2] / "vectors"
SPECCHECK: list[dict[str, Any]] = json.loads((VECTORS / "ed25519-speccheck.json").read_text())["cases"]

# --- a small affine Edwards curve, to build signatures that no honest signer makes (RFC 8032, section 5.1) ---

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
ZERO: Point = (0, 1)


def add(p: Point, q: Point) -> Point:
    (x1, y1), (x2, y2) = p, q
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def mul(k: int, p: Point) -> Point:
    result = ZERO
    while k:
        if k & 1:
            result = add(result, p)
        p, k = add(p, p), k >> 1
    return result


def encode(p: Point) -> bytes:
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    y = number & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return (P - x if x & 1 != number >> 255 else x), y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
ORDER_8 = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
TORSION = [mul(k, ORDER_8) for k in range(8)]
SMALL_ORDER = [encode(p) for p in TORSION]
NON_CANONICAL = [
    bytes.fromhex(f"{low:02x}" + "ff" * 30 + high) for low in (0xED, 0xEE, 0xF3, 0xFF) for high in ("7f", "ff")
]
NEGATIVE_ZERO = [bytes.fromhex("01" + "00" * 30 + "80"), bytes.fromhex("ec" + "ff" * 31)]


def forge(a: int, r: int, message: bytes, torsion_a: int = 0, torsion_r: int = 0) -> tuple[bytes, bytes, bool]:
    """A signature with small-order parts added to A and R, and whether the cofactorless equation holds."""
    public = encode(add(mul(a, BASE), TORSION[torsion_a]))
    commitment = encode(add(mul(r, BASE), TORSION[torsion_r]))
    h = int.from_bytes(hashlib.sha512(commitment + public + message).digest(), "little") % L
    response = (r + h * a) % L
    return public, commitment + response.to_bytes(32, "little"), (torsion_r + h * torsion_a) % 8 == 0


# --- every way to ask, held against one another in each case below ---


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """One by one, and many at once with every back end, between signatures that hold."""
    good = SigningKey.from_seed(bytes([9]) * 32)
    keys, messages = [good.public, public, good.public], [b"before", message, b"after"]
    signatures = [good.sign(b"before"), signature, good.sign(b"after")]
    found = {ed25519.first_invalid(load(backend), keys, messages, signatures) for backend in backends()}
    try:
        ed25519.verify(public, message, signature)
    except SignatureInvalid:
        assert found == {1}
        raise
    assert found == {None}


def check_public(public: bytes) -> None:
    """One by one, and many at once with every back end."""
    good = SigningKey.from_seed(bytes([9]) * 32).public
    found = {ed25519.first_refused(load(backend), [good, public, good]) for backend in backends()}
    try:
        ed25519.check_public(public)
    except SignatureInvalid:
        assert found == {1}
        raise
    assert found == {None}


def accepted(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify(public, message, signature)
    except SignatureInvalid:
        return False
    return True


# --- published vectors ---


@pytest.mark.parametrize("case", SPECCHECK, ids=lambda case: str(case["number"]))
def test_published_edge_cases(case: dict[str, Any]) -> None:
    public, message, signature = (bytes.fromhex(case[name]) for name in ("public", "message", "signature"))
    if case["refusal"] is None:
        verify(public, message, signature)
    else:
        with pytest.raises(SignatureInvalid) as caught:
            verify(public, message, signature)
        assert str(caught.value) == case["refusal"]


# RFC 8032, section 7.1, tests 1 to 3.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    verify(key.public, bytes.fromhex(message), bytes.fromhex(signature))
    check_public(key.public)


# --- constructed cases ---


@pytest.mark.parametrize(("torsion_a", "torsion_r"), [(0, 0), (1, 0), (0, 1), (2, 0), (0, 4), (1, 1), (4, 4), (3, 5)])
def test_only_the_cofactorless_equation_counts(torsion_a: int, torsion_r: int) -> None:
    seen = set()
    for number in range(24):
        message = f"message {number}".encode()
        public, signature, holds = forge(1000 + number, 2000 + number, message, torsion_a, torsion_r)
        check_public(public)
        assert accepted(public, message, signature) is holds
        seen.add(holds)
    expected = {(0, 0): {True}, (0, 1): {False}, (0, 4): {False}}.get((torsion_a, torsion_r), {True, False})
    assert seen <= expected
    assert torsion_a or seen == expected


@pytest.mark.parametrize("equation", [ed25519.sodium_equation, ed25519.openssl_equation])
def test_both_libraries_are_cofactorless(equation: Callable[[bytes, bytes, bytes], bool]) -> None:
    for number in range(12):
        for torsion_a, torsion_r in [(0, 0), (1, 0), (0, 1), (1, 7), (4, 4)]:
            message = f"library {number}".encode()
            public, signature, holds = forge(31 + number, 77 + number, message, torsion_a, torsion_r)
            assert equation(public, message, signature) is holds


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_small_order_is_refused_as_key_and_as_commitment(point: bytes) -> None:
    with pytest.raises(SignatureInvalid, match="small order"):
        check_public(point)
    # S = 0 with R = -hA satisfies the equation for some messages: the reason why such keys are refused.
    for number in range(32):
        message = f"small {number}".encode()
        for commitment in SMALL_ORDER:
            assert not accepted(point, message, commitment + bytes(32))
    a = 424242
    public = encode(mul(a, BASE))
    h = int.from_bytes(hashlib.sha512(point + public + b"m").digest(), "little") % L
    assert not accepted(public, b"m", point + (h * a % L).to_bytes(32, "little"))


@pytest.mark.parametrize("point", NON_CANONICAL + NEGATIVE_ZERO, ids=bytes.hex)
def test_non_canonical_encodings_are_refused(point: bytes) -> None:
    honest = SigningKey.from_seed(bytes(32))
    signature = honest.sign(b"m")
    with pytest.raises(SignatureInvalid, match=r"public key: (not a canonical encoding|a point of small order)"):
        check_public(point)
    with pytest.raises(SignatureInvalid, match="public key: "):
        verify(point, b"m", signature)
    with pytest.raises(SignatureInvalid, match="R: "):
        verify(honest.public, b"m", point + signature[32:])


def test_s_plus_l_is_refused() -> None:
    key = SigningKey.from_seed(bytes(range(32)))
    signature = key.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    for multiple in range(1, 8):
        with pytest.raises(SignatureInvalid, match="S is not reduced"):
            verify(key.public, b"m", signature[:32] + (s + multiple * L).to_bytes(32, "little"))


def test_a_key_off_the_curve_is_refused() -> None:
    off_curve = (2).to_bytes(32, "little")
    with pytest.raises(SignatureInvalid, match="not a point"):
        check_public(off_curve)
    with pytest.raises(SignatureInvalid):
        verify(off_curve, b"m", SigningKey.from_seed(bytes(32)).sign(b"m"))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_wrong_lengths_are_refused(length: int) -> None:
    key = SigningKey.from_seed(bytes(32))
    with pytest.raises(SignatureInvalid):
        check_public(bytes(length))
    with pytest.raises(SignatureInvalid):
        verify(key.public[:31], b"m", key.sign(b"m"))
    with pytest.raises(SignatureInvalid):
        verify(key.public, b"m", key.sign(b"m")[: length - 1] if length else b"")


def test_every_flipped_bit_is_refused() -> None:
    key = SigningKey.from_seed(bytes(32))
    signature = key.sign(b"message")
    for place in range(64 * 8):
        altered = bytearray(signature)
        altered[place // 8] ^= 1 << place % 8
        assert not accepted(key.public, b"message", bytes(altered))
    assert not accepted(key.public, b"messagf", signature)


def test_a_signing_key_never_shows_its_seed() -> None:
    import pickle

    seed = bytes(range(1, 33))
    key = SigningKey.generate(lambda n: seed[:n])
    assert key.seed() == seed
    assert seed.hex() not in repr(key)
    assert key.public.hex() in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey.from_seed(b"short")


@pytest.mark.parametrize("backend", backends())
def test_the_first_of_many_bad_signatures_is_named(backend: Backend) -> None:
    group, count = load(backend), 150
    key = SigningKey.from_seed(bytes(32))
    messages = [number.to_bytes(2, "big") for number in range(count)]
    signatures = [key.sign(message) for message in messages]
    assert ed25519.first_invalid(group, [key.public] * count, messages, signatures) is None
    assert ed25519.first_invalid(group, [], [], []) is None
    for bad in ([149], [140, 31, 77], [0, 149]):
        wrong = [sig if place not in bad else key.sign(b"else") for place, sig in enumerate(signatures)]
        assert ed25519.first_invalid(group, [key.public] * count, messages, wrong) == min(bad)
    with pytest.raises(ValueError, match="not one key"):
        ed25519.first_invalid(group, [key.public], messages, signatures)


@pytest.mark.parametrize("backend", backends())
def test_the_first_of_many_refused_keys_is_named(backend: Backend) -> None:
    good = SigningKey.from_seed(bytes(32)).public
    assert ed25519.first_refused(load(backend), [good] * 100) is None
    assert ed25519.first_refused(load(backend), [good] * 60 + [SMALL_ORDER[0]] + [good, bytes(31)]) == 60

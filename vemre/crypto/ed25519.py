"""Ed25519 verification, the strict and cofactorless one that the protocol fixes for every signature.

Libraries disagree on edge cases (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020), and two
verifiers that disagree could certify two different results. So the rules are checked here, before a library
sees the signature, and the library only answers for the equation:

* A and R are canonical encodings (y < p, no negative zero) and not of small order;
* S < l;
* the encoding of SB - hA equals R's bytes: no multiplication by the cofactor.

A and R that carry a small-order part beside a large one are allowed where the equation holds.

Source: protocol, section 3; RFC 8032, section 5.1.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import nacl.bindings
import nacl.exceptions

from vemre.errors import VemreError
from vemre.group import Group
from vemre.group.kernel import PublicKeys
from vemre.params import GROUP_ORDER

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_FIELD_PRIME: Final = 2**255 - 19
_Y_MASK: Final = 2**255 - 1
_IDENTITY: Final = (1).to_bytes(32, "little")

# The encodings with y < p of the eight points of small order, and of the two "negative zeros" (y = 1 and y = -1
# with the sign bit set). Non-canonical spellings of the same points fail y < p.
_REFUSED_POINTS: Final = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)


class SignatureInvalid(VemreError):
    """A public key that is not allowed, or a signature that does not verify."""


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check `signature` (64 bytes) of `message` under `public` (32 bytes). Raises SignatureInvalid."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid(f"a signature of {len(signature)} bytes, not {SIGNATURE_BYTES}")
    _check_encoding(public, "public key")
    _check_encoding(signature[:32], "R")
    if int.from_bytes(signature[32:], "little") >= GROUP_ORDER:
        raise SignatureInvalid("S is not reduced")
    if not _equation_holds(public, message, signature):
        raise SignatureInvalid("the signature does not verify")


def first_invalid(
    group: Group,
    publics: Sequence[bytes],
    messages: Sequence[bytes],
    signatures: Sequence[bytes],
    known: PublicKeys | None = None,
    *,
    records: bool = False,
) -> int | None:
    """The index of the first of these signatures that `verify` refuses, or None. With the group's own arithmetic, on
    all cores, where it has some; `known` as `first_refused` filled it, and with `records` the messages are entries, of
    which it finds by itself what their signatures cover.

    Raises ValueError where there is not one key and one signature for each message.
    """
    lengths = {len(publics), len(messages), len(signatures)}
    if len(lengths) != 1:
        raise ValueError("not one key and one signature for each message")
    if group.kernel is not None:
        lengths_of = ((len(key), len(signature)) for key, signature in zip(publics, signatures, strict=True))
        odd = next((i for i, found in enumerate(lengths_of) if found != (PUBLIC_BYTES, SIGNATURE_BYTES)), None)
        keys, signed = b"".join(publics[:odd]), b"".join(signatures[:odd])
        bad = group.kernel.vartime_verify_signatures(keys, messages[:odd], signed, known, records=records)
        return odd if bad is None else bad
    if records:
        raise ValueError("this arithmetic does not look into entries")
    for index, (public, message, signature) in enumerate(zip(publics, messages, signatures, strict=True)):
        try:
            verify(public, message, signature)
        except SignatureInvalid:
            return index
    return None


def first_refused(group: Group, publics: Sequence[bytes], known: PublicKeys | None = None) -> int | None:
    """The index of the first of these keys that `check_public` refuses, or None. `known` takes the decoded keys up."""
    if group.kernel is not None and all(len(key) == PUBLIC_BYTES for key in publics):
        return (known or group.kernel.public_keys()).vartime_refused(b"".join(publics))
    for index, public in enumerate(publics):
        try:
            check_public(public)
        except SignatureInvalid:
            return index
    return None


def check_public(public: bytes) -> None:
    """Refuse a public key under which nothing may be signed: not canonical, of small order, or not on the curve.

    Called when a key is registered or configured [ROLL-KEYS]. Raises SignatureInvalid.
    """
    _check_encoding(public, "public key")
    try:
        # Adding the identity decodes the point; unlike libsodium's own "valid point" it allows a mixed order,
        # as `verify` does.
        nacl.bindings.crypto_core_ed25519_add(public, _IDENTITY)
    except nacl.exceptions.CryptoError:
        raise SignatureInvalid("public key: not a point of the curve") from None


def _check_encoding(point: bytes, name: str) -> None:
    if len(point) != PUBLIC_BYTES:
        raise SignatureInvalid(f"{name}: {len(point)} bytes, not {PUBLIC_BYTES}")
    if int.from_bytes(point, "little") & _Y_MASK >= _FIELD_PRIME:
        raise SignatureInvalid(f"{name}: not a canonical encoding")
    if point in _REFUSED_POINTS:
        raise SignatureInvalid(f"{name}: a point of small order")


def sodium_equation(public: bytes, message: bytes, signature: bytes) -> bool:
    """The equation by libsodium, twice as fast as OpenSSL. Some releases of libsodium multiply by the cofactor."""
    try:
        nacl.bindings.crypto_sign_open(signature + message, public)
    except nacl.exceptions.CryptoError:
        return False
    return True


def openssl_equation(public: bytes, message: bytes, signature: bytes) -> bool:
    """The equation by OpenSSL, which compares the encoding of SB - hA with R's bytes."""
    # A large module, loaded where it is needed alone.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Valid only after multiplication by the cofactor: case 4 of the paper's vectors.
_COFACTORED_ONLY: Final = (
    bytes.fromhex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"),
    bytes.fromhex("e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c"),
    bytes.fromhex(
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
    ),
)

# The libsodium inside PyNaCl depends on how PyNaCl was built, so it is asked, not trusted.
_equation_holds: Final = openssl_equation if sodium_equation(*_COFACTORED_ONLY) else sodium_equation

"""A certificate authority for one trial on one machine.

Its key lives as long as `make` runs and is never written: it has signed the one certificate that the trial serves with,
and can sign no other. Whoever trusts it trusts names of this machine alone (name constraints), and for a few days.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES: Final = ("localhost", "127.0.0.1", "::1")
DAYS: Final = 7
_LOCAL: Final = (
    x509.DNSName("localhost"),
    x509.IPAddress(IPv4Network("127.0.0.0/8")),
    x509.IPAddress(IPv6Network("::1/128")),
)


@dataclass(frozen=True)
class LocalCertificate:
    """Files (PEM): the authority that is to be trusted, and what services are given with ``--tls-certificate`` and
    ``--tls-key``."""

    authority: Path
    certificate: Path
    key: Path


def make(folder: Path, now: datetime | None = None) -> LocalCertificate:
    """A new authority and its one certificate, for `NAMES`, in `folder` (made where it is missing).

    The key file is 0600. What is there already is replaced. Raises OSError.
    """
    start = (now or datetime.now(UTC)).replace(microsecond=0) - timedelta(minutes=5)
    end = start + timedelta(days=DAYS)
    issuing, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("VeMRE: trial on this machine")
    authority = _authority(issuer, issuing, start, end)
    leaf = _leaf(issuer, issuing, own.public_key(), start, end)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = LocalCertificate(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    encoding = serialization.Encoding.PEM
    _write(found.authority, authority.public_bytes(encoding), 0o644)
    _write(found.certificate, leaf.public_bytes(encoding), 0o644)
    form = serialization.PrivateFormat.PKCS8
    _write(found.key, own.private_bytes(encoding, form, serialization.NoEncryption()), 0o600)
    return found


def _authority(name: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime) -> x509.Certificate:
    return (
        _builder(name, name, key.public_key(), key.public_key(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_LOCAL, excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    issuer: x509.Name,
    issuing: ec.EllipticCurvePrivateKey,
    public: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.Certificate:
    return (
        _builder(_name("localhost"), issuer, public, issuing.public_key(), start, end)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in NAMES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(issuing, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuing: ec.EllipticCurvePublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), start, end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes, mode: int) -> None:
    # A new file, so that its permissions are right before anything is in it.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)

"""Certificates for tests: an authority that nobody trusts but who is told to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Issued:
    """Files of a certificate, and of the authority that it comes from."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """As a service is told of them."""
        return ("--tls-certificate", str(self.certificate), "--tls-key", str(self.key))


def issue(folder: Path, *names: str) -> Issued:
    """A certificate for these names, by default for this machine, of a new authority."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    leaf = authority.issue_cert(*(names or ("localhost", "127.0.0.1", "::1")))
    found = Issued(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(found.authority)
    found.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    found.key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(found.key)
    return found

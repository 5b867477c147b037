"""TLS, as a service offers it and as every client of the product asks for it.

Served: TLS 1.2 and 1.3, forward secrecy and authenticated encryption alone. Clients trust the roots of the system, or
those of ``SSL_CERT_FILE`` / ``SSL_CERT_DIR`` in their place; there is no way to switch verification off.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final

import httpx2

from vemre.errors import Refused

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Those of TLS 1.2; TLS 1.3 has none that must be left out."""
_OTHERS: Final = 0o007


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a service answers with: `certificate` is the chain, its own first, `key` its key (both PEM).

    Raises Refused("tls-unusable"), also for a key that every user of the machine may read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    load_chain(context, certificate, key)
    return context


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Use these from the next connection on; where they cannot be used, what was there stays.

    Raises Refused("tls-unusable").
    """

    def no_password() -> str:
        # Otherwise OpenSSL would ask the terminal.
        raise Refused("tls-unusable", file=str(key), reason="the key is encrypted")

    try:
        if key.stat().st_mode & _OTHERS:
            raise Refused("tls-unusable", file=str(key), reason="every user may read the key; make it 0600")
        # Both must be right before anything changes.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, no_password)
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        reason = f"no certificate with its key in PEM ({error.reason or 'unreadable'})"
        raise Refused("tls-unusable", file=f"{certificate}, {key}", reason=reason) from None
    except OSError as error:
        file = str(error.filename or f"{certificate}, {key}")
        raise Refused("tls-unusable", file=file, reason=error.strerror or type(error).__name__) from None


def client_context(scheme: str) -> ssl.SSLContext:
    """What a connection to an address of this scheme verifies with. Raises Refused("roots-unusable")."""
    if scheme != "https":
        # Never used; it trusts nobody, and saves reading the roots.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        return _roots(file, folder)
    except (OSError, ssl.SSLError) as error:
        place = file or folder or "—"
        raise Refused("roots-unusable", file=place, reason=getattr(error, "strerror", None) or "not PEM") from None


@lru_cache(maxsize=8)
def _roots(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """One context for as long as the environment names the same roots: reading them takes a while."""
    return httpx2.create_ssl_context(trust_env=True)


def distrust(error: BaseException) -> str | None:
    """Why a certificate was not trusted, where that is what an error came of; technical English."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return found.verify_message or "no reason given"
        found = found.__cause__ or found.__context__
    return None

"""Addresses: of voters, as they are typed, found and shown; of clients, as failures are counted for them."""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import Final

from starlette.requests import Request

from vemre.service.vault import Vault

_HIDDEN: Final = "•••"
_IPV6_PREFIX: Final = 64


def user_key(vault: Vault, user: str) -> bytes:
    """By which an account is found: the blind index (32 bytes) of the e-mail address, however it is capitalised."""
    return vault.index("user", unicodedata.normalize("NFC", user.strip()).casefold())


def masked_mail(address: str) -> str:
    """An e-mail address that its owner recognises and nobody else learns."""
    mailbox, _, domain = address.rpartition("@")
    return f"{mailbox[:1]}{_HIDDEN}@{domain[:1]}{_HIDDEN}.{domain.rpartition('.')[2]}"


def masked_phone(number: str) -> str:
    """A telephone number of which the last four digits show."""
    return f"{_HIDDEN} {number[-4:]}"


def network(request: Request) -> str:
    """From where a request comes: the connection's address (what a header says counts for nothing here), of IPv6 the
    network that one household or machine has to itself."""
    host = request.client.host if request.client is not None else ""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), _IPV6_PREFIX), strict=False))
    return str(found)

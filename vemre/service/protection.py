"""What stands between the network and an application, as settings say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from limits import RateLimitItem

from vemre.errors import Refused
from vemre.service import addresses, rates
from vemre.service.addresses import Network

HSTS_SECONDS: Final = 31_536_000
MAX_REQUESTS: Final = 512
MAX_CONNECTIONS: Final = 4096
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


class ProtectionSettings(Protocol):
    """What `of` reads; `vemre.service.settings.ServiceSettings` is one."""

    @property
    def trusted_proxies(self) -> Sequence[str]: ...
    @property
    def rate_limits(self) -> Mapping[str, str]: ...
    @property
    def rate_limit_exempt(self) -> Sequence[str]: ...
    @property
    def max_requests(self) -> int: ...
    @property
    def hsts_seconds(self) -> int: ...


@dataclass(frozen=True)
class Protection:
    """Trusted proxies, limits by class and who is exempt from them, requests at once, and seconds of HSTS."""

    trusted: tuple[Network, ...] = ()
    limits: Mapping[str, tuple[RateLimitItem, ...]] = field(default_factory=lambda: rates.parse_limits({}))
    exempt: tuple[Network, ...] = addresses.networks(LOOPBACK)
    max_requests: int = MAX_REQUESTS
    hsts: int = HSTS_SECONDS

    @classmethod
    def of(cls, settings: ProtectionSettings) -> Protection:
        """What the settings say. Raises Refused("settings-unusable") with the name of the wrong one."""
        name = "trusted_proxies"
        try:
            trusted = addresses.networks(settings.trusted_proxies)
            name = "rate_limit_exempt"
            exempt = addresses.networks(settings.rate_limit_exempt)
            name = "rate_limits"
            limits = rates.parse_limits(settings.rate_limits)
        except ValueError:
            raise Refused("settings-unusable", fields=name) from None
        return cls(trusted, limits, exempt, settings.max_requests, settings.hsts_seconds)

"""Settings of the registry."""

from __future__ import annotations

from pathlib import Path

from registry.core import ROSTER
from vemre.service.outbox import MailSettings


class RegistrySettings(MailSettings):
    """What the registry needs beside what every service needs."""

    outbox_dir: Path | None = None
    """Where deliveries to voters wait; ``outbox`` in the data folder where it is left out."""

    @property
    def outbox(self) -> Path:
        """The folder of deliveries."""
        return self.outbox_dir or self.data_dir / "outbox"


__all__ = ["ROSTER", "RegistrySettings"]

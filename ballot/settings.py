"""Settings of the ballot box."""

from __future__ import annotations

from pathlib import Path

from vemre.service.delivery.settings import DeliverySettings


class BallotSettings(DeliverySettings):
    """What the ballot box needs beside what every service needs."""

    roster_token_file: Path | None = None
    """The token with which the registry hands over the roster."""

    vault_dir: Path | None = None
    """Where the key of the sealed contact data is; ``vault`` in the data folder where it is left out."""

    @property
    def vault(self) -> Path:
        """The folder of ``vault.key``."""
        return self.vault_dir or self.data_dir / "vault"

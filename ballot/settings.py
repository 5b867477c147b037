"""Settings of the ballot box."""

from __future__ import annotations

from pathlib import Path

from vemre.service.outbox import MailSettings


class BallotSettings(MailSettings):
    """What the ballot box needs beside what every service needs."""

    outbox_dir: Path | None = None
    """Where deliveries to voters wait; ``outbox`` in the data folder where it is left out."""
    roster_token_file: Path | None = None
    """The token with which the registry hands over the roster."""

    vault_dir: Path | None = None
    """Where the key of the sealed contact data is; ``vault`` in the data folder where it is left out."""

    @property
    def vault(self) -> Path:
        """The folder of ``vault.key``."""
        return self.vault_dir or self.data_dir / "vault"

    @property
    def outbox(self) -> Path:
        """The folder of deliveries."""
        return self.outbox_dir or self.data_dir / "outbox"

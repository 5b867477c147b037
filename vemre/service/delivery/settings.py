"""Settings of a service that writes to people."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from vemre.service.settings import ServiceSettings


class DeliverySettings(ServiceSettings):
    """Where letters wait and who takes them. Without a mail server and a mail folder mails wait; so do text messages
    without a sender and a folder."""

    vault_dir: Path | None = None
    """Where the key of sealed data is; ``vault`` in the data folder where it is left out."""
    outbox_dir: Path | None = None
    """Where messages wait, sealed; ``outbox`` in the data folder where it is left out."""
    smtp_host: str | None = None
    """The mail server."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_tls: Literal["starttls", "implicit"] = "starttls"
    """How the connection becomes secret: after STARTTLS (port 587) or from its first byte on (port 465)."""
    smtp_ca_file: Path | None = None
    """Who vouches for the mail server's certificate (PEM), where it is not one of the system's authorities."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "vemre@localhost"
    mail_folder: Path | None = None
    """A folder into which mails are written as files instead, for trials."""
    sms_sender: str | None = None
    """Who takes text messages: the name of an entry point of the group ``vemre.sms_senders``."""
    sms_config: Path | None = None
    """A TOML file with the settings of that sender."""
    sms_folder: Path | None = None
    """A folder into which text messages are written as files instead, for trials."""
    help_contact: str | None = Field(default=None, max_length=200)
    """Where voters get help, as letters name it: a telephone number and its hours, say."""

    @property
    def vault(self) -> Path:
        """The folder of ``vault.key``."""
        return self.vault_dir or self.data_dir / "vault"

    @property
    def outbox(self) -> Path:
        """The folder of the outbox."""
        return self.outbox_dir or self.data_dir / "outbox"

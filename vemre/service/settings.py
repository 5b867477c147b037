"""Settings of a service: arguments, environment (``VEMRE_...``), a secrets directory, a TOML file, in this order.

No setting selects cryptography.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from vemre.errors import Refused
from vemre.service.protection import HSTS_SECONDS, LOOPBACK, MAX_CONNECTIONS, MAX_REQUESTS

SECRETS_DIRECTORY: Final = "VEMRE_SECRETS_DIR"
"""Names the directory whose files ``vemre_<field>`` hold secret settings (as Docker and systemd give them)."""


class ServiceSettings(BaseSettings):
    """What every service needs. A service subclasses this with fields of its own and calls `load`."""

    model_config = SettingsConfigDict(env_prefix="VEMRE_", extra="ignore", frozen=True)

    data_dir: Path
    """Where the database, the blobs and the lock of this service stand. One service, one folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    """0 takes a free port, which `serve` prints."""
    database_url: SecretStr | None = None
    """An SQLAlchemy address; SQLite in `data_dir` where it is left out. May hold a password."""
    origin_host: str = Field(default="localhost", pattern=r"^[a-z0-9.:-]{1,128}$")
    """The first part of the origins of the election's logs: ``<host>/<election id>/registry``."""
    registry_url: str | None = None
    ballot_url: str | None = None
    tally_url: str | None = None
    """Where the other services answer."""
    public_url: str | None = None
    """Where this service answers, as seen from outside; by default the address that a request was made to."""
    witnesses_file: Path | None = None
    """Where witnesses take checkpoints, and who cosigns beside the auditors (docs/spec/log.md)."""
    policy_file: Path | None = None
    """The trust anchors: vkeys of the logs and auditors."""
    key_file: Path | None = None
    """The encrypted signing key of this role."""
    trial_clock_file: Path | None = None
    """For trials alone: a file with the number of seconds by which the service's clock is ahead. A service whose keys
    are not marked insecure refuses to start with it."""
    tls_certificate: Path | None = None
    """The chain of the service's certificate (PEM), its own first; with `tls_key` it answers by HTTPS itself."""
    tls_key: Path | None = None
    """The key of the certificate (PEM, not encrypted)."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks (CIDR) of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    rate_limits: dict[str, str] = {}
    """Other limits than `vemre.service.rates.DEFAULTS`, such as ``{"sign-in": "600/minute"}``; empty is none."""
    rate_limit_exempt: tuple[str, ...] = LOOPBACK
    """Networks whose requests are not counted."""
    max_requests: int = Field(default=MAX_REQUESTS, ge=1)
    """Requests that are worked on at once; the others are told to come again."""
    max_connections: int = Field(default=MAX_CONNECTIONS, ge=1)
    """Connections that are held at once."""
    hsts_seconds: int = Field(default=HSTS_SECONDS, ge=0)
    """How long browsers are to insist on HTTPS (Strict-Transport-Security); 0 says nothing about it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def database(self) -> str:
        """The SQLAlchemy address of the service's database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'service.sqlite3'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (a fixed signature; no .env file is read)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (replaced by the directory named above)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if secrets := os.environ.get(SECRETS_DIRECTORY):
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=secrets))
        if file := settings_cls.model_config.get("toml_file"):
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=file))
        return tuple(sources)


S = TypeVar("S", bound=ServiceSettings)


def load(settings: type[S], *, config: Path | None = None, **arguments: Any) -> S:
    """The settings of a service. `arguments` (from the command line) win; those that are None count as not given.

    Raises Refused("settings-unusable") with the names of the fields, never their values.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        if config is not None and not config.is_file():
            raise Refused("file-unusable", file=str(config), reason="not a file")
        return _with_file(settings, config)(**given)
    except ValidationError as error:
        fields = sorted({".".join(map(str, item["loc"])) for item in error.errors(include_input=False)})
        raise Refused("settings-unusable", fields=", ".join(fields)) from None
    except (SettingsError, ValueError, OSError) as error:
        raise Refused("settings-unusable", fields=f"{config or 'VEMRE_*'} ({type(error).__name__})") from None


def _with_file(settings: type[S], config: Path | None) -> type[S]:
    if config is None:
        return settings
    namespace = {"model_config": SettingsConfigDict(toml_file=config), "__module__": settings.__module__}
    return type(settings.__name__, (settings,), namespace)

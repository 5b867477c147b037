"""Settings come in the stated order, and their errors name fields, never values."""

from pathlib import Path

import pytest

from vemre.errors import Refused
from vemre.service.settings import ServiceSettings, load


class Example(ServiceSettings):
    smtp_password: str = "none"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("VEMRE_")]:
        monkeypatch.delenv(name)


def test_defaults(tmp_path: Path) -> None:
    settings = load(Example, data_dir=tmp_path, port=None)
    assert (settings.host, settings.port) == ("127.0.0.1", 0)
    assert settings.database == f"sqlite:///{tmp_path}/service.sqlite3"


def test_order_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "ballot.toml"
    config.write_text('data_dir = "/a"\nport = 1\nlog_level = "error"\nsmtp_password = "file"\nhost = "::1"\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "vemre_smtp_password").write_text("secret")
    monkeypatch.setenv("VEMRE_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("VEMRE_PORT", "2")
    monkeypatch.setenv("VEMRE_LOG_LEVEL", "debug")
    settings = load(Example, config=config, port=3)
    assert (settings.port, settings.log_level, settings.smtp_password, settings.host) == (3, "debug", "secret", "::1")
    assert settings.data_dir == Path("/a")


def test_database_address_does_not_show_its_password(tmp_path: Path) -> None:
    settings = load(Example, data_dir=tmp_path, database_url="postgresql+psycopg://u:hunter2@db/x")
    assert "hunter2" not in repr(settings)
    assert settings.database.endswith("hunter2@db/x")


def test_errors_name_fields_not_values(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        load(Example, port=70_000, log_level="hunter2")
    assert refused.value.code == "settings-unusable"
    assert refused.value.params["fields"] == "data_dir, log_level, port"


def test_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.toml").write_text("data_dir = [")
    with pytest.raises(Refused, match="settings-unusable"):
        load(Example, config=tmp_path / "bad.toml")
    with pytest.raises(Refused, match="file-unusable"):
        load(Example, config=tmp_path / "none.toml")

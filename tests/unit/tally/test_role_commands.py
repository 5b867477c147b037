"""The commands of trustees and mixers keep their secrets from arithmetic that does not hide them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tally import role_commands
from vemre import group as groups
from vemre.cli.main import root


@pytest.fixture
def only_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = groups.load("reference")
    monkeypatch.setattr(role_commands.groups, "load", lambda: reference)


@pytest.mark.usefixtures("only_reference")
@pytest.mark.parametrize(
    "words",
    [("trustee", "step"), ("trustee", "attend", "--yes"), ("trustee", "destroy", "--yes"), ("mixer", "step")],
    ids="-".join,
)
def test_the_reference_arithmetic_is_refused_before_the_key_is_read(words: tuple[str, ...], tmp_path: Path) -> None:
    options = ["--key", str(tmp_path / "none.key"), "--policy", str(tmp_path / "none.json"), "--insecure"]
    result = CliRunner().invoke(root, ["--lang", "en", *words, *options])
    assert result.exit_code == 2
    assert "This arithmetic does not protect secrets" in result.stderr
    allowed = CliRunner().invoke(root, ["--lang", "en", *words, *options, "--insecure-reference"])
    assert "WARNING: reference arithmetic" in allowed.stderr
    # It goes on, and finds no key.
    assert allowed.exit_code == 2
    assert "does not protect" not in allowed.stderr

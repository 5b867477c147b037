"""What commands say of stages and acts: words, never the codes of an interface."""

import pytest

from tally.commands import _stage
from vemre.cli import translations


@pytest.fixture(autouse=True)
def _spanish() -> None:
    translations.choose(["--lang", "es"])


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("key-generation", "generación de la clave conjunta"),
        ("empty", "la bitácora del cómputo no tiene asientos todavía"),
        ("of-another-version", "of-another-version"),
    ],
)
def test_stage(stage: str, words: str) -> None:
    assert _stage(stage) == words

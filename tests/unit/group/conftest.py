"""Every test that takes `group` runs on every back end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from vemre.group import Backend, Group, backends, load

VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.fixture(scope="session", params=backends())
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))


@pytest.fixture(scope="session")
def ristretto_vectors() -> Any:
    return json.loads((VECTORS / "ristretto255.json").read_text())


@pytest.fixture(scope="session")
def xmd_vectors() -> Any:
    return json.loads((VECTORS / "expand-message-xmd-sha512.json").read_text())


@pytest.fixture(scope="session")
def generator_vectors() -> Any:
    return json.loads((VECTORS / "protocol.json").read_text())["generators"]

"""Every property that takes `group` is tried on every back end."""

from __future__ import annotations

from typing import cast

import pytest

from vemre.group import Backend, Group, backends, load


@pytest.fixture(scope="session", params=backends())
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))

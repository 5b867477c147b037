"""Every property that takes `group` is tried on every back end."""

from __future__ import annotations

from typing import cast, get_args

import pytest

from vemre.group import Backend, Group, load


@pytest.fixture(scope="session", params=get_args(Backend))
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))

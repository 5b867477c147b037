"""No body, header or path makes the registry fail."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from applying import form
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import requests, send
from served import RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator

from registry.settings import ROSTER

PATHS = (
    "POST /official/roll-import",
    "POST /official/credentials",
    "POST /official/roll",
    "POST /official/reissue",
    "POST /official/block",
    "POST /official/marks",
    "GET /official/roster",
    "POST /official/intake",
    "POST /official/modality",
    "POST /official/freeze",
    "GET /official/enrolment",
    "GET /official/nominal",
    "GET /official/accesses",
    "GET /official/solicitudes",
    "GET /official/solicitudes/{}",
    "POST /official/solicitudes/{}/accept",
    "POST /official/solicitudes/{}/refuse",
    "POST /official/observations/{}/answer",
    "POST /solicitudes",
    "GET /solicitudes",
    "GET /solicitudes/{}",
    "POST /solicitudes/{}/correction",
    "POST /solicitudes/{}/appeal",
    "GET /solicitudes/{}/commitments",
    "GET /partidos/nominal",
    "POST /partidos/observaciones",
    "POST /records",
    "GET /log/checkpoint",
    "GET /log/cosigned",
    "POST /log/cosignatures",
    "GET /log/tile/{}",
    "GET /blob/{}",
    "GET /health",
)
BODIES = (
    roll_file(roll_line(1), roll_line(2, "17")),
    b'{"folio":"F-0001","request":"0123456789abcdef"}',
    b'{"folio":"F-0001","reason":"post"}',
    b'{"folio":"F-0001","channel":"post"}',
    b'{"folio":"F-0001","text":"x","request":"0123456789abcdef"}',
    b'{"undecided":0}',
    json.dumps(form(1)).encode(),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryUnderTest]:
    with RegistryUnderTest(Simulator().reach("keys"), tmp_path_factory.mktemp("junk")).running() as registry:
        yield registry


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_request_is_answered(running: RegistryUnderTest, data: st.DataObject) -> None:
    tokens = [token_of(running.data, name)["Authorization"].removeprefix("Bearer ") for name in ("official", ROSTER)]
    request: dict[str, Any] = data.draw(requests(PATHS, tokens, BODIES))
    send(running.client, request)

"""No body, header or path makes the ballot box fail."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import requests, send
from served import BallotBoxUnderTest, token_of
from simulator import Simulator

from vemre.records import bundle

PATHS = (
    "GET /election",
    "POST /ballots",
    "GET /receipts/{}",
    "GET /turnout",
    "GET /help",
    "POST /official/roster",
    "POST /official/access-links",
    "POST /official/recovery",
    "GET /official/recovery",
    "POST /official/recovery/{}/confirm",
    "POST /access/begin",
    "POST /access/factor",
    "POST /access/confirm",
    "POST /session",
    "POST /session/code",
    "GET /session",
    "POST /session/extend",
    "DELETE /session",
    "POST /official/close",
    "POST /records",
    "GET /log/checkpoint",
    "GET /log/cosigned",
    "POST /log/cosignatures",
    "GET /log/tile/{}",
    "GET /log/tile/{}/{}",
    "GET /blob/{}",
    "GET /health",
    "GET /metrics",
)


@pytest.fixture(scope="module")
def open_box(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BallotBoxUnderTest]:
    with BallotBoxUnderTest(sim, tmp_path_factory.mktemp("junk")).running() as box:
        yield box.open()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_request_is_answered(open_box: BallotBoxUnderTest, data: st.DataObject) -> None:
    box, voter = open_box, open_box.sim.voters[0]
    official = token_of(box.data)["Authorization"].removeprefix("Bearer ")
    block = bundle.encode(box.block(voter).entry)
    bodies = [box.sim.ballot(voter, voter.choices or ()).entry, block, b'{"entries":[]}']
    request: dict[str, Any] = data.draw(requests(PATHS, [official, box.token(voter)], bodies))
    send(box.client, request)


def test_box_still_works_after_all_that(open_box: BallotBoxUnderTest) -> None:
    voter = open_box.sim.voters[1]
    assert open_box.cast(voter, open_box.ballot(voter)).status_code == 201

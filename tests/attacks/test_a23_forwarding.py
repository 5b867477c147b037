"""A23: the addresses that failures are counted for, behind a reverse proxy: whoever guesses cannot choose another one,
and keeps nobody out who comes through the same proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from entering import Person, fail, from_address, posts
from served import BallotBoxUnderTest
from simulator import Simulator

from ballot.access import limits

PROXY = "10.0.0.7"
LIMIT = 12


@pytest.fixture
def box(setup_election: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """An open ballot box that trusts one network of proxies."""
    settings = {**posts(tmp_path), "trusted_proxies": ("10.0.0.0/24",), "rate_limits": {"sign-in": f"{LIMIT}/hour"}}
    with BallotBoxUnderTest(setup_election, tmp_path, **settings).running() as running:
        yield running.open()


def through_proxy(person: Person, forwarded: str) -> Person:
    found = from_address(person, PROXY)
    found.headers = {"X-Forwarded-For": forwarded}
    return found


def test_failures_count_for_the_address_that_the_proxy_saw(ana: Person) -> None:
    for number in range(limits.PAIR.most):
        # What stands to the left was sent by the client itself, another one each time.
        fail(through_proxy(ana, f"203.0.113.{number}, 198.51.100.1"), 1)
    assert through_proxy(ana, "203.0.113.200, 198.51.100.1").sign_in().status_code == 429


def test_others_behind_the_proxy_get_in(ana: Person) -> None:
    fail(through_proxy(ana, "198.51.100.1"), limits.PAIR.most)
    assert through_proxy(ana, "198.51.100.1").sign_in().status_code == 429
    other = through_proxy(ana, "198.51.100.2")
    assert other.finish(other.sign_in().json()["ticket"], other.code()).status_code == 200


def test_rate_is_that_of_the_forwarded_address(ana: Person) -> None:
    def asked(peer: str, forwarded: str) -> int:
        found = from_address(ana, peer)
        found.headers = {"X-Forwarded-For": forwarded}
        status: int = found.post("/session", {"user": "nadie@example.net", "password": "no es la clave"}).status_code
        return status

    for _ in range(LIMIT):
        asked(PROXY, "198.51.100.1")
    assert asked(PROXY, "203.0.113.9, 198.51.100.1") == 429
    assert asked(PROXY, "198.51.100.1, 198.51.100.2") == 200
    # Somebody who is no proxy is counted by the connection, whatever the header says.
    for number in range(LIMIT):
        asked("192.0.2.66", f"203.0.113.{number}")
    assert asked("192.0.2.66", "203.0.113.200") == 429
    # The addresses that were named are none the worse for it.
    assert asked(PROXY, "203.0.113.1") == 200

"""The clock of a trial may be moved, the clock of an election may not."""

from pathlib import Path

import pytest

from vemre.crypto.signing import SigningKey
from vemre.errors import Refused
from vemre.log.signer import LogSigner
from vemre.service.identity import Identity
from vemre.service.settings import ServiceSettings
from vemre.service.station import clock_of

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"


def identity(*, insecure: bool) -> Identity:
    key = SigningKey.from_seed(bytes(32))
    return Identity("ballot", ELECTION, key, LogSigner("vemre.example/x/ballot", key), insecure)


def test_the_clock_of_a_trial_is_ahead_by_what_its_file_says(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    settings = ServiceSettings(data_dir=tmp_path, trial_clock_file=path)
    clock = clock_of(settings, identity(insecure=True), lambda: 1000)
    assert clock() == 1000
    path.write_text("86400\n")
    assert clock() == 87400


def test_an_election_with_real_keys_refuses_a_movable_clock(tmp_path: Path) -> None:
    settings = ServiceSettings(data_dir=tmp_path, trial_clock_file=tmp_path / "clock")
    with pytest.raises(Refused, match="trial_clock_file"):
        clock_of(settings, identity(insecure=False), lambda: 1000)


def test_without_one_the_clock_is_the_given_one(tmp_path: Path) -> None:
    assert clock_of(ServiceSettings(data_dir=tmp_path), identity(insecure=False), lambda: 7)() == 7

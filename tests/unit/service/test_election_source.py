"""An election as somebody outside sees it: verified, in step, and never beyond what a quorum has cosigned."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import GROUP, Simulator

from vemre.checks import Check
from vemre.election import drafts
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.note import parse_signature_lines
from vemre.messages import Unreachable
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource, from_folder, from_urls
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, LogName


def source_of(served: Served, *, cosigned_only: bool = True) -> ElectionSource:
    sources: dict[LogName, LogSource] = {name: HttpSource(client) for name, client in served.clients().items()}
    anchors = Anchors(served.simulator.policy)
    return ElectionSource(anchors, sources, GROUP, os.urandom, cosigned_only=cosigned_only)


def cosign(served: Served, *names: LogName) -> None:
    for name in names or LOG_NAMES:
        size = len(served.simulator.view.logs[name])
        lines = served.simulator.checkpoint(name).partition("\n\n")[2].split("\n", 1)[1]
        served.notes[name, size] = served.note(name).with_lines(parse_signature_lines(lines))


def sizes(source: ElectionSource) -> dict[str, int]:
    return {name: len(log) for name, log in source.view.logs.items()}


def test_the_view_grows_with_what_is_cosigned() -> None:
    sim = Simulator()
    served = Served(sim)
    source = source_of(served)
    with pytest.raises(Refused, match="not-cosigned-yet"):
        source.refresh()
    cosign(served, "tally")
    assert sizes(source) | {"tally": 1} == {"registry": 0, "ballot": 0, "tally": 1}
    source.refresh()
    sim.generate_key()
    source.refresh()
    assert sizes(source)["tally"] == 1
    cosign(served)
    assert len(source.refresh().tally) == len(sim.view.tally)
    assert source.gate("tally") == sim.checkpoint("tally")


def test_a_log_that_another_cites_is_fetched_or_waited_for() -> None:
    """Setup cites the registry's log, whose cosignatures this service does not show yet."""
    sim = Simulator().reach("setup")
    served = Served(sim)
    cosign(served, "tally")
    source = source_of(served)
    with pytest.raises(Refused, match="not-cosigned-yet"):
        source.refresh()
    cosign(served, "registry")
    view = source.refresh()
    assert view.setup is not None
    assert view.context == sim.view.context


def test_without_a_quorum_the_latest_is_followed_and_gates_still_need_one() -> None:
    sim = Simulator().reach("cast")
    served = Served(sim)
    source = source_of(served, cosigned_only=False)
    view = source.refresh()
    assert view.ballots_by_urn() == sim.view.ballots_by_urn()
    with pytest.raises(Refused, match="not-cosigned-yet"):
        source.gate("ballot")
    cosign(served)
    assert source.gate("ballot", len(sim.view.ballot)) == sim.checkpoint("ballot")
    assert source.follower("ballot") is not None


def test_a_broken_rule_is_found_and_stays_found() -> None:
    sim = Simulator()
    sim.append("tally", "trustee/1", drafts.incident("x", "y", sim.time), check=False)
    served = Served(sim)
    cosign(served)
    source = source_of(served)
    for _ in range(2):
        with pytest.raises(CheckFailed) as caught:
            source.refresh()
        assert caught.value.check is Check.RECORD_ROLE


def test_an_entry_that_is_no_record_names_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = Simulator()
    served = Served(sim)
    cosign(served)
    source = source_of(served)

    def parse(_: bytes) -> None:
        raise CheckFailed(Check.CANONICAL, "not JSON")

    monkeypatch.setattr("vemre.records.bulk.parse", parse)
    with pytest.raises(CheckFailed) as caught:
        source.refresh()
    assert (caught.value.where, caught.value.party) == ("tally/0", "tally")


def test_a_missing_blob_names_the_log() -> None:
    sim = Simulator()
    served = Served(sim)
    cosign(served)
    sim.blobs.clear()
    with pytest.raises(CheckFailed) as caught:
        source_of(served).refresh()
    assert (caught.value.check, caught.value.party) == (Check.BLOB_DIGEST, "tally")


def test_a_service_that_is_down_is_said_to_be() -> None:
    served = Served(Simulator())
    cosign(served)
    served.down.add("registry")
    with pytest.raises(Unreachable):
        source_of(served).refresh()


def test_a_stick_holds_the_logs_that_have_begun(tmp_path: Path) -> None:
    sim = Simulator().reach("setup")
    record = sim.write(tmp_path / "record")
    source = ElectionSource(Anchors(sim.policy), from_folder(record), GROUP, os.urandom)
    assert source.refresh().setup is not None
    assert sizes(source)["ballot"] == 0
    with pytest.raises(Refused, match="log-missing"):
        source.gate("ballot")
    with pytest.raises(Refused, match="file-unusable"):
        from_folder(tmp_path)


def test_addresses_become_sources() -> None:
    served = Served(Simulator())
    cosign(served)
    found = from_urls({"tally": "http://tally.test"}, lambda _: served.client("tally"))
    source = ElectionSource(Anchors(served.simulator.policy), found, GROUP, os.urandom)
    assert len(source.refresh().tally) == 1
    with pytest.raises(Unreachable):
        from_urls({"tally": "ftp://x"}, ServiceClient)

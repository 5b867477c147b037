"""Records copied from running services: whole, exact, authenticated, and only where nothing is yet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import GROUP, OPENS, Simulator

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.election import drafts
from vemre.errors import CheckFailed, Refused
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint
from vemre.log.reader import LogReader
from vemre.log.tiles import tile_paths
from vemre.service.client import HttpSource
from vemre.service.election_source import ElectionSource
from vemre.service.export import check_target, export, static_files
from vemre.types import LOG_NAMES


@pytest.fixture(scope="module")
def counted() -> Simulator:
    return Simulator(trustees=2, threshold=2).reach("counted")


def source(served: Served) -> ElectionSource:
    sources = {name: HttpSource(client) for name, client in served.clients().items()}
    return ElectionSource(served.simulator.view.anchors, sources, GROUP, os.urandom)


def stage_of(served: Served, record: Path) -> str:
    report = verify_record(RecordFolder(record), served.simulator.view.anchors, GROUP, os.urandom)
    assert report.failure is None, report.failure
    return report.stage


def test_a_record_has_exactly_the_files_of_its_sizes_and_verifies(counted: Simulator, tmp_path: Path) -> None:
    served = Served(counted)
    served.cosign_all()
    steps: list[tuple[int, int]] = []
    sizes = export(source(served), tmp_path / "record", lambda done, total: steps.append((done, total)))
    assert sizes == {name: len(log) for name, log in counted.view.logs.items()}
    found = {str(path.relative_to(tmp_path / "record")) for path in (tmp_path / "record").rglob("*") if path.is_file()}
    expected = {f"{name}/{path}" for name, size in sizes.items() for path in [*tile_paths(size), "checkpoint"]}
    assert found == expected | {f"blob/{digest}" for digest in counted.blobs}
    assert steps[-1] == (len(found), len(found))
    assert stage_of(served, tmp_path / "record") == "result"
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_an_election_that_runs_is_copied_as_far_as_it_is_cosigned(tmp_path: Path) -> None:
    served = Served(Simulator(trustees=2, threshold=2))
    with pytest.raises(Refused, match="not-cosigned-yet"):
        export(source(served), tmp_path / "nothing")
    assert not list(tmp_path.iterdir())
    served.simulator.generate_key()
    served.cosign_all()
    served.simulator.append("tally", "tally", drafts.incident("note", "not cosigned yet", OPENS))
    sizes = export(source(served), tmp_path / "record")
    assert sizes["tally"] == len(served.simulator.view.tally) - 1
    assert stage_of(served, tmp_path / "record") == "key-generation"


@pytest.mark.parametrize("what", ["file", "folder with a file", "link"])
def test_nothing_is_overwritten(counted: Simulator, tmp_path: Path, what: str) -> None:
    served = Served(counted)
    served.cosign_all()
    target = tmp_path / "record"
    if what == "file":
        target.write_text("mine")
    elif what == "link":
        target.symlink_to(tmp_path / "elsewhere")
    else:
        target.mkdir()
        (target / "mine").touch()
    with pytest.raises(Refused, match="folder-not-empty"):
        export(source(served), target)
    with pytest.raises(Refused, match="folder-not-empty"):
        check_target(target)


def test_an_empty_folder_is_filled(counted: Simulator, tmp_path: Path) -> None:
    served = Served(counted)
    served.cosign_all()
    (tmp_path / "record").mkdir()
    export(source(served), tmp_path / "record")
    assert (tmp_path / "record" / "tally" / "checkpoint").exists()


@pytest.mark.parametrize("name", LOG_NAMES)
def test_what_a_service_alters_is_found_and_nothing_is_left(counted: Simulator, tmp_path: Path, name: str) -> None:
    served = Served(counted)
    served.cosign_all()
    path = f"/log/tile/entries/000.p/{len(counted.view.logs[name])}"  # type: ignore[index]
    client = served.clients()[name]  # type: ignore[index]
    honest = client.request("GET", path)
    served.lies[name, path] = honest[:-1] + bytes([honest[-1] ^ 1])  # type: ignore[index]
    with pytest.raises(CheckFailed) as found:
        export(source(served), tmp_path / "record")
    assert found.value.check is Check.LOG
    assert not list(tmp_path.iterdir())


def test_static_files_of_a_large_log_are_those_that_the_reader_expects() -> None:
    entries = [f"entry {number}".encode() for number in range(70_000)]
    for size in (0, 1, 255, 256, 257, 70_000):
        files = dict(static_files(entries[:size]))
        assert list(files) == list(tile_paths(size))
        root = merkle.root(map(merkle.leaf_hash, entries[:size]))
        reader = LogReader(files.__getitem__, Checkpoint("x", size, root), name="tally")
        assert list(reader.entries()) == entries[:size]

"""The off-line verifier among hostile files, and its contract with whoever reads its report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.verify.folder import MAX_BLOB_BYTES, RecordFolder
from audit.verify.report import Report, Status
from audit.verify.verifier import verify_record
from vemre import group
from vemre.checks import Check
from vemre.election.rules import engine
from vemre.election.rules.engine import Stage
from vemre.election.rules.view import Anchors
from vemre.records.policy import parse_policy

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
ANCHORS = Anchors(parse_policy((GOLDEN / "policy.json").read_bytes()))

CHECKPOINT = Path("ballot/checkpoint")
TILE = Path("tally/tile/0/000.p/39")
BUNDLE = Path("registry/tile/entries/000.p/3")


def verify(record: Path) -> Report:
    return verify_record(RecordFolder(record), ANCHORS, group.load(), os.urandom)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return shutil.copytree(GOLDEN / "record", tmp_path / "record")


@pytest.fixture
def blob(record: Path) -> Path:
    return Path("blob") / sorted(path.name for path in (record / "blob").iterdir())[3]


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def as_link_to_the_same_bytes(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def as_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_huge_file(path: Path) -> None:
    with open(path, "ab") as file:
        file.truncate(MAX_BLOB_BYTES * 3)


def as_deep_json(path: Path) -> None:
    path.write_bytes(b"[" * 1_000_000)


def as_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def as_nothing(path: Path) -> None:
    path.write_bytes(b"")


def as_more(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


DAMAGE = (
    Path.unlink, as_folder, as_link_to_itself, as_link_to_the_same_bytes, as_device, as_pipe, as_huge_file,
    as_deep_json, as_half, as_nothing, as_more,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("kind", ["checkpoint", "tile", "bundle", "blob"])
def test_damage_of_any_kind_is_named(record: Path, blob: Path, kind: str, damage: Callable[[Path], None]) -> None:
    place, check, party = {
        "checkpoint": (CHECKPOINT, Check.NOTE, "ballot-box"),
        "tile": (TILE, Check.LOG, "tally"),
        "bundle": (BUNDLE, Check.LOG, "registry"),
        "blob": (blob, Check.BLOB_DIGEST, None),
    }[kind]
    damage(record / place)
    failure = verify(record).failure
    assert failure is not None
    assert failure.check is check
    assert failure.where is not None
    assert failure.where in str(place)
    assert failure.party in ({party} if party else {"registry", "ballot-box", "tally"})


def test_files_that_belong_to_no_record_do_not_matter(record: Path) -> None:
    (record / "README").write_text("hello")
    (record / "ballot" / "tile" / "7").mkdir()
    (record / "blob" / "notes.txt").write_text("hello")
    assert verify(record).valid


def test_a_blob_that_nobody_names_must_still_be_what_its_name_says(record: Path) -> None:
    (record / "blob" / ("ab" * 32)).write_bytes(b"x")
    failure = verify(record).failure
    assert failure is not None
    assert (failure.check, failure.where) == (Check.BLOB_DIGEST, f"blob/{'ab' * 32}")


@pytest.mark.parametrize("log", ["registry", "ballot", "tally"])
def test_a_log_that_is_left_out_is_missed(record: Path, log: str) -> None:
    shutil.rmtree(record / log)
    failure = verify(record).failure
    assert failure is not None
    assert failure.check in (Check.CHECKPOINT, Check.ORDER)
    (record / log).write_text("not a folder")
    failure = verify(record).failure
    assert failure is not None
    assert failure.check is Check.NOTE


def test_media_that_cannot_be_read_are_no_verdict(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("audit.verify.folder.os.open", broken)
    with pytest.raises(OSError, match="Input/output"):
        verify(record)


def test_a_stumbling_rule_is_no_trace_and_not_valid(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_view: object) -> bool:
        raise KeyError("surprise")

    stages = [Stage(s.check, stumble) if s.check is Check.SHUFFLE else s for s in engine.STAGES]
    monkeypatch.setattr(engine, "STAGES", tuple(stages))
    report = verify(record)
    assert report.failure is not None
    assert report.failure.check is Check.SHUFFLE
    assert "surprise" not in report.failure.detail
    assert (report.result, report.certified) == ([], False)
    assert report.checks[Check.SHUFFLE].status is Status.FAILED
    assert report.checks[Check.RESULT].status is Status.NOT_APPLICABLE
    assert report.checks[Check.MIX_CHAIN].status is Status.PASSED


def test_progress_goes_by_check(record: Path) -> None:
    seen: list[tuple[Check, int, int]] = []
    arithmetic = group.load()
    verify_record(RecordFolder(record), ANCHORS, arithmetic, os.urandom, lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert {total for _, _, total in seen} == {len(seen)}
    assert seen[0][0] is Check.NOTE


def test_the_verifier_loads_no_framework_no_database_and_no_prover() -> None:
    code = (
        "import audit.verify, audit.verify.verifier, audit.verify.command, sys;"
        "found = {'fastapi', 'sqlalchemy', 'uvicorn', 'httpx2'} & set(sys.modules);"
        "found |= {name for name in sys.modules if name.startswith(('vemre.proofs.prove', 'vemre.crypto.signing',"
        " 'vemre.service', 'vemre.storage'))};"
        "print(sorted(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

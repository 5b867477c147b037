"""The three logs of the golden record, which another implementation wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of, open_checkpoint, require_quorum
from vemre.log.note import Vkey
from vemre.log.reader import LogReader

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
POLICY: dict[str, Any] = json.loads((GOLDEN / "policy.json").read_text())
AUDITORS = {name: [Vkey.parse(text) for text in keys["witness"]] for name, keys in POLICY["auditors"].items()}
SIZES = {"registry": 3, "ballot": 12, "tally": 39}


def opened(name: str, data: bytes | None = None) -> OpenedCheckpoint:
    note = (GOLDEN / "record" / name / "checkpoint").read_bytes() if data is None else data
    return open_checkpoint(note, Vkey.parse(POLICY["logs"][name]), [key for keys in AUDITORS.values() for key in keys])


def files(name: str) -> dict[str, bytes]:
    folder = GOLDEN / "record" / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "tile").rglob("*")
        if path.is_file()
    }


def fetch_from(content: dict[str, bytes]) -> Any:
    def fetch(path: str) -> bytes:
        if path not in content:
            raise FileNotFoundError(path)
        return content[path]

    return fetch


@pytest.mark.parametrize("name", SIZES)
def test_checkpoint_has_both_auditors(name: str) -> None:
    checkpoint = opened(name)
    assert checkpoint.size == SIZES[name]
    assert auditors_of(checkpoint, AUDITORS) == {"auditor/1", "auditor/2"}
    require_quorum(checkpoint, AUDITORS, POLICY["quorum"], Check.NOTE)


@pytest.mark.parametrize("name", SIZES)
def test_reader_gives_every_entry(name: str) -> None:
    reader = LogReader(fetch_from(files(name)), opened(name).checkpoint, name=name)
    entries = list(reader.entries())
    assert len(entries) == SIZES[name]
    assert all(json.loads(entry)["log"] == reader.checkpoint.origin for entry in entries)


@pytest.mark.parametrize("name", SIZES)
def test_checkpoints_inside_records_have_the_roots_of_their_logs(name: str) -> None:
    """Each checkpoint that a record of the tally log cites opens, and its root is the cited log's at that size."""
    readers = {log: LogReader(fetch_from(files(log)), opened(log).checkpoint, name=log) for log in SIZES}
    seen = 0
    for entry in LogReader(fetch_from(files("tally")), opened("tally").checkpoint, name="tally").entries():
        body = json.loads(entry)["body"]
        for text in [body.get("gate"), body.get(name)]:
            if isinstance(text, str) and text.startswith(readers[name].checkpoint.origin + "\n"):
                cited = opened(name, text.encode())
                assert readers[name].root_at(cited.size) == cited.root
                seen += 1
    assert seen


@pytest.mark.parametrize("name", SIZES)
def test_every_flipped_byte_of_every_file_is_refused(name: str) -> None:
    content = files(name)
    for path, data in content.items():
        for place in range(0, len(data), max(1, len(data) // 64)):
            altered = bytearray(data)
            altered[place] ^= 0x10
            with pytest.raises(CheckFailed) as caught:
                LogReader(
                    fetch_from({**content, path: bytes(altered)}), opened(name).checkpoint, name=name, party="tally"
                ).authenticate()
            assert caught.value.check == Check.LOG
            assert caught.value.party == "tally"
            assert caught.value.where in (name, f"{name}/{path}")


@pytest.mark.parametrize("name", SIZES)
def test_every_flipped_bit_of_the_checkpoint_is_refused(name: str) -> None:
    data = (GOLDEN / "record" / name / "checkpoint").read_bytes()
    for place in range(len(data) * 8):
        altered = bytearray(data)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(CheckFailed) as caught:
            require_quorum(opened(name, bytes(altered)), AUDITORS, POLICY["quorum"], Check.NOTE)
        assert caught.value.check == Check.NOTE

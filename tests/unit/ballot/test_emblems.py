"""The emblems of an offer: kept and served under their digests, and nothing but pictures."""

import hashlib
import os
from pathlib import Path

import pytest
from gallery.emblems import emblem
from served import BallotBoxUnderTest
from simulator import Simulator

from ballot.static.emblems import MAX_BYTES, keep_emblems
from vemre.errors import Refused
from vemre.storage.blobs import FileBlobStore

PNG = emblem(0)


def folder_of(place: Path, **files: bytes) -> Path:
    folder = place / "emblems"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_the_box_serves_them_by_their_digests(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=PNG, b=emblem(1))
    simulator = Simulator().reach("setup")
    with BallotBoxUnderTest(simulator, tmp_path, emblem_folder=folder).running() as box:
        for data in (PNG, emblem(1)):
            answer = box.client.get(f"/blob/{hashlib.sha256(data).hexdigest()}")
            assert (answer.status_code, answer.content) == (200, data)
        assert box.client.get(f"/blob/{hashlib.sha256(emblem(2)).hexdigest()}").status_code == 404


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg onload='alert(1)'/>", b"GIF89a", PNG + bytes(MAX_BYTES)],
    ids=["empty", "svg", "gif", "too large"],
)
def test_what_is_no_picture_is_refused_at_the_start(tmp_path: Path, data: bytes) -> None:
    folder = folder_of(tmp_path, good=PNG, strange=data)
    with pytest.raises(Refused, match="settings-unusable") as refused:
        keep_emblems(folder, FileBlobStore(tmp_path / "blob"))
    assert refused.value.params == {"fields": "emblem_folder (strange)"}


def test_links_and_folders_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(PNG)
    folder = folder_of(tmp_path)
    os.symlink(tmp_path / "secret", folder / "link")
    with pytest.raises(Refused):
        keep_emblems(folder, FileBlobStore(tmp_path / "blob"))
    (folder / "link").unlink()
    (folder / "folder").mkdir()
    with pytest.raises(Refused):
        keep_emblems(folder, FileBlobStore(tmp_path / "blob"))
    with pytest.raises(Refused):
        keep_emblems(tmp_path / "none", FileBlobStore(tmp_path / "blob"))

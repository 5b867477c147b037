"""Key files on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vemre.crypto import keyfile
from vemre.crypto.keyfile import WEAK, KeyFile
from vemre.errors import KeyFileError
from vemre.storage import keyfiles

KEY = KeyFile("mixer", {"role": "mixer/1"}, {"sign": "00" * 32})


def create(path: Path, key: KeyFile = KEY) -> None:
    keyfiles.create(path, key, b"passphrase", os.urandom, kdf=WEAK)


def test_create_and_load(tmp_path: Path) -> None:
    path = tmp_path / "mixer.key"
    create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfiles.load(path, b"passphrase", "mixer") == KEY
    assert list(tmp_path.iterdir()) == [path]


def test_a_wide_umask_does_not_open_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create(tmp_path / "k")
        keyfiles.replace(tmp_path / "k", KEY, b"passphrase", os.urandom, kdf=WEAK)
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create(tmp_path / "k")
    before = (tmp_path / "k").read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        create(tmp_path / "k")
    assert (tmp_path / "k").read_bytes() == before


def test_state_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "k"
    create(path)
    newer = KeyFile("mixer", KEY.public, {"sign": "11" * 32})
    keyfiles.replace(path, newer, b"passphrase", os.urandom, kdf=WEAK)
    assert keyfiles.load(path, b"passphrase", "mixer") == newer
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_before_the_rename_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "k"
    create(path)

    def crash(*_: object) -> None:
        raise OSError("no power")

    monkeypatch.setattr(keyfiles.os, "replace", crash)
    with pytest.raises(OSError, match="no power"):
        keyfiles.replace(path, KeyFile("mixer", {}, {}), b"passphrase", os.urandom, kdf=WEAK)
    assert keyfiles.load(path, b"passphrase", "mixer") == KEY
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(keyfiles.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        create(tmp_path / "k")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_others_may_not_use_it(tmp_path: Path, mode: int) -> None:
    create(tmp_path / "k")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        keyfiles.load(tmp_path / "k", b"passphrase", "mixer")


def test_what_is_no_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        keyfiles.read(tmp_path / "none")
    with pytest.raises(KeyFileError, match="regular"):
        keyfiles.read(Path("/dev/null"))
    create(tmp_path / "k")
    monkeypatch.setattr(keyfile, "MAX_BYTES", 10)
    with pytest.raises(KeyFileError, match="too long"):
        keyfiles.read(tmp_path / "k")

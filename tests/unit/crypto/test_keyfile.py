"""Encrypted key files."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vemre.crypto import canonical, keyfile
from vemre.crypto.keyfile import MAX_BYTES, STRONG, WEAK, Kdf, KeyFile
from vemre.errors import KeyFileError

SECRET = {"sign": "5ec2e7" * 8, "lists": [["a", "b"]], "number": 3}
KEY = KeyFile("trustee", {"role": "trustee/1"}, SECRET)
DEMO = KeyFile("trustee", {"role": "trustee/1"}, SECRET, insecure=True)
DATA = keyfile.seal(KEY, b"correct horse", os.urandom, kdf=WEAK)


def altered(**changes: Any) -> bytes:
    value = {**json.loads(DATA), **changes}
    return canonical.encode({name: item for name, item in value.items() if item is not ...}) + b"\n"


def opens(data: bytes, passphrase: bytes = b"correct horse", kind: str = "trustee", *, allow: bool = False) -> KeyFile:
    return keyfile.open_sealed(data, passphrase, kind, allow_insecure=allow)


def test_round_trip() -> None:
    assert opens(DATA) == KEY
    assert keyfile.read_public(DATA) == ("trustee", {"role": "trustee/1"}, False)


def test_vector() -> None:
    case = json.loads((Path(__file__).parents[2] / "vectors" / "key-file.json").read_text())
    key = opens(case["file"].encode(), case["passphrase"].encode(), case["kind"])
    assert key.secret == case["secret"]


def test_the_secret_is_in_no_text() -> None:
    assert b"5ec2e7" not in DATA
    assert "5ec2e7" not in repr(KEY)


def test_two_seals_share_nothing_secret() -> None:
    one, two = (json.loads(keyfile.seal(KEY, b"p", os.urandom, kdf=WEAK)) for _ in range(2))
    for name in ("salt", "nonce", "ciphertext"):
        assert one[name] != two[name]


def test_what_was_opened_is_sealed_again_without_stretching_the_passphrase_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = keyfile.open_sealed(DATA, b"correct horse", KEY.kind)
    with monkeypatch.context() as patch:
        patch.setattr(keyfile.argon2id, "kdf", None)
        newer = [keyfile.seal(replace(opened, secret={"a": n}), b"correct horse", os.urandom) for n in range(2)]
    assert [keyfile.open_sealed(data, b"correct horse", KEY.kind).secret for data in newer] == [{"a": 0}, {"a": 1}]
    old, one, two = (json.loads(data) for data in (DATA, *newer))
    assert old["salt"] == one["salt"] == two["salt"]
    assert len({old["nonce"], one["nonce"], two["nonce"]}) == 3
    assert opened.stretched is not None
    assert repr(opened.stretched.key) not in repr(opened) + repr(opened.stretched)
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        keyfile.open_sealed(newer[0], b"another", KEY.kind)


def test_the_default_is_costly() -> None:
    assert Kdf(memory=256 << 20, passes=3) == STRONG


def test_wrong_passphrase() -> None:
    with pytest.raises(KeyFileError, match="wrong passphrase"):
        opens(DATA, b"wrong horse")


def test_wrong_kind() -> None:
    with pytest.raises(KeyFileError, match="another kind"):
        opens(DATA, kind="mixer")


@pytest.mark.parametrize(
    "changes",
    [{"public": {"role": "trustee/2"}}, {"public": {}}, {"kdf": {"memory": 16384, "name": "argon2id", "passes": 1}}],
    ids=str,
)
def test_what_is_readable_is_sealed_too(changes: dict[str, Any]) -> None:
    with pytest.raises(KeyFileError, match="changed"):
        opens(altered(**changes))


def test_a_key_file_does_not_turn_into_another_kind() -> None:
    with pytest.raises(KeyFileError, match="changed"):
        opens(altered(kind="mixer"), kind="mixer")


@pytest.mark.parametrize(
    "changes",
    [
        {"vemre-key": 2},
        {"vemre-key": True},
        {"kind": 1},
        {"public": []},
        {"nonce": "00"},
        {"salt": "zz" * 16},
        {"salt": "AA" * 16},
        {"ciphertext": "0"},
        {"ciphertext": 0},
        {"insecure": False},
        {"insecure": 1},
        {"more": 1},
        {"salt": ...},
        {"kdf": {"memory": 2 << 30, "name": "argon2id", "passes": 1}},
        {"kdf": {"memory": 8191, "name": "argon2id", "passes": 1}},
        {"kdf": {"memory": 8192, "name": "argon2id", "passes": 17}},
        {"kdf": {"memory": 8192, "name": "argon2id", "passes": 0}},
        {"kdf": {"memory": 8192, "name": "argon2i", "passes": 1}},
        {"kdf": {"memory": True, "name": "argon2id", "passes": 1}},
        {"kdf": []},
    ],
    ids=str,
)
def test_other_forms_are_refused_before_any_work(changes: dict[str, Any]) -> None:
    with pytest.raises(KeyFileError, match="not a key file"):
        opens(altered(**changes))


@pytest.mark.parametrize("data", [b"", b"\n", b"[]\n", b"{}\n", DATA[:-1], DATA + b"\n", b" " + DATA, b"\xff\n"])
def test_damage_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFileError, match="not a key file"):
        opens(data)
    with pytest.raises(KeyFileError, match="not a key file"):
        keyfile.read_public(data)


def test_an_empty_passphrase_protects_nothing() -> None:
    with pytest.raises(KeyFileError, match="empty"):
        keyfile.seal(KEY, b"", os.urandom, kdf=WEAK)


def test_a_file_that_could_not_be_read_back_is_not_made() -> None:
    with pytest.raises(KeyFileError, match="too long"):
        keyfile.seal(KeyFile("x", {}, {"big": "0" * MAX_BYTES}), b"p", os.urandom, kdf=WEAK)


# --- insecure files ---


def test_an_insecure_file_says_so_and_opens_only_where_allowed() -> None:
    data = keyfile.seal(DEMO, b"whatever", os.urandom)
    assert json.loads(data)["insecure"] is True
    assert keyfile.read_public(data)[2] is True
    assert opens(data, b"", allow=True) == DEMO
    assert opens(data, b"anything", allow=True) == DEMO
    with pytest.raises(KeyFileError, match="insecure"):
        opens(data, b"")


def test_the_mark_can_be_neither_put_nor_taken() -> None:
    with pytest.raises(KeyFileError, match="changed"):
        opens(altered(insecure=True), allow=True)
    data = keyfile.seal(DEMO, b"", os.urandom)
    value = {name: item for name, item in json.loads(data).items() if name != "insecure"}
    with pytest.raises(KeyFileError, match="changed"):
        opens(canonical.encode(value) + b"\n", b"")


def test_secrets_are_an_object() -> None:
    header = {name: item for name, item in json.loads(DATA).items() if name != "ciphertext"}
    stretched = keyfile.Stretched.of(b"correct horse", bytes.fromhex(header["salt"]), WEAK)
    box = keyfile.SecretBox(keyfile._file_key(header, stretched))
    sealed = box.encrypt(b"[]", bytes.fromhex(header["nonce"]))
    with pytest.raises(KeyFileError, match="no secrets"):
        opens(altered(ciphertext=sealed.ciphertext.hex()))

"""What waits: sealed files that only the service reads, and that nobody loses."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vemre.service import vault as vaults
from vemre.service.delivery import Message, Outbox, name_of
from vemre.service.vault import Vault

NAME = "0f" * 16
CREDENTIAL = "ABCD-EFGH-JKMN"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vaults.create(tmp_path / "vault")
    return vaults.load(tmp_path / "vault")


@pytest.fixture
def outbox(tmp_path: Path, vault: Vault) -> Outbox:
    return Outbox(tmp_path / "outbox", vault, lambda: 1000)


def credential(name: str = NAME, to: str = "ana@example.org") -> Message:
    return Message(name, "mail", to, "credential", {"credential": CREDENTIAL, "election": "PEF"})


def code(to: str = "+13125550123") -> Message:
    return Message(NAME, "sms", to, "sms-code", {"code": "123456", "minutes": "5"}, until=1300)


def test_files_are_private_sealed_and_replaced(outbox: Outbox) -> None:
    outbox.put(credential(to="old@example.org"))
    outbox.put(credential())
    outbox.sync()
    (path,) = (outbox.folder / "mail").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in (outbox.folder, path.parent))
    for hidden in ("ana", "example", CREDENTIAL, "PEF"):
        assert hidden not in path.read_text()
    assert list(outbox.waiting()) == [credential()]
    outbox.remove(NAME)
    outbox.remove(NAME)
    assert list(outbox.waiting()) == []


def test_channels_do_not_meet(outbox: Outbox) -> None:
    outbox.put(credential())
    outbox.put(code())
    assert sorted(found.channel for found in outbox.waiting()) == ["mail", "sms"]


def test_names_and_values_are_checked(outbox: Outbox) -> None:
    for name in ("../x", "", NAME.upper(), NAME + "/"):
        with pytest.raises(ValueError):
            outbox.put(credential(name))
        with pytest.raises(ValueError):
            outbox.remove(name)
    with pytest.raises(ValueError, match="lacks"):
        outbox.put(Message(NAME, "mail", "a@example.org", "credential", {"credential": "x"}))
    with pytest.raises(ValueError, match="no template"):
        outbox.put(Message(NAME, "sms", "+13125550123", "credential", {"credential": "x", "election": "y"}))
    assert list(outbox.waiting()) == []


def test_a_message_handed_over_during_the_listing_is_left_out(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox.put(credential())
    outbox.put(credential("1f" * 16))
    looked = os.scandir

    @contextmanager
    def handed_over(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with looked(folder) as found:
            files = list(found)
        outbox.remove(NAME)
        yield files

    monkeypatch.setattr("os.scandir", handed_over)
    assert [entry.name for entry in outbox.entries("mail")] == ["1f" * 16]


def test_foreign_files_hold_up_nothing(outbox: Outbox) -> None:
    outbox.put(credential())
    (outbox.folder / "mail" / "notes.json").write_text("{}")
    (outbox.folder / "mail" / f".{NAME}.aa").write_text("half")
    (outbox.folder / "mail" / f"{'ee' * 16}.json").write_text("half")
    assert list(outbox.waiting()) == [credential()]


def test_a_message_opens_under_its_own_name_and_vault_alone(tmp_path: Path, outbox: Outbox) -> None:
    outbox.put(credential())
    (path,) = (outbox.folder / "mail").iterdir()
    path.rename(path.with_name(f"{'ee' * 16}.json"))
    assert list(outbox.waiting()) == []
    outbox.put(credential())
    vaults.create(tmp_path / "other")
    assert list(Outbox(outbox.folder, vaults.load(tmp_path / "other")).waiting()) == []


def test_a_newer_message_is_not_taken_for_the_older(outbox: Outbox) -> None:
    outbox.put(credential(to="old@example.org"))
    (older,) = outbox.entries("mail")
    outbox.put(credential())
    assert not outbox.done(older)
    outbox.note(older, "550", due=9, refused=True)
    (newer,) = outbox.entries("mail")
    assert (newer.tries, newer.refused, newer.problem) == (0, False, "")
    assert list(outbox.waiting()) == [credential()]


def test_what_became_of_attempts_is_kept(tmp_path: Path, outbox: Outbox, vault: Vault) -> None:
    outbox.put(credential())
    (entry,) = outbox.entries("mail")
    outbox.note(entry, "451 4.3.0", due=1060)
    (entry,) = Outbox(outbox.folder, vault).entries("mail")
    assert (entry.since, entry.tries, entry.due, entry.problem, entry.refused) == (1000, 1, 1060, "451 4.3.0", False)
    outbox.note(entry, "550", due=1060, refused=True)
    (entry,) = outbox.entries("mail")
    outbox.again(entry)
    (entry,) = outbox.entries("mail")
    assert (entry.tries, entry.due, entry.refused) == (2, 1000, False)


def test_what_no_act_stands_for_goes(outbox: Outbox) -> None:
    for name, to in ((NAME, "a@example.org"), ("ee" * 16, "b@example.org")):
        outbox.put(credential(name, to))
    assert outbox.keep_only(lambda message: message.to.startswith("b")) == 1
    assert [message.to for message in outbox.waiting()] == ["b@example.org"]


def test_nothing_of_it_shows(outbox: Outbox) -> None:
    outbox.put(credential())
    (entry,) = outbox.entries("mail")
    for shown in (repr(credential()), repr(entry)):
        assert "ana" not in shown
        assert CREDENTIAL not in shown
        assert json.dumps(entry.sealed) not in shown


def test_names_are_digests() -> None:
    assert name_of("a", "b") == name_of("a", "b") != name_of("ab", "")
    assert len(name_of("a")) == 32

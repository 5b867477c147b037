"""What the registry writes: each change once, to the right address, and no credential that does not count."""

import json
import time
import uuid
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import certificates
import pytest
from applying import Applicant
from click.testing import CliRunner
from mail_server import MailServer
from served import RegistryUnderTest, listening, roll_file, roll_line, token_of
from simulator import ELECTION, Simulator

from registry.commands import registry as command
from registry.roles import add_holder
from registry.store import RegistryStore
from vemre.crypto.credential import Credential
from vemre.errors import StoreError
from vemre.service.delivery import Message

ROLL = roll_file(roll_line(1), roll_line(2))
OBSERVE = {"fields": ["email", "names"], "note": "Corrija su correo.\nY el nombre."}


def wait_for(folder: Path, count: int) -> list[EmailMessage]:
    """The mails in a folder, once there are so many."""
    deadline = time.monotonic() + 30
    while len(found := sorted(folder.glob("*.eml"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(found) == count
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def posting(sim: Simulator, tmp_path: Path) -> Iterator[RegistryUnderTest]:
    """A registry that writes its mails into a folder."""
    with RegistryUnderTest(sim, tmp_path, mail_folder=tmp_path / "mails").running() as running:
        yield running


def test_credentials_go_out_by_themselves(posting: RegistryUnderTest, tmp_path: Path) -> None:
    posting.import_roll(ROLL)
    assert posting.official("credentials").json()["issued"] == 2
    mails = wait_for(tmp_path / "mails", 2)
    assert {mail["To"] for mail in mails} == {"persona1@example.org", "persona2@example.org"}
    assert all(mail["Subject"].startswith("Su credencial para votar por Internet / ") for mail in mails)
    shown = {line.strip() for mail in mails for line in text_of(mail).splitlines() if line.startswith("    ")}
    published = {Credential.parse(one).signing_key(ELECTION).public for one in shown}
    assert published == {voter.credential for voter in posting.store().enrolled()}
    assert list(posting.outbox().waiting()) == []


def test_reissue_takes_the_place_of_what_waits(registry: RegistryUnderTest) -> None:
    registry.import_roll(ROLL)
    registry.official("credentials")
    before = registry.credential_for("persona1@example.org")
    order = {"folio": "F-0001", "request": str(uuid.uuid4())}
    assert registry.official("reissue", order).status_code == 200
    after = registry.credential_for("persona1@example.org")
    assert after != before
    registry.official("reissue", order)
    assert registry.credential_for("persona1@example.org") == after
    assert registry.official("roll").status_code == 200
    assert registry.official("reissue", {**order, "request": str(uuid.uuid4())}).json()["record"]["new"] is True
    (current,) = (voter.credential for voter in registry.store().enrolled() if voter.email == "persona1@example.org")
    last = Credential.parse(registry.credential_for("persona1@example.org"))
    assert last.signing_key(ELECTION).public == current


def test_reissue_with_an_unknown_end_keeps_both_until_it_is_known(
    registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.import_roll(ROLL)
    registry.official("credentials")
    before = registry.credential_for("persona1@example.org")
    reissue = RegistryStore.reissue

    def lost(store: RegistryStore, *given: Any) -> None:
        reissue(store, *given)
        if len(given) < 4:
            # Outside of the transaction: it is committed by now.
            raise StoreError("the answer to the commit was lost")

    with monkeypatch.context() as patched:
        patched.setattr(RegistryStore, "reissue", lost)
        assert registry.official("reissue", {"folio": "F-0001", "request": str(uuid.uuid4())}).status_code == 503
    found = [m.values["credential"] for m in registry.outbox().waiting() if m.to == "persona1@example.org"]
    assert len(found) == 2
    with registry.running():
        (left,) = [m.values["credential"] for m in registry.outbox().waiting() if m.to == "persona1@example.org"]
    assert left != before


def test_what_a_broken_act_left_never_goes_out(posting: RegistryUnderTest, tmp_path: Path) -> None:
    stray = Credential.generate(lambda count: b"\1" * count)
    values = {"credential": stray.shown(), "public": "ab" * 32, "election": "E"}
    posting.outbox().put(Message("0f" * 16, "mail", "stray@example.org", "credential", values))
    applied = {"application": "7", "commitment": "cd" * 32, "folio": "S-1"}
    posting.outbox().put(Message("1f" * 16, "mail", "stray@example.org", "application-accepted", applied))
    posting.import_roll(ROLL)
    posting.official("credentials")
    assert {mail["To"] for mail in wait_for(tmp_path / "mails", 2)} == {"persona1@example.org", "persona2@example.org"}
    assert len(list(posting.outbox().waiting())) == 2
    with posting.running():
        assert list(posting.outbox().waiting()) == []
    assert len(list((tmp_path / "mails").iterdir())) == 2


def test_every_change_of_an_application_is_told(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    letters = registry.letters("application-received")
    assert letters["solicitante1@example.org"].values["code"] == one.code
    one.reviewed("observe", OBSERVE)
    told = registry.letters("application-observed")["solicitante1@example.org"].values
    assert (told["folio"], told["note"]) == (one.folio, OBSERVE["note"])
    assert (told["fields_es"], told["fields_en"]) == ("correo electrónico, nombre", "e-mail address, names")
    one.send("correction", {"email": "otra@example.org"})
    one.reviewed("refuse", {"reason": "identity", "note": "No coincide."})
    refused = registry.letters("application-refused")["otra@example.org"].values
    assert refused["reason_es"].startswith("Los datos no corresponden")
    assert refused["reason_en"].startswith("The data is not")
    one.send("appeal", {"text": "Sí soy yo."})
    one.reviewed("accept")
    for template in ("application-appealed", "application-accepted"):
        assert registry.letters(template)["otra@example.org"].values["folio"] == one.folio
    before = registry.outbox().count()
    one.reviewed("accept")
    registry.client.post("/solicitudes", json=one.form)
    assert registry.outbox().count() == before == 5


def test_an_act_that_is_refused_writes_nothing(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    one.reviewed("accept")
    assert one.send("appeal", {"text": "x"}).status_code == 409
    assert registry.client.post("/solicitudes", json={**one.form, "city": "Otra"}).status_code == 409
    assert sorted(m.template for m in registry.outbox().waiting()) == ["application-accepted", "application-received"]


def test_credentials_that_an_older_version_left_in_clear_are_sealed(sim: Simulator, tmp_path: Path) -> None:
    registry = RegistryUnderTest(sim, tmp_path)
    with registry.running():
        registry.import_roll(ROLL)
        registry.official("credentials")
        shown = {to: message.values["credential"] for to, message in registry.letters("credential").items()}
        names = [message.name for message in registry.outbox().waiting()]
        for name in names:
            registry.outbox().remove(name)
    for number, (to, secret) in enumerate(shown.items()):
        content = {"name": f"{number:032x}", "to": to, "subject": "s", "text": f"t {secret}", "secret": secret}
        (registry.data / "outbox" / f"{number:032x}.json").write_text(json.dumps(content))
    with registry.running():
        assert {to: registry.credential_for(to) for to in shown} == shown
    assert not list((registry.data / "outbox").glob("*.json"))


# --- what officials see ---------------------------------------------------------------------------------------------


def test_officials_see_what_was_refused_and_send_it_again(sim: Simulator, tmp_path: Path) -> None:
    issued = certificates.issue(tmp_path / "tls")
    server = MailServer(issued, answers={"persona2@example.org": "550 5.1.1 <persona2@example.org>: no such user"})
    with server.running():
        registry = RegistryUnderTest(
            sim, tmp_path, smtp_host="127.0.0.1", smtp_port=server.port, smtp_ca_file=issued.authority
        )
        with registry.running(), listening(registry.station.app) as url:
            registry.import_roll(ROLL)
            registry.official("credentials")
            headers = token_of(registry.data)

            def look(**asked: str) -> Any:
                return registry.client.get("/official/deliveries", params=asked, headers=headers).json()

            deadline = time.monotonic() + 30
            while [group["state"] for group in look()["groups"]] != ["refused"]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert server.recipients == ["persona1@example.org"]
            before = registry.store().accesses()
            found = look(refused="true")
            assert (found["waiting"], found["served"]) == (1, ["mail"])
            ((group,), (delivery,)) = found["groups"], found["deliveries"]
            assert (group["template"], group["problem"], group["count"]) == ("credential", "550 5.1.1", 1)
            assert (delivery["to"], delivery["next"], delivery["tries"]) == (None, None, 1)
            assert registry.store().accesses() == before
            assert look(refused="true", addresses="true")["deliveries"][0]["to"] == "persona2@example.org"
            assert registry.store().accesses() == [*before, ("deliveries", 1)]

            del server.answers["persona2@example.org"]
            where = ("--url", url, "--token-file", str(registry.data / "official.token"))
            shown = run("deliveries", "--refused", *where)
            assert "550 5.1.1" in shown
            assert "persona2" not in shown
            assert "persona2@example.org" in run("deliveries", "--refused", "--addresses", *where, "--json")
            assert json.loads(run("resend", delivery["name"], *where, "--json").splitlines()[-1]) == {"resent": 1}
            while look()["waiting"]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert json.loads(run("resend", "--all-refused", *where, "--json").splitlines()[-1]) == {"resent": 0}
    assert server.recipients == ["persona1@example.org", "persona2@example.org"]


def run(*words: str) -> str:
    result = CliRunner().invoke(command, words, prog_name="registry")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_deliveries_are_for_officials(registry: RegistryUnderTest) -> None:
    path = add_holder(registry.data, "party", "party")
    for headers in ({}, {"Authorization": f"Bearer {path.read_text().strip()}"}):
        assert registry.client.get("/official/deliveries", headers=headers).status_code == 401
        assert registry.client.post("/official/deliveries/resend", json={}, headers=headers).status_code == 401


def test_many_are_listed_in_pages(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(*(roll_line(number) for number in range(1, 8))))
    registry.official("credentials")
    seen: list[str] = []
    after = ""
    while True:
        asked = {"after": after, "limit": "3"}
        page = registry.client.get("/official/deliveries", params=asked, headers=token_of(registry.data)).json()
        seen += [one["name"] for one in page["deliveries"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(message.name for message in registry.outbox().waiting())


@pytest.mark.parametrize("query", ["after=../x", "limit=501", "limit=-1", "refused=maybe"])
def test_nonsense_is_refused(registry: RegistryUnderTest, query: str) -> None:
    answer = registry.client.get(f"/official/deliveries?{query}", headers=token_of(registry.data))
    assert answer.status_code == 422
    body: dict[str, Any]
    for body in ({"names": ["../x"]}, {"names": ["0" * 32] * 501}, {"all_refused": "yes"}, {"other": 1}):
        answer = registry.client.post("/official/deliveries/resend", json=body, headers=token_of(registry.data))
        assert answer.status_code == 422

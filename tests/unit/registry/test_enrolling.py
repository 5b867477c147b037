"""Applications over HTTP: from their arrival to the freeze."""

import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from applying import Applicant, form
from served import RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator

from registry.roles import add_holder
from vemre.records.enrolment import Opening
from vemre.records.setup_bodies import Enrolment

OBSERVE = {"fields": ["email", "names"], "note": "Corrija su correo."}
REFUSE = {"reason": "identity", "note": "No coincide."}


def holder(registry: RegistryUnderTest, role: Any, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {add_holder(registry.data, role, name).read_text().strip()}"}


def official_get(registry: RegistryUnderTest, path: str) -> Any:
    return registry.client.get(f"/official/{path}", headers=token_of(registry.data))


def test_whole_way_onto_the_roll(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    assert one.look()["state"] == "received"
    assert one.look()["data"]["phone"] == "+13126660001"
    assert one.reviewed("observe", OBSERVE).json()["state"] == "observed"
    assert (one.look()["observed"], one.look()["told"]) == (["email", "names"], "Corrija su correo.")
    assert one.send("correction", {"email": "otra@example.org"}).json()["state"] == "corrected"
    assert one.reviewed("accept").json()["state"] == "accepted"
    assert registry.official("credentials").json() == {"issued": 1, "waiting": 4}
    assert set(registry.letters("credential")) == {"otra@example.org"}
    assert registry.official("roll").status_code == 200
    (entry,) = registry.roster().json()["entries"]
    assert (entry["contact"], entry["phone"], entry["urn"]) == ("otra@example.org", "+13126660001", "urna-09")
    kinds = [record.body.kind for record in registry.entries() if isinstance(record.body, Enrolment)]
    assert kinds == ["received", "observed", "corrected", "accepted"]


def test_acts_that_are_repeated_change_nothing(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    again = registry.client.post("/solicitudes", json=one.form)
    assert (again.status_code, again.json()["code"], again.json()["id"]) == (200, one.code, one.id)
    other = registry.client.post("/solicitudes", json={**one.form, "city": "Otra"})
    assert other.json()["code"] == "request-used"
    for act, body in (("observe", OBSERVE), ("refuse", REFUSE)):
        assert one.reviewed(act, body).json() == one.reviewed(act, body).json()
    for _ in range(2):
        assert one.send("appeal", {"text": "Sí soy yo."}).json()["state"] == "appealed"
    for _ in range(2):
        assert one.reviewed("accept").json()["state"] == "accepted"
    assert [found["kind"] for found in one.commitments()] == ["received", "observed", "refused", "appealed", "accepted"]


def test_impossible_acts_are_refused(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    assert one.send("correction", {"email": "x@example.org"}).json()["code"] == "act-not-possible"
    assert one.send("appeal", {"text": "?"}).json()["code"] == "act-not-possible"
    one.reviewed("observe", OBSERVE)
    assert one.send("correction", {"city": "Otra"}).json()["code"] == "field-not-observed"
    wrong = one.send("correction", {"email": "secreto-sin-arroba"})
    assert (wrong.status_code, wrong.json()["fields"][0]["field"]) == (422, "email")
    assert "secreto" not in wrong.text
    assert one.reviewed("accept").json()["code"] == "act-not-possible"
    one.reviewed("refuse", REFUSE)
    assert one.send("modality", {"modality": "post"}).json()["code"] == "act-not-possible"
    one.send("appeal", {"text": "x"})
    one.reviewed("refuse", {**REFUSE, "reason": "other"})
    assert one.send("appeal", {"text": "y"}).json()["code"] == "appealed-already"
    assert one.look()["may_appeal"] is False


def test_one_person_one_application(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    one = Applicant(registry, 1)
    twins = {
        "clave_de_elector": one.form["clave_de_elector"],
        "email": "SOLICITANTE1@example.org",
        "phone": "+1 (312) 666-0001",
    }
    told = set()
    for name, value in twins.items():
        answer = registry.client.post("/solicitudes", json=form(2, **{name: value}))
        assert answer.json()["code"] == "application-conflict", name
        told.add(answer.text.replace(answer.json()["request_id"], ""))
    # Strangers do not learn which value is taken.
    assert len(told) == 1
    taken = registry.client.post("/solicitudes", json=form(2, email="Persona1@example.org"))
    assert taken.json()["code"] == "application-conflict"
    lines = registry.import_roll(roll_file(roll_line(3, email="Solicitante1@example.org"))).json()["lines"]
    assert [(line["column"], line["code"]) for line in lines] == [("email", "registered")]
    one.reviewed("refuse", REFUSE)
    second = Applicant(registry, 1)
    assert one.send("appeal", {"text": "x"}).json()["code"] == "application-conflict"
    assert second.reviewed("accept").status_code == 200
    assert registry.client.post("/solicitudes", json=form(1)).json()["code"] == "application-conflict"


def test_same_person_many_times_at_once(registry: RegistryUnderTest) -> None:
    start = Barrier(6)

    def apply(_: int) -> Any:
        start.wait()
        return registry.client.post("/solicitudes", json=form(1))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(apply, range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


def test_two_officials_at_once_accept_one_voter(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    start = Barrier(4)

    def review(number: int) -> Any:
        start.wait()
        return one.reviewed("accept") if number % 2 else one.reviewed("refuse", REFUSE)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(review, range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
    voters = official_get(registry, "enrolment").json()["voters"]
    assert voters == ({"internet": 1} if one.look()["state"] == "accepted" else {})


def test_answers_to_wrong_codes_are_the_same(registry: RegistryUnderTest) -> None:
    one, other = Applicant(registry, 1), Applicant(registry, 2)
    answers = [
        registry.client.get(f"/solicitudes/{name}", headers={"Authorization": f"Bearer {code}"})
        for name, code in (
            (one.id, other.code),
            (secrets.token_hex(16), one.code),
            (one.id, "AAAA-AAAA-AAAA-AAAA-AAAA"),
            (one.id, "~" * 300),
        )
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(body == bodies[0] for body in bodies)
    lenient = {"Authorization": f"Bearer {one.code.lower().replace('-', '')}"}
    assert registry.client.get("/solicitudes", headers=lenient).json()["id"] == one.id


def test_nothing_changes_after_the_freeze(registry: RegistryUnderTest) -> None:
    one, two = Applicant(registry, 1), Applicant(registry, 2)
    one.reviewed("accept")
    registry.official("credentials")
    assert registry.official("roll").json()["code"] == "applications-undecided"
    assert registry.official("freeze", {"undecided": 0}).json()["code"] == "applications-undecided"
    frozen = registry.official("freeze", {"undecided": 1}).json()
    registry.clock.now += 60
    assert registry.official("freeze", {"undecided": 1}).json() == frozen
    for answer in (
        registry.client.post("/solicitudes", json=form(3)),
        one.send("modality", {"modality": "post"}),
        two.reviewed("accept"),
        two.reviewed("observe", OBSERVE),
        two.reviewed("refuse", REFUSE),
        registry.official("modality", {"folio": one.folio, "modality": "post"}),
        registry.import_roll(roll_file(roll_line(9))),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "enrolment-frozen")
    assert registry.official("roll").status_code == 200
    kinds = [record.type for record in registry.entries()]
    assert kinds == ["enrolment"] * 3 + ["roll"]


def test_modality_changes_until_the_freeze(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    one = Applicant(registry, 1)
    one.reviewed("accept")
    registry.official("credentials")
    assert one.send("modality", {"modality": "post"}).json()["data"]["modality"] == "post"
    assert registry.official("modality", {"folio": "F-0001", "modality": "in-person"}).status_code == 204
    assert registry.official("modality", {"folio": "F-0009", "modality": "post"}).json()["code"] == "not-enrolled"
    assert official_get(registry, "enrolment").json()["voters"] == {"post": 1, "in-person": 1}
    assert registry.official("roll").json()["code"] == "roll-empty"
    one.send("modality", {"modality": "internet"})
    # The credential that waited before is of no use any more: one waits, and two letters about the application.
    assert registry.official("credentials").json() == {"issued": 1, "waiting": 3}
    assert registry.official("roll").status_code == 200
    assert len(registry.roster().json()["entries"]) == 1


def test_registration_window(sim: Simulator, tmp_path: Path) -> None:
    registry = RegistryUnderTest(sim, tmp_path, registration_closes="2020-01-01T00:00:00Z")
    with registry.running():
        assert registry.client.post("/solicitudes", json=form(1)).json()["code"] == "registration-closed"


def test_commitments_open_and_reveal_nothing(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    one.reviewed("accept")
    for found in one.commitments():
        opening = Opening(
            bytes.fromhex(found["opening"]["salt"]),
            found["opening"]["change"],
            found["opening"]["entry"].encode(),
            found["opening"]["receipt"].encode(),
        )
        record = opening.record()
        assert registry.entries()[found["index"]].entry == record.entry
        assert opening.change["folio"] == one.folio
    assert one.commitments()[1]["opening"]["change"]["data"]["email"] == one.form["email"]
    log = b"".join(record.entry for record in registry.entries())
    assert one.folio.encode() not in log
    salts = {found["opening"]["salt"] for found in one.commitments()}
    assert len(salts) == 2
    other = Applicant(registry, 2)
    denied = registry.client.get(f"/solicitudes/{one.id}/commitments", headers=other.headers)
    assert denied.status_code == 401


def test_parties_see_what_the_law_allows_and_observe(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1), roll_line(2, "17", country="CA")))
    party, rival = holder(registry, "party", "azul"), holder(registry, "party", "verde")
    answer = registry.client.get("/partidos/nominal?order=country", headers=party)
    assert answer.status_code == 200
    assert answer.text.splitlines()[0] == "folio,names,country,entity,district,modality"
    for hidden in ("persona1", "+1312", "XXXXXX"):
        assert hidden not in answer.text
    note = {"folio": "F-0001", "text": "Esta persona vive en México.", "request": secrets.token_hex(16)}
    first, again = (registry.client.post("/partidos/observaciones", json=note, headers=party) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    unknown = registry.client.post("/partidos/observaciones", json={**note, "folio": "F-0009"}, headers=party)
    assert unknown.json()["code"] == "not-enrolled"
    number = first.json()["number"]
    assert registry.official(f"observations/{number}/answer", {"text": "Se revisó."}).json()["answer"] == "Se revisó."
    own = registry.client.get("/partidos/observaciones", headers=party).json()["observations"]
    assert [(found["party"], found["answer"]) for found in own] == [("party/azul", "Se revisó.")]
    assert registry.client.get("/partidos/observaciones", headers=rival).json()["observations"] == []
    assert registry.official("observations/99/answer", {"text": "x"}).json()["code"] == "observation-unknown"
    for path in ("/official/solicitudes", "/official/nominal?order=country", "/official/roster"):
        assert registry.client.get(path, headers=party).status_code == 401
    assert registry.client.get("/partidos/nominal?order=entity", headers=token_of(registry.data)).status_code == 401


def test_two_orders(registry: RegistryUnderTest) -> None:
    people = [("Ñandú", "09", "10", "US"), ("Nuño", "09", "10", "CA"), ("Álvarez", "09", "10", "US")]
    people += [("Zeta", "09", "9", "US"), ("Beta", "01", "1", "US")]
    lines = [
        roll_line(number, entity, names=names, district=district, country=country)
        for number, (names, entity, district, country) in enumerate(people, 1)
    ]
    registry.import_roll(roll_file(*[line.replace(",01,1,", ",17,1,") for line in lines]))
    names = {
        order: [line.split(",")[2] for line in official_get(registry, f"nominal?order={order}").text.splitlines()[1:]]
        for order in ("country", "entity")
    }
    assert names == {
        "country": ["Nuño", "Zeta", "Álvarez", "Ñandú", "Beta"],
        "entity": ["Zeta", "Álvarez", "Nuño", "Ñandú", "Beta"],
    }
    assert official_get(registry, "nominal?order=names").status_code == 422


def test_accesses_say_who(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    maria = holder(registry, "official", "maria")
    registry.client.get(f"/official/solicitudes/{one.id}", headers=maria)
    one.reviewed("accept")
    registry.client.get("/partidos/nominal?order=entity", headers=holder(registry, "party", "azul"))
    found = [
        (row["act"], row["who"], row["subject"], row["voters"])
        for row in official_get(registry, "accesses").json()["accesses"]
    ]
    assert found == [
        ("review", "official/maria", "application/1", 1),
        ("accept", "official", "application/1", 1),
        ("nominal-entity", "party/azul", "", 1),
    ]
    (registry.data / "officials" / "maria.sha256").unlink()
    assert registry.client.get(f"/official/solicitudes/{one.id}", headers=maria).status_code == 401


def test_lists_go_on_where_they_ended(registry: RegistryUnderTest) -> None:
    ids = [Applicant(registry, number).id for number in range(1, 6)]
    found, after = [], 0
    while after is not None:
        page = official_get(registry, f"solicitudes?state=received&after={after}&limit=2").json()
        found += [one["id"] for one in page["applications"]]
        after = page["next"]
    assert found == ids
    assert official_get(registry, "solicitudes?state=refused").json()["applications"] == []


def test_personal_data_is_in_no_log_and_no_file(
    registry: RegistryUnderTest, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one = Applicant(registry, 1)
    one.reviewed("observe", {"fields": ["city"], "note": "Nota plantada"})
    one.send("correction", {"city": "Villa Plantada"})
    one.reviewed("accept")
    registry.import_roll(roll_file(roll_line(2)))
    note = {"folio": "F-0002", "text": "Dicho plantado", "request": secrets.token_hex(16)}
    registry.client.post("/partidos/observaciones", json=note, headers=holder(registry, "party", "azul"))
    planted = ["Plantad", "plantad", "solicitante1", "persona2", "XXXXXX", "Inventada", "666", one.folio, "F-0002"]
    planted += [one.code, one.code.replace("-", ""), one.form["request"]]
    output = capsys.readouterr()
    logged = output.out + output.err + caplog.text
    assert "personal-data-used" in logged
    files = list(registry.data.glob("service.sqlite3*"))
    assert files
    for word in planted:
        if word != "666":
            assert word not in logged, word
        for path in files:
            if word != "666":
                assert word.encode() not in path.read_bytes(), (word, path.name)
    for path in files:
        assert b"+1312666" not in path.read_bytes()

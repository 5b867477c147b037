"""The officials' pages about letters that do not go out, and about codes of voters who came with an imported roll."""

import pytest
from applying import Applicant
from served import RegistryUnderTest, roll_file, roll_line, token_of
from visiting import Visitor, codes, holder

from vemre.crypto import crockford


def accesses(registry: RegistryUnderTest) -> list[tuple[str, str]]:
    found = registry.client.get("/official/accesses?limit=500", headers=token_of(registry.data)).json()["accesses"]
    return [(row["act"], row["subject"]) for row in found]


def test_letters_that_failed(registry: RegistryUnderTest) -> None:
    Applicant(registry, 1)
    maria = holder(registry, "official", "maria")
    page = maria.get("/personal/entregas")
    assert "Solicitud recibida por enviar 1" in page.text
    assert "no tiene un servidor de correo" in page.text
    assert "No se pudieron entregar" not in page.text
    outbox = registry.outbox()
    (entry,) = outbox.entries("mail")
    outbox.note(entry, "550", due=0, refused=True)
    page = maria.get("/personal/entregas")
    assert "Solicitud recibida rechazado 1" in page.text
    assert "550" in page.text
    assert "solicitante1@example.org" not in page.html
    assert ("deliveries", "") not in accesses(registry)
    assert "solicitante1@example.org" in maria.get("/personal/entregas?direcciones=si").text
    assert ("deliveries", "") in accesses(registry)
    assert "se intentarán de nuevo" in maria.fill("/personal/entregas", {}).text
    assert not any(entry.refused for entry in outbox.entries("mail"))


def test_code_of_an_imported_voter(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    one = Applicant(registry, 1)
    one.reviewed("accept")
    maria = holder(registry, "official", "maria")
    page = maria.fill("/personal/claves", {"folio": "f-0001"})
    code = codes(registry)["F-0001"]
    assert code in page.text
    assert ("enrolment-code", "voter/1") in accesses(registry)
    assert registry.official("enrolment-code", {"folio": "F-0001"}).json() == {"code": code}
    assert "Su inscripción" in Visitor(registry).fill("/registro/entrar", {"code": code}).text
    for folio, status, refusal, text in (
        (one.folio, 409, "has-application", "hizo su propia solicitud"),
        ("F-0009", 404, "not-enrolled", "Nadie de la lista nominal"),
    ):
        assert text in maria.fill("/personal/claves", {"folio": folio}).text
        answer = registry.official("enrolment-code", {"folio": folio})
        assert (answer.status_code, answer.json()["code"]) == (status, refusal)


@pytest.mark.parametrize("number", [0, 2, 3, 1 << 24])
def test_codes_of_others_cannot_be_made(registry: RegistryUnderTest, number: int) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    code = codes(registry)["F-0001"]
    # The proof of one voter with the number of another, of nobody, or of one who applied.
    proof = crockford.decode(code.replace("-", "")) & ((1 << 75) - 1)
    forged = crockford.encode(number << 75 | proof, 20)
    answer = registry.client.get("/inscripcion", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401

"""The applicants' pages over HTTP: from the first page to the state of the own application."""

import json
import re
from pathlib import Path

import pytest
from applying import form
from served import RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator
from visiting import Page, Visitor, applied, codes, holder

from audit.receipts.enrolment import check_enrolment
from registry import fields as rules
from registry.pages.sessions import IDLE_SECONDS, LONGEST_SECONDS
from vemre import messages


def fields(number: int, **changes: str) -> dict[str, str]:
    found = form(number, **changes)
    del found["request"]
    return found


def code_on(page: Page) -> str:
    """The code that the confirmation shows."""
    return page.html.partition("<dt>Clave de seguimiento</dt><dd>")[2].partition("<")[0]


def test_whole_way(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    assert "Iniciar mi solicitud" in visitor.get("/").text
    check = visitor.fill("/registro/solicitud", fields(1))
    assert check.status == 200
    assert "Estados Unidos" in check.text
    assert "Ciudad de México" in check.text
    sent = visitor.fill("/registro/revision", {})
    assert "Recibimos su solicitud" in sent.text
    code = code_on(sent)
    assert len(code) == 24
    own = visitor.get("/registro/mi-solicitud")
    assert "Recibida" in own.text
    assert "asiento 0 de la bitácora" in own.text
    assert code not in own.html
    bearer = {"Authorization": f"Bearer {code}"}
    assert registry.client.get("/solicitudes", headers=bearer).json()["data"]["phone"] == "+13126660001"
    other = Visitor(registry)
    assert "Recibida" in other.fill("/registro/entrar", {"code": f" {code.lower().replace('-', ' ')}"}).text


def test_nothing_secret_and_nobody_stands_in_an_address(registry: RegistryUnderTest) -> None:
    visitor, sent = applied(registry, 1)
    official = holder(registry, "official", "maria")
    addresses = []
    for one, start in ((visitor, "/registro/mi-solicitud"), (official, "/personal")):
        page = one.get(start)
        addresses += [attrs["href"] or "" for _, attrs in page.tags if "href" in attrs] + list(page.forms)
    secrets = [
        code_on(sent),
        code_on(sent).replace("-", ""),
        "solicitante1",
        "XXXXXX",
        "666",
        "S-",
        *visitor.cookies.values(),
    ]
    assert addresses
    for address in addresses:
        assert not any(secret in address for secret in secrets), address


def test_wrong_fields_come_back_with_what_is_wrong(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    page = visitor.fill("/registro/solicitud", fields(1, cic="12", email="sin-arroba", country="", city="Mi <b>pueblo"))
    assert page.status == 422
    assert page.html.count('class="problem"') == 3
    assert "Escriba los 9 dígitos del CIC" in page.text
    kept = page.forms["/registro/solicitud"]
    assert (kept["cic"], kept["email"], kept["city"]) == ("12", "sin-arroba", "Mi <b>pueblo")
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = {attrs["href"] for tag, attrs in page.tags if tag == "a" and (attrs["href"] or "").startswith("#")}
    assert links == {"#main", "#cic", "#email", "#country"}
    assert {str(link)[1:] for link in links} <= ids
    assert page.html.index("<title>Error:") < page.html.index('role="alert"')
    # The address of what was wrong is where the next attempt goes.
    again = visitor.post("/registro/solicitud", {**kept, **fields(1)})
    assert (again.status_code, again.headers["location"]) == (303, "/registro/revision")


def test_every_problem_of_a_field_has_its_words() -> None:
    source = Path(rules.__file__).read_text(encoding="utf-8")
    codes = {code for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source) if code not in rules.MODALITIES}
    assert len(codes) > 15
    for code in codes - {"folio-form"} | {"entity-unknown"}:
        assert messages.text(f"page-error-{code}", "es")


def test_sending_twice_gives_one_application_and_one_code(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    check = visitor.fill("/registro/solicitud", fields(1))
    before = dict(visitor.cookies)
    codes = []
    for _ in range(2):
        # As a browser does whose first answer was lost.
        visitor.cookies = dict(before)
        answer = visitor.post("/registro/revision", check.forms["/registro/revision"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/registro/enviada")
        codes.append(code_on(visitor.get("/registro/enviada")))
    assert codes[0] == codes[1]
    assert (
        registry.client.get("/official/enrolment", headers=token_of(registry.data)).json()["applications"]["received"]
        == 1
    )


def test_same_form_with_other_data_is_told_apart(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    first = visitor.get("/registro/solicitud")
    before = dict(visitor.cookies)
    applied_form = first.forms["/registro/solicitud"]
    for number, wanted in ((1, "Recibimos su solicitud"), (2, "Ese identificador")):
        visitor.cookies = dict(before)
        visitor.post("/registro/solicitud", {**applied_form, **fields(number)})
        page = visitor.fill("/registro/revision", {})
        assert wanted.split()[0] in page.text
        assert page.status == (200 if number == 1 else 409)


def test_data_of_another_application_is_refused_without_saying_which(registry: RegistryUnderTest) -> None:
    applied(registry, 1)
    visitor = Visitor(registry)
    visitor.fill("/registro/solicitud", fields(2, email="SOLICITANTE1@example.org"))
    page = visitor.fill("/registro/revision", {})
    assert page.status == 409
    assert "No pudimos tomar la solicitud" in page.text
    # And what was filled in is still there.
    assert visitor.get("/registro/solicitud").forms["/registro/solicitud"]["city"] == "Ciudad Plantada"


def test_correction(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    assert visitor.get("/registro/correccion").status == 200
    official = holder(registry, "official", "maria")
    name = next(path for path in addresses(official.get("/personal")) if "/solicitudes/" in path)
    told = official.fill(f"{name}/observar", {"fields": ["email", "city"], "text": "Corrija\r\nsu correo."})
    assert "la decisión quedó asentada" in told.text
    page = visitor.get("/registro/mi-solicitud")
    assert "Corrija su correo." in page.text
    assert "Correo electrónico" in page.text
    assert set(visitor.get("/registro/correccion").forms["/registro/correccion"]) == {"token", "email", "city"}
    wrong = visitor.fill("/registro/correccion", {"email": "x", "city": "Otra"})
    assert (wrong.status, wrong.forms["/registro/correccion"]["city"]) == (422, "Otra")
    form_ = visitor.get("/registro/correccion").forms["/registro/correccion"]
    sent = {**form_, "email": "otra@example.org"}
    assert visitor.post("/registro/correccion", {**sent, "names": "Otra Persona"}).status_code == 400
    for _ in range(2):
        assert visitor.post("/registro/correccion", sent).status_code == 303
    assert "Corregida" in visitor.get("/registro/mi-solicitud").text
    assert "otra@example.org" in visitor.get("/registro/mi-solicitud").text


def addresses(page: Page) -> list[str]:
    return [attrs["href"] or "" for tag, attrs in page.tags if tag == "a"]


def test_refusal_and_appeal(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    official = holder(registry, "official", "maria")
    name = next(path for path in addresses(official.get("/personal")) if "/solicitudes/" in path)
    official.fill(f"{name}/rechazar", {"reason": "identity", "text": "No coincide."})
    page = visitor.get("/registro/mi-solicitud")
    assert "No procedió" in page.text
    assert "No coincide." in page.text
    assert "Los datos no corresponden" in page.text
    assert visitor.fill("/registro/inconformidad", {"text": "   "}).status == 422
    assert "En revisión por inconformidad" in visitor.fill("/registro/inconformidad", {"text": "Sí soy yo."}).text
    assert "Sí soy yo." in official.get(name).text
    official.fill(f"{name}/rechazar", {"reason": "other", "text": "Se revisó de nuevo."})
    after = visitor.get("/registro/mi-solicitud")
    assert "Tribunal Electoral" in after.text
    assert "/registro/inconformidad" not in addresses(after)


def test_modality_until_the_freeze(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    assert visitor.fill("/registro/modalidad", {"modality": "paloma"}).status == 422
    assert "Por correo postal" in visitor.fill("/registro/modalidad", {"modality": "post"}).text
    registry.official("freeze", {"undecided": 1})
    after = visitor.fill("/registro/modalidad", {"modality": "internet"})
    assert after.status == 409
    assert "La lista nominal está cerrada" in after.text
    own = visitor.get("/registro/mi-solicitud")
    assert "/registro/modalidad" not in addresses(own)
    assert "La lista nominal está cerrada" in Visitor(registry).get("/registro/solicitud").text


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"registration_closes": "2020-01-01T00:00:00Z"}, "El periodo de registro terminó"),
        ({"registration_opens": "2120-01-01T00:00:00Z"}, "El registro aún no abre"),
    ],
)
def test_outside_the_registration_period(sim: Simulator, tmp_path: Path, setting: dict[str, str], text: str) -> None:
    registry = RegistryUnderTest(sim, tmp_path, **setting)
    with registry.running():
        visitor = Visitor(registry)
        assert text in visitor.get("/").text
        page = visitor.get("/registro/solicitud")
        assert text in page.text
        assert "/registro/solicitud" not in page.forms


def test_proofs_are_valid(registry: RegistryUnderTest, sim: Simulator) -> None:
    visitor, _ = applied(registry, 1)
    page = visitor.get("/registro/comprobantes")
    (file,) = [path for path in addresses(page) if path.startswith("/registro/comprobantes/")]
    answer = visitor.ask("GET", file)
    assert answer.headers["content-disposition"] == 'attachment; filename="comprobante-0.json"'
    report = check_enrolment(answer.content, registry.station.anchors)
    assert report.change["data"]["email"] == "solicitante1@example.org"
    assert visitor.get("/registro/comprobantes/1").status == 404
    assert "Consulte su solicitud" in Visitor(registry).get(file).text


def test_imported_voter_sees_the_own_entry_and_its_proof(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1), roll_line(2)))
    code = codes(registry)["F-0002"]
    bearer = {"Authorization": f"Bearer {code}"}
    answer = registry.client.get("/inscripcion", headers=bearer).json()
    assert (answer["folio"], answer["data"]["email"]) == ("F-0002", "persona2@example.org")
    assert [one["kind"] for one in answer["commitments"]] == ["imported"]
    assert registry.client.get("/solicitudes", headers=bearer).status_code == 401
    visitor = Visitor(registry)
    page = visitor.fill("/registro/entrar", {"code": code})
    assert "Su inscripción" in page.text
    assert "persona2@example.org" in page.text
    opening = json.loads(visitor.ask("GET", "/registro/comprobantes/0").content)
    assert opening["change"]["folio"] == "F-0002"
    assert check_enrolment(json.dumps(opening).encode(), registry.station.anchors).change["kind"] == "imported"
    for path in ("/registro/correccion", "/registro/inconformidad", "/registro/modalidad"):
        assert visitor.get(path).status == 404
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    assert Visitor(registry).fill("/registro/entrar", {"code": wrong}).status == 422


@pytest.mark.parametrize(
    "code", ["", "x", "AAAA-AAAA-AAAA-AAAA-AAAA", "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ", "~" * 65, "\u202e" * 20]
)
def test_wrong_codes_get_one_answer_and_are_not_kept(registry: RegistryUnderTest, code: str) -> None:
    page = Visitor(registry).fill("/registro/entrar", {"code": code})
    assert page.status == 422
    assert "Esa clave no abre ninguna solicitud" in page.text
    assert page.forms["/registro/entrar"]["code"] == ""


def test_session_ends(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    registry.clock.now += IDLE_SECONDS - 1
    assert "Su solicitud" in visitor.get("/registro/mi-solicitud").text
    registry.clock.now += IDLE_SECONDS - 1
    assert "Su solicitud" in visitor.get("/registro/mi-solicitud").text
    registry.clock.now += IDLE_SECONDS
    assert "su sesión terminó" in visitor.get("/registro/mi-solicitud").text
    visitor, _ = applied(registry, 2)
    for _ in range(LONGEST_SECONDS // (IDLE_SECONDS - 1) + 1):
        registry.clock.now += IDLE_SECONDS - 1
        visitor.get("/registro/mi-solicitud")
    assert "su sesión terminó" in visitor.get("/registro/mi-solicitud").text


def test_signing_out_ends_the_session_for_good(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    kept = dict(visitor.cookies)
    page = visitor.get("/registro/mi-solicitud")
    visitor.post("/registro/salir", page.forms["/registro/salir"])
    assert "__Host-registro" not in visitor.cookies
    visitor.cookies = kept
    assert "Consulte su solicitud" in visitor.get("/registro/mi-solicitud").text


def test_language_is_kept(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    assert '<html lang="es">' in visitor.get("/").html
    assert '<html lang="en">' in visitor.get("/?lang=en").html
    assert '<html lang="en">' in visitor.get("/registro/solicitud").html
    assert '<html lang="en">' in visitor.get("/?lang=fr").html
    assert '<html lang="es">' in visitor.get("/?lang=es").html
    english = visitor.get("/registro/solicitud?lang=en")
    assert "United States" in english.text
    assert '/registro/solicitud?lang=es"' in english.html

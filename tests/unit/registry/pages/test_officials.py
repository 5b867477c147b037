"""The officials' and the parties' pages over HTTP."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from applying import Applicant, form
from served import RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator
from visiting import Page, Visitor, holder

from registry.pages import lists, review


def links(page: Page, part: str = "/") -> list[str]:
    return [attrs["href"] or "" for tag, attrs in page.tags if tag == "a" and part in (attrs["href"] or "")]


def accesses(registry: RegistryUnderTest) -> list[tuple[str, str, str]]:
    found = registry.client.get("/official/accesses?limit=500", headers=token_of(registry.data)).json()["accesses"]
    return [(row["act"], row["who"], row["subject"]) for row in found]


def test_review_notes_who_looked_and_decided(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    maria = holder(registry, "official", "maria")
    queue = maria.get("/personal")
    assert one.folio in queue.text
    (place,) = links(queue, "/solicitudes/")
    page = maria.get(place)
    assert "Solicitante Inventada" in page.text
    assert "XXXXXX80022909M501" in page.text
    assert links(page, place + "/") == [f"{place}/{act}" for act in ("aceptar", "observar", "rechazar")]
    done = maria.fill(f"{place}/aceptar", {})
    assert "Aceptada" in done.text
    assert "la decisión quedó asentada" in done.text
    assert one.look()["state"] == "accepted"
    assert accesses(registry) == [
        # Signing in leads to the list.
        ("list-applications", "official/maria", ""),
        ("list-applications", "official/maria", ""),
        ("review", "official/maria", "application/1"),
        ("review", "official/maria", "application/1"),
        ("accept", "official/maria", "application/1"),
        ("review", "official/maria", "application/1"),
    ]
    log = maria.get("/personal/accesos")
    assert "Aceptar una solicitud" in log.text
    assert "maria (personal)" in log.text


def test_decisions_are_safe_to_repeat_and_wrong_ones_are_explained(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    maria = holder(registry, "official", "maria")
    place = f"/personal/solicitudes/{one.id}"
    assert maria.fill(f"{place}/rechazar", {"text": "x"}).status == 422
    empty = maria.fill(f"{place}/observar", {"text": ""})
    assert (empty.status, empty.html.count('class="problem"')) == (422, 2)
    form = maria.get(f"{place}/rechazar").forms[f"{place}/rechazar"]
    for _ in range(2):
        assert maria.post(f"{place}/rechazar", {**form, "reason": "other", "text": "No."}).status_code == 303
    late = maria.post(f"{place}/observar", {"token": form["token"], "fields": ["city"], "text": "x"})
    assert late.status_code == 409
    assert "Eso no es posible ahora" in Page(late).text
    # A page about an act that is not possible leads back.
    assert maria.ask("GET", f"{place}/aceptar").headers["location"] == place
    assert maria.get(f"/personal/solicitudes/{secrets.token_hex(16)}").status == 404


def test_queue_has_pages(registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "PAGE", 2)
    folios = [Applicant(registry, number).folio for number in range(1, 6)]
    maria = holder(registry, "official", "maria")
    page, found = maria.get("/personal?estado=received"), []
    for _ in range(5):
        found += [folio for folio in folios if folio in page.text]
        further = [link for link in links(page, "desde=") if "lang=" not in link]
        if not further:
            break
        page = maria.get(further[-1])
    assert found == folios
    assert "No hay solicitudes en este estado" in maria.get("/personal?estado=refused").text
    assert maria.get("/personal?estado=otro").status == 422


def test_freezing_needs_the_right_number_and_a_confirmation(registry: RegistryUnderTest) -> None:
    Applicant(registry, 1)
    maria = holder(registry, "official", "maria")
    page = maria.get("/personal/cierre")
    assert "No se puede deshacer" in page.text
    for fields, problems in (
        ({"undecided": "1"}, 1),
        ({"undecided": "uno", "sure": "yes"}, 1),
        ({}, 2),
        ({"undecided": "0", "sure": "yes"}, 1),
        ({"undecided": "٣", "sure": "yes"}, 1),
    ):
        wrong = maria.fill("/personal/cierre", fields)
        assert (wrong.status, wrong.html.count('class="problem"')) == (422, problems), fields
    assert registry.client.get("/official/enrolment", headers=token_of(registry.data)).json()["frozen"] is None
    done = maria.fill("/personal/cierre", {"undecided": "1", "sure": "yes"})
    assert "La lista nominal quedó cerrada" in done.text
    assert "/personal/cierre" not in maria.get("/personal/cierre").forms


def test_totals_and_modality(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1), roll_line(2, modality="post")))
    maria = holder(registry, "official", "maria")
    assert "Por Internet 1" in maria.get("/personal/resumen").text
    for folio, modality, text in (
        ("f-0001", "in-person", "la modalidad quedó guardada"),
        ("F-0009", "post", "Nadie de la lista nominal tiene ese folio"),
        ("<b>", "post", "Escriba el folio"),
        ("F-0001", "", "Elija cómo quiere votar"),
    ):
        assert text in maria.fill("/personal/modalidad", {"folio": folio, "modality": modality}).text
    totals = maria.get("/personal/resumen").text
    assert "En persona, en una sede consular 1" in totals
    assert "Cambió la modalidad 1" in totals


def test_parties_see_the_roll_in_its_orders_and_nothing_else(
    registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    people = [("Ñandú", "US"), ("Nuño", "US"), ("Álvarez", "US"), ("Zeta", "CA")]
    registry.import_roll(
        roll_file(*[roll_line(n, "09", names=name, country=country) for n, (name, country) in enumerate(people, 1)])
    )
    azul = holder(registry, "party", "azul")
    assert "Hay 4 personas en la lista" in azul.get("/representaciones/lista").text
    page = azul.get("/representaciones/lista/country")
    assert "Estados Unidos 3" in page.text
    page = azul.get("/representaciones/lista/country/US/09")
    assert "Distrito 7 3" in page.text
    first, second = (azul.get(f"/representaciones/lista/country/US/09/7?pagina={number}") for number in (1, 2))
    names = [name for page in (first, second) for name in ("Álvarez", "Nuño", "Ñandú") if name in page.text]
    assert names == ["Álvarez", "Nuño", "Ñandú"]
    assert "Zeta" in azul.get("/representaciones/lista/entity/09/7?pagina=2").text
    csv = azul.ask("GET", "/representaciones/lista/entity.csv")
    assert csv.text.splitlines()[0] == "folio,names,country,entity,district,modality"
    for shown in (first.html, second.html, csv.text):
        for hidden in ("@example.org", "+1312", "XXXXXX"):
            assert hidden not in shown
    assert ("nominal-country", "party/azul", "") in accesses(registry)
    maria = holder(registry, "official", "maria")
    assert "XXXXXX80022909M004" in maria.get("/personal/lista/country/CA/09/7").text
    for path in ("lista/names", "lista/country/US/09/7/8", "lista/country/XX", "lista/entity/09/7?pagina=9"):
        assert azul.get(f"/representaciones/{path}").status in (404, 422), path


def test_observations_and_answers(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    azul, verde, maria = (
        holder(registry, "party", "azul"),
        holder(registry, "party", "verde"),
        holder(registry, "official", "maria"),
    )
    new = "/representaciones/observaciones/nueva"
    form = {**azul.get(new).forms[new], "folio": "f-0001", "text": "Esta persona vive en México."}
    for _ in range(2):
        assert azul.post(new, form).status_code == 303
    assert azul.get("/representaciones/observaciones").html.count('class="card"') == 1
    assert azul.fill(new, {"folio": "F-0009", "text": ""}).html.count('class="problem"') == 1
    assert "Nadie de la lista" in azul.fill(new, {"folio": "F-0009", "text": "x"}).text
    asked = maria.get("/personal/observaciones")
    assert "Folio F-0001" in asked.text
    assert "azul" in asked.text
    assert "Se revisó." in maria.fill("/personal/observaciones/1", {"text": "Se revisó."}).text
    assert "Se revisó." in azul.get("/representaciones/observaciones").text
    assert "Esta persona" not in verde.get("/representaciones/observaciones").text
    assert maria.get("/personal/observaciones/9").status == 404


def test_everybody_stays_on_the_own_side(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    azul, maria, nobody = holder(registry, "party", "azul"), holder(registry, "official", "maria"), Visitor(registry)
    for_officials = [f"/personal{path}" for path in ("", "/resumen", "/lista", "/observaciones", "/accesos", "/cierre")]
    for_officials += [f"/personal/solicitudes/{one.id}", "/personal/lista/country.csv"]
    for_parties = [f"/representaciones{path}" for path in ("", "/lista", "/observaciones", "/lista/entity.csv")]
    for visitor, closed, place in (
        (azul, for_officials, "/personal/entrar"),
        (nobody, for_officials, "/personal/entrar"),
        (maria, for_parties, "/representaciones/entrar"),
        (maria, ["/registro/mi-solicitud", "/registro/comprobantes/0"], "/registro/entrar"),
    ):
        for path in closed:
            answer = visitor.ask("GET", path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].partition("?")[0] == place
    token = maria.get("/personal/cierre").forms["/personal/cierre"]["token"]
    post = azul.post(f"/personal/solicitudes/{one.id}/aceptar", {"token": token})
    assert post.headers["location"].partition("?")[0] == "/personal/entrar"
    assert one.look()["state"] == "received"


def test_token_that_is_taken_away_ends_its_session_at_once(registry: RegistryUnderTest) -> None:
    maria, juan = holder(registry, "official", "maria"), holder(registry, "official", "juan")
    (registry.data / "officials" / "maria.sha256").unlink()
    assert "Acceso del personal" in maria.get("/personal").text
    assert "Solicitudes" in juan.get("/personal").text
    (registry.data / "officials" / "juan.sha256").write_text(secrets.token_bytes(32).hex())
    assert "Acceso del personal" in juan.get("/personal").text


@pytest.mark.parametrize("key", ["", "x", "\U0001f5f3" * 40, "a" * 2000])
def test_wrong_keys(registry: RegistryUnderTest, key: str) -> None:
    visitor = Visitor(registry)
    page = visitor.fill("/personal/entrar", {"key": key})
    assert page.status == 422
    assert "Esa llave de acceso no es válida" in page.text
    assert not key or key not in page.html.replace("x", "" if key == "x" else "x")
    assert "Acceso del personal" in visitor.get("/personal").text


def test_official_token_of_init_signs_in_too(registry: RegistryUnderTest) -> None:
    token = token_of(registry.data)["Authorization"].removeprefix("Bearer ")
    visitor = Visitor(registry)
    assert "Sesión de: official" in visitor.fill("/personal/entrar", {"key": token}).text
    page = visitor.get("/personal")
    visitor.post("/personal/salir", page.forms["/personal/salir"])
    assert "Acceso del personal" in visitor.get("/personal").text


def test_sessions_survive_a_restart_and_are_sealed(sim: Simulator, tmp_path: Path) -> None:
    registry = RegistryUnderTest(sim, tmp_path)
    with registry.running():
        maria: Any = holder(registry, "official", "maria")
        one = Visitor(registry)
        fields = form(1)
        del fields["request"]
        one.fill("/registro/solicitud", fields)
        for path in registry.data.glob("service.sqlite3*"):
            data = path.read_bytes()
            for word in ("Plantada", "solicitante1", "XXXXXX", *maria.cookies.values(), *one.cookies.values()):
                assert word.encode() not in data, word
    with registry.running():
        assert "Solicitudes" in maria.get("/personal").text
        assert "Ciudad Plantada" in one.get("/registro/revision").text

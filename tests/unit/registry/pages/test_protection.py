"""Forms of other sites, fixed sessions, headers, errors as pages, and input that nobody should send."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from applying import Applicant, form
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import RegistryUnderTest, roll_file, roll_line
from simulator import Simulator
from visiting import ORIGIN, Page, Visitor, applied, holder

from registry.pages.forms import TOKEN

PUBLIC = ("/", "/registro/solicitud", "/registro/entrar", "/personal/entrar", "/representaciones/entrar", "/nada")
OFFICIAL = ("", "/resumen", "/lista", "/lista/country", "/observaciones", "/modalidad", "/cierre", "/accesos")


def check_headers(page: Page) -> None:
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src" not in policy
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for tag, attrs in page.tags:
        assert tag not in ("script", "style", "iframe", "object"), page.html
        assert not any(name == "style" or name.startswith("on") for name in attrs), (tag, attrs)
        for name in ("href", "src", "action"):
            assert not (attrs.get(name) or "/").startswith(("http", "//", "javascript", "data")), attrs


def test_headers_of_every_page(registry: RegistryUnderTest) -> None:
    visitor, _ = applied(registry, 1)
    maria, azul = holder(registry, "official", "maria"), holder(registry, "party", "azul")
    for path in PUBLIC:
        check_headers(Visitor(registry).get(path))
    for path in ("/registro/enviada", "/registro/mi-solicitud", "/registro/comprobantes", "/registro/modalidad"):
        check_headers(visitor.get(path))
    for path in OFFICIAL:
        check_headers(maria.get(f"/personal{path}"))
    for path in ("", "/lista", "/observaciones", "/observaciones/nueva"):
        check_headers(azul.get(f"/representaciones{path}"))


def test_cookies_are_for_this_host_alone(registry: RegistryUnderTest) -> None:
    for path in ("/registro/solicitud", "/?lang=en"):
        for line in Visitor(registry).ask("GET", path).headers.get_list("set-cookie"):
            assert line.startswith("__Host-")
            parts = {part.strip().lower() for part in line.split(";")}
            assert {"secure", "httponly", "samesite=strict", "path=/"} <= parts
            assert not any(part.startswith("domain") for part in parts)


def test_form_of_another_site_does_nothing(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    maria, eve = holder(registry, "official", "maria"), holder(registry, "official", "eve")
    place = f"/personal/solicitudes/{one.id}/aceptar"
    others = eve.get(place).forms[place][TOKEN]
    anonymous = Visitor(registry).get("/registro/entrar").forms["/registro/entrar"][TOKEN]
    for fields in ({}, {TOKEN: ""}, {TOKEN: others}, {TOKEN: anonymous}, {TOKEN: "\xe9"}):
        answer = maria.post(place, fields)
        assert answer.status_code == 403, fields
        assert "El formulario ya no es válido" in Page(answer).text
    assert one.look()["state"] == "received"
    for path, fields in (
        ("/registro/solicitud", {**form(2), TOKEN: others}),
        ("/registro/entrar", {"code": one.code, TOKEN: others}),
        ("/registro/salir", {TOKEN: others}),
    ):
        assert Visitor(registry).post(path, fields).status_code == 403


def test_planted_cookie_opens_nothing(registry: RegistryUnderTest) -> None:
    one = Applicant(registry, 1)
    planted = Visitor(registry).ask("GET", "/registro/entrar").cookies["__Host-formulario"]
    victim, eve = Visitor(registry), Visitor(registry)
    victim.cookies = {"__Host-registro": planted, "__Host-formulario": planted}
    eve.cookies = dict(victim.cookies)
    assert "Recibida" in victim.fill("/registro/entrar", {"code": one.code}).text
    assert victim.cookies["__Host-registro"] != planted
    assert "Consulte su solicitud" in eve.get("/registro/mi-solicitud").text
    fields = form(2)
    del fields["request"]
    drafting = Visitor(registry)
    drafting.cookies = dict(eve.cookies)
    drafting.fill("/registro/solicitud", fields)
    assert "Ciudad Plantada" not in eve.get("/registro/solicitud").html


@pytest.mark.parametrize("path", ["/nada", "/official/solicitudes", "/solicitudes", "/registro/salir", "/log/tile/9"])
def test_errors_are_pages_for_browsers_and_documents_for_programs(registry: RegistryUnderTest, path: str) -> None:
    page = Visitor(registry).get(path)
    assert page.status >= 400
    check_headers(page)
    plain = registry.client.get(path)
    assert plain.headers["content-type"] == "application/problem+json"
    assert plain.status_code == page.status
    assert plain.json()["es"]["title"] in page.text
    english = Visitor(registry, "en").get(path)
    assert plain.json()["en"]["next"].split("`")[0] in english.text


def test_fault_ends_as_a_page_without_its_text(registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:

    def fail(*_: Any) -> None:
        raise RuntimeError("texto-plantado")

    monkeypatch.setattr("registry.store.RegistryStore.counts", fail)
    page = holder(registry, "official", "maria").get("/personal/resumen")
    assert page.status == 500
    assert "Falla del servicio" in page.text
    assert "texto-plantado" not in page.html
    assert "Traceback" not in page.html


def test_texts_with_markup_are_shown_as_they_were_written(registry: RegistryUnderTest) -> None:
    registry.import_roll(roll_file(roll_line(1)))
    visitor, _ = applied(registry, 2, city="<script>alert(1)</script>", address="\"'><img src=x onerror=alert(1)>")
    maria, azul = holder(registry, "official", "maria"), holder(registry, "party", "azul")
    new = "/representaciones/observaciones/nueva"
    azul.fill(new, {"folio": "F-0001", "text": "{{ 7*7 }}<svg onload=alert(1)>"})
    pages = [
        visitor.get("/registro/mi-solicitud"),
        maria.get("/personal/observaciones"),
        azul.get("/representaciones/observaciones"),
    ]
    for page in pages:
        check_headers(page)
    assert "&lt;script&gt;alert(1)" in pages[0].html
    assert "{{ 7*7 }}&lt;svg" in pages[1].html


# --- junk -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Visitor]]:
    with RegistryUnderTest(Simulator().reach("keys"), tmp_path_factory.mktemp("pages")).running() as registry:
        registry.import_roll(roll_file(roll_line(1)))
        one, _ = applied(registry, 1)
        yield {
            "nobody": Visitor(registry),
            "applicant": one,
            "official": holder(registry, "official", "maria"),
            "party": holder(registry, "party", "azul"),
        }


WILD = st.text(max_size=60) | st.sampled_from(
    ["\u202e", "\x00", "a\r\nSet-Cookie: x=1", "%", "{{7*7}}", "'", '"><script>', "-1", "9" * 30, "internet", "S-1"]
)
FORMS = {
    "nobody": ["/registro/entrar", "/personal/entrar", "/registro/solicitud"],
    "applicant": ["/registro/modalidad"],
    "official": ["/personal/modalidad", "/personal/cierre"],
    "party": ["/representaciones/observaciones/nueva"],
}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_field_is_answered_in_plain_words(running: dict[str, Visitor], data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(sorted(FORMS)))
    path = data.draw(st.sampled_from(FORMS[who]))
    visitor = running[who]
    page = visitor.get(path)
    names = {attrs["name"] for _, attrs in page.tags if attrs.get("name") and attrs["name"] not in ("viewport", TOKEN)}
    fields = {str(name): data.draw(WILD) for name in sorted(map(str, names))}
    if "sure" in fields:
        fields["sure"] = "no"
    answer = visitor.post(path, {**fields, TOKEN: page.forms[path][TOKEN]})
    assert answer.status_code in (303, 400, 409, 422), answer.text
    if answer.status_code != 303:
        told = Page(answer)
        check_headers(told)
        assert "<h1" in told.html


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=80)
    | st.dictionaries(WILD, WILD, max_size=5).map(lambda d: urlencode(d, errors="replace").encode()),
    path=st.sampled_from([path for paths in FORMS.values() for path in paths]),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""]),
    cookie=st.sampled_from(["", "__Host-registro=x", "__Host-registro=" + "a" * 43, "__Host-idioma=xx", "=", ";;"]),
)
def test_any_body_is_answered(running: dict[str, Visitor], body: bytes, path: str, kind: str, cookie: str) -> None:
    client = running["nobody"].registry.client
    client.cookies.clear()
    headers = {"Accept": "text/html", "Content-Type": kind, "Cookie": cookie}
    answer = client.post(ORIGIN + path, content=body, headers=headers, follow_redirects=False)
    assert answer.status_code in (303, 400, 403, 415), answer.text
    if answer.status_code != 303:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_too_large_form(registry: RegistryUnderTest) -> None:
    visitor = Visitor(registry)
    token = visitor.get("/registro/entrar").forms["/registro/entrar"][TOKEN]
    page = Page(visitor.post("/registro/entrar", {TOKEN: token, "code": "a" * 40_000}))
    assert page.status == 413
    check_headers(page)


@pytest.mark.parametrize(
    "query", ["estado=%00", "desde=-1", "desde=x", "desde=99999999999999999999", "estado=received&estado=x", "lang=%ff"]
)
def test_junk_in_queries(registry: RegistryUnderTest, query: str) -> None:
    page = holder(registry, "official", "maria").get(f"/personal?{query}")
    assert page.status in (200, 422)
    check_headers(page)


def test_link_of_another_site_does_not_end_the_session(registry: RegistryUnderTest) -> None:
    maria = holder(registry, "official", "maria")
    kept = maria.cookies.pop("__Host-registro")
    # SameSite=Strict: the session's cookie stays at home, the answer's cookies are taken.
    assert "Acceso del personal" in maria.get("/personal").text
    assert "__Host-registro" not in maria.cookies
    maria.cookies["__Host-registro"] = kept
    assert "Solicitudes" in maria.get("/personal").text
    assert maria.fill("/personal/modalidad", {"folio": "F-1", "modality": "post"}).status == 422

"""Every page in a real browser: nothing for axe to find, nothing wider than the window, and all of it by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from applying import Applicant, form
from browser import DESKTOP, PHONE, axe, overflow, showing
from served import RegistryUnderTest, listening, roll_file, roll_line
from simulator import Simulator
from visiting import codes

from registry.roles import add_holder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
NARROW = (320, 640)
"""Also what is left of a window of 1,280 pixels that is enlarged four times."""


@dataclass
class Scene:
    """A registry with something on every page."""

    url: str
    keys: dict[str, str]
    people: dict[str, Applicant]
    imported: str


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("browser")
    with (
        RegistryUnderTest(Simulator().reach("keys"), folder).running() as registry,
        listening(registry.station.app) as url,
    ):
        registry.import_roll(roll_file(*[roll_line(n, country=("US", "CA")[n % 2]) for n in range(1, 4)]))
        states = ("received", "observed", "refused", "accepted", "appealed", "spare")
        people = {state: Applicant(registry, number) for number, state in enumerate(states, 1)}
        people["observed"].reviewed("observe", {"fields": ["email", "country"], "note": "Corrija\nsu correo."})
        people["accepted"].reviewed("accept")
        for state in ("refused", "appealed"):
            people[state].reviewed("refuse", {"reason": "identity", "note": "No coincide."})
        people["appealed"].send("appeal", {"text": "Sí soy yo."})
        (entry, *_) = registry.outbox().entries("mail")
        registry.outbox().note(entry, "550", due=0, refused=True)
        keys = {role: add_holder(registry.data, role, "prueba").read_text().strip() for role in ("official", "party")}
        yield Scene(url, keys, people, codes(registry)["F-0001"])


def send(page: Page) -> None:
    """Press the button of a form, and wait for where it leads."""
    with page.expect_navigation():
        page.click("main form button")


def enter(page: Page, place: str, field: str, value: str) -> None:
    page.goto(place)
    page.fill(f"#{field}", value)
    send(page)


def fill_in(page: Page, number: int) -> None:
    """Fill in an application."""
    fields = form(number)
    for name in ("country", "entity"):
        page.select_option(f"#{name}", fields[name])
    for name in ("clave_de_elector", "cic", "names", "city", "address", "district", "email", "phone"):
        page.fill(f"#{name}", fields[name])
    page.check("#modality-internet")


def each_page(page: Page, scene: Scene, number: int) -> Iterator[str]:
    """Show one page after another, with errors where a page can have some. `number` is of who applies."""
    for path in ("/", "/registro/solicitud", "/registro/entrar", "/personal/entrar", "/representaciones/entrar"):
        page.goto(path)
        yield path
        if "/registro/salir" not in page.content() and page.locator("main form button").count():
            send(page)
            yield f"{path} with errors"
    page.goto("/registro/solicitud")
    fill_in(page, number)
    send(page)
    yield "check"
    send(page)
    yield "sent"
    page.goto("/registro/comprobantes")
    yield "proofs"
    for state, path in (("observed", "/correccion"), ("refused", "/inconformidad"), ("received", "/modalidad")):
        enter(page, "/registro/entrar", "code", scene.people[state].code)
        yield f"own, {state}"
        page.goto(f"/registro{path}")
        yield path
        if path == "/inconformidad":
            send(page)
            yield f"{path} with errors"
    for state in ("accepted", "appealed"):
        enter(page, "/registro/entrar", "code", scene.people[state].code)
        yield f"own, {state}"
    enter(page, "/registro/entrar", "code", scene.imported)
    yield "own entry"
    enter(page, "/personal/entrar", "key", scene.keys["official"])
    for path in (
        "", "?estado=corrected", "/resumen", "/lista", "/lista/country", "/lista/country/US", "/lista/entity/09/7",
        "/accesos", "/entregas", "/entregas?direcciones=si", "/observaciones",
    ):  # fmt: skip
        page.goto(f"/personal{path}")
        yield path
    for state in scene.people:
        page.goto(f"/personal/solicitudes/{scene.people[state].id}")
        yield f"application, {state}"
    one = f"/personal/solicitudes/{scene.people['spare'].id}"
    page.goto(f"{one}/aceptar")
    yield "accept"
    for path in (f"{one}/observar", f"{one}/rechazar", "/personal/modalidad", "/personal/claves", "/personal/cierre"):
        page.goto(path)
        yield path
        send(page)
        yield f"{path} with errors"
    enter(page, "/personal/claves", "folio", "F-0002")
    yield "a code"
    page.goto(f"/personal/solicitudes/{'0' * 32}")
    yield "not found"
    enter(page, "/representaciones/entrar", "key", scene.keys["party"])
    yield "party"
    new = "/representaciones/observaciones/nueva"
    enter(page, new, "folio", "F-0001")
    yield "observation with errors"
    page.fill("#text", "Vive en México.")
    send(page)
    yield "own observations"
    page.goto("/representaciones/lista/country/US/09/7")
    yield "people"
    enter(page, "/personal/entrar", "key", scene.keys["official"])
    for path in ("/observaciones", "/observaciones/1"):
        page.goto(f"/personal{path}")
        yield path


VIEWS = [
    ("es", DESKTOP, "light", 101),
    ("en", DESKTOP, "dark", 102),
    ("es", PHONE, "dark", 103),
    ("en", PHONE, "light", 104),
]


@pytest.mark.parametrize(("language", "size", "scheme", "number"), VIEWS)
def test_axe_finds_nothing(
    browser: Browser, scene: Scene, language: str, size: tuple[int, int], scheme: str, number: int
) -> None:
    # Answers that are none of success are told on the console too; here they are pages like the others.
    with showing(browser, size, errors=True, base_url=scene.url, color_scheme=scheme) as page:
        page.goto(f"/?lang={language}")
        seen = 0
        for name in each_page(page, scene, number):
            assert page.locator("html").get_attribute("lang") == language, name
            assert axe(page) == [], name
            assert overflow(page) <= 0, name
            assert page.locator("h1").count() == 1, name
            seen += 1
        assert seen > 45


@pytest.mark.parametrize("language", ["es", "en"])
def test_nothing_is_cut_off_at_320_pixels(browser: Browser, scene: Scene, language: str) -> None:
    with showing(browser, NARROW, errors=True, base_url=scene.url) as page:
        page.goto(f"/?lang={language}")
        for name in each_page(page, scene, 110 if language == "es" else 111):
            assert overflow(page) <= 0, name


def test_errors_are_read_first_and_lead_to_their_fields(browser: Browser, scene: Scene) -> None:
    with showing(browser, errors=True, base_url=scene.url) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.goto("/registro/solicitud")
        page.focus("main form button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        # What is wrong is read first, and leads to where it is.
        assert page.evaluate("document.activeElement.className") == "summary"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "clave_de_elector"
        assert page.evaluate("document.scripts.length") == 0


def test_every_control_shows_its_focus(browser: Browser, scene: Scene) -> None:
    with showing(browser, base_url=scene.url) as page:
        page.goto("/registro/solicitud")
        places = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(
                "(() => { const e = document.activeElement;"
                " const shown = e.type === 'radio' ? e.nextElementSibling : e; const s = getComputedStyle(shown);"
                " return [e.tagName, e.id || e.textContent, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
            )
            if found[0] == "BODY":
                break
            places.add(tuple(found[:2]))
            assert found[2] == "solid", found
            assert found[3] >= 2, found
        assert len(places) > 15


def test_printed_confirmation_has_folio_and_code(browser: Browser, scene: Scene) -> None:
    with showing(browser, errors=True, base_url=scene.url) as page:
        page.goto("/registro/solicitud")
        fill_in(page, 120)
        send(page)
        send(page)
        page.emulate_media(media="print")
        assert page.locator(".codes dd").count() == 2
        for number in range(2):
            assert page.locator(".codes dd").nth(number).is_visible()
        assert not page.locator("header .bar").is_visible()
        assert not page.locator("footer").is_visible()

"""The registry's pages: applicants, officials, representatives of parties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from applying import Applicant, form
from served import RegistryUnderTest, listening, roll_file, roll_line
from simulator import Simulator
from visiting import codes

from gallery.camera import Camera
from registry.roles import add_holder

if TYPE_CHECKING:
    from playwright.sync_api import Page

PEOPLE: Final = {
    "received": "Consuelo Inventada Pérez",
    "observed": "Rosario Inventada Núñez",
    "refused": "Amparo Inventada Ríos",
    "accepted": "Refugio Inventado Luna",
    "appealed": "Trinidad Inventada Soto",
    "spare": "Soledad Inventada Vega",
}
"""Applicants who do not exist, by the state that each comes to."""


@dataclass
class Scene:
    """A registry with something on every page."""

    url: str
    keys: dict[str, str]
    people: dict[str, Applicant]
    imported: str


def take(camera: Camera, folder: Path) -> None:
    """All of it."""
    folder.mkdir(parents=True)
    simulator = Simulator().reach("keys")
    with (
        RegistryUnderTest(simulator, folder, help_contact="800 433 2000").running() as registry,
        listening(registry.station.app) as url,
    ):
        scene = fill(registry, url)
        applicants(camera, scene)
        party(camera, scene)
        officials(camera, scene)


def fill(registry: RegistryUnderTest, url: str) -> Scene:
    """Voters, applicants in every state, letters that did not go out."""
    lines = [
        roll_line(
            n, entity=("09", "17")[n % 2], country=("US", "CA", "ES")[n % 3], names=f"Persona Inventada {chr(64 + n)}"
        )
        for n in range(1, 10)
    ]
    assert registry.import_roll(roll_file(*lines)).status_code == 200
    people = {
        state: Applicant(registry, number, names=name, city="Chicago", address=f"{number}85 W 19th St")
        for number, (state, name) in enumerate(PEOPLE.items(), 1)
    }
    note = "El correo no recibe mensajes.\nRevise también el país."
    people["observed"].reviewed("observe", {"fields": ["email", "country"], "note": note})
    people["accepted"].reviewed("accept")
    for state in ("refused", "appealed"):
        people[state].reviewed("refuse", {"reason": "identity", "note": "La fotografía no coincide."})
    people["appealed"].send("appeal", {"text": "Renové mi credencial; envío la nueva."})
    (entry, *_) = registry.outbox().entries("mail")
    registry.outbox().note(entry, "550", due=0, refused=True)
    names: dict[str, str] = {"official": "julia-robles", "party": "partido-inventado"}
    keys = {
        role: add_holder(registry.data, role, name).read_text().strip()  # type: ignore[arg-type]
        for role, name in names.items()
    }
    return Scene(url, keys, people, codes(registry)["F-0001"])


def send(page: Page) -> None:
    """Press the button of the form, and wait for where it leads."""
    with page.expect_navigation():
        page.click("main form button")


def enter(page: Page, place: str, field: str, value: str) -> None:
    """Fill in a form of one field."""
    page.goto(place)
    page.fill(f"#{field}", value)
    send(page)


def applicants(camera: Camera, scene: Scene) -> None:
    with camera.window(base_url=scene.url) as page:
        page.goto(f"/?lang={camera.language}")
        camera.take(page, "apply")
        page.goto("/registro/solicitud")
        camera.take(page, "apply-form")
        send(page)
        camera.take(page, "apply-form-wrong")
        page.goto("/registro/solicitud")
        fields = form(101, names="Guadalupe Inventada Mora", city="Los Ángeles", address="1201 S Figueroa St")
        for name in ("country", "entity"):
            page.select_option(f"#{name}", fields[name])
        for name in ("clave_de_elector", "cic", "names", "city", "address", "district", "email", "phone"):
            page.fill(f"#{name}", fields[name])
        page.check("#modality-internet")
        send(page)
        camera.take(page, "apply-check")
        send(page)
        camera.take(page, "apply-sent")
        page.goto("/registro/comprobantes")
        camera.take(page, "apply-proofs")
    with camera.window(base_url=scene.url) as page:
        page.goto(f"/?lang={camera.language}")
        page.goto("/registro/entrar")
        camera.take(page, "apply-enter")
        for state, path, name in (
            ("received", "/modalidad", "channel"), ("observed", "/correccion", "correct"),
            ("refused", "/inconformidad", "appeal"), ("accepted", "", ""), ("appealed", "", ""),
        ):  # fmt: skip
            enter(page, "/registro/entrar", "code", scene.people[state].code)
            camera.take(page, f"apply-{state}")
            if path:
                page.goto(f"/registro{path}")
                camera.take(page, f"apply-{name}")
        enter(page, "/registro/entrar", "code", scene.imported)
        camera.take(page, "apply-imported")


def party(camera: Camera, scene: Scene) -> None:
    with camera.window(base_url=scene.url) as page:
        page.goto(f"/?lang={camera.language}")
        page.goto("/representaciones/entrar")
        camera.take(page, "party-enter")
        enter(page, "/representaciones/entrar", "key", scene.keys["party"])
        camera.take(page, "party")
        page.goto("/representaciones/lista/country/US/09/7")
        camera.take(page, "party-people")
        page.goto("/representaciones/observaciones/nueva")
        page.fill("#folio", "F-0001")
        page.fill("#text", "Según vecinos, esta persona reside en México.")
        camera.take(page, "party-observe")
        send(page)
        camera.take(page, "party-observations")


def officials(camera: Camera, scene: Scene) -> None:
    one = f"/personal/solicitudes/{scene.people['spare'].id}"
    with camera.window(base_url=scene.url) as page:
        page.goto(f"/?lang={camera.language}")
        page.goto("/personal/entrar")
        camera.take(page, "office-enter")
        enter(page, "/personal/entrar", "key", scene.keys["official"])
        camera.take(page, "office-queue")
        for path, name in (
            (one, "application"), (f"{one}/aceptar", "accept"), (f"{one}/observar", "observe"),
            (f"{one}/rechazar", "refuse"), ("/personal/resumen", "totals"), ("/personal/lista", "orders"),
            ("/personal/lista/country", "country"), ("/personal/lista/entity/09/7", "people"),
            ("/personal/accesos", "accesses"), ("/personal/entregas", "letters"),
            ("/personal/observaciones", "observations"), ("/personal/observaciones/1", "answer"),
            ("/personal/modalidad", "channel"), ("/personal/cierre", "freeze"),
        ):  # fmt: skip
            page.goto(path)
            camera.take(page, f"office-{name}")
        enter(page, "/personal/claves", "folio", "F-0002")
        camera.take(page, "office-code")

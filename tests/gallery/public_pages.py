"""Results, a witness, the verifier and letters, as a demonstration leaves them."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Final

from served import listening

from audit.hooks.events import FindingEvent
from audit.witness.hub import EventHub
from audit.witness.status import LogStatus, WitnessStatus
from audit.witness.web import web_routes
from gallery.camera import Camera
from vemre.demo import pef2024, voters
from vemre.demo.children import Children
from vemre.demo.election import Demonstration
from vemre.demo.places import Places
from vemre.demo.stages import Stages
from vemre.service.app import make_app

if TYPE_CHECKING:
    from playwright.sync_api import Route

VOTERS: Final = 60
ENTITIES: Final = 2
MILLISECONDS: Final = 300_000
NOW: Final = 1_810_000_000


class Shown(Demonstration):
    """A demonstration whose pages are taken along the way."""

    camera: Camera

    def cast(self) -> None:
        self._results("none")
        super().cast()

    def certify(self) -> None:
        self._results("preliminary")
        super().certify()
        self._results("certified")

    def _results(self, state: str) -> None:
        with self.camera.window() as page:
            page.goto(f"{self.pages()['tally']}/results")
            self.camera.take(page, f"results-{state}")


def take(camera: Camera, folder: Path) -> None:
    """All of it."""
    witness_with_a_finding(camera, folder / "evidence")
    places = Places(folder / "demo")
    places.work.mkdir(parents=True, mode=0o700)
    electorate = voters.generate("gallery", VOTERS, pef2024.entities(ENTITIES))
    with Children(places.logs) as children:
        run = Shown(places, children, Stages(), electorate, ENTITIES)
        run.camera = camera
        try:
            run.run()
            with camera.window() as page:
                page.goto(f"{run.auditors.page(1)}/")
                page.wait_for_selector("#liveness[data-kind=good]")
                camera.take(page, "witness")
            for verdict in ("valid", "invalid"):
                verify(camera, run, verdict)
            letters(camera, places)
        finally:
            run.shut()


def verify(camera: Camera, run: Shown, verdict: str) -> None:
    """The verifier's page of a witness, over the witness's own copy of the record; one byte of it may be changed."""
    with camera.window() as page:
        page.goto(f"{run.auditors.page(1)}/")
        page.click("main a[href*=verif], nav a[href*=verif], a[href*=verif]")
        page.wait_for_selector("#policy", state="attached")
        if verdict == "valid":
            camera.take(page, "verifier")
        else:
            page.context.route("**/ballot/tile/entries/**", change)
        page.set_input_files("#policy", str(run.places.policy))
        page.click("#start")
        page.wait_for_selector("#verdict:not(:empty)", timeout=MILLISECONDS)
        if page.get_attribute("#verdict", "class") != verdict:
            raise ValueError(f"the verifier's page does not say {verdict}")
        camera.take(page, f"verifier-{verdict}", "#verdict")


def change(route: Route) -> None:
    """What a liar answers."""
    answer = route.fetch()
    data = bytearray(answer.body())
    data[100] ^= 1
    route.fulfill(response=answer, body=bytes(data))


def letters(camera: Camera, places: Places) -> None:
    """The mails to a voter, as a mail program shows them."""
    found: dict[str, str] = {}
    for service in ("registry", "ballot"):
        for path in places.mail(service).glob("*.eml"):  # type: ignore[arg-type]
            body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("html",))
            text = "" if body is None else body.get_content()
            kind = "credential" if service == "registry" else "access" if "/acceso#" in text else "received"
            found[kind] = text
    with camera.window() as page:
        for kind, text in found.items():
            page.set_content(text)
            camera.take(page, f"letter-{kind}", "body")


def witness_with_a_finding(camera: Camera, folder: Path) -> None:
    """A witness that has seen a ballot box sign two roots."""
    evidence = folder / "0001-checkpoint"
    (evidence / "record").mkdir(parents=True)
    (evidence / "evidence.json").write_text('{"format": "vemre-evidence-1"}\n')
    found = FindingEvent(
        number=1, check="CHECKPOINT", where="ballot/checkpoint", party="ballot-box",
        detail="two roots are signed for 120345 entries", provable=True, evidence=evidence.name, time=NOW - 60,
    )  # fmt: skip
    sizes = {"registry": 412, "ballot": 120_345, "tally": 17}
    logs = tuple(
        LogStatus(name, f"voto.example/{name}", size, size, size, NOW - 9, NOW - 75) for name, size in sizes.items()
    )
    name = "auditoria.example/testigo-1"
    keys = (f"{name}+5f1c2d3e+BEhAWk0bZ0J1",)

    def status() -> WitnessStatus:
        return WitnessStatus(name, keys, "verify", "auditor/1", "open", logs, (found,), NOW - 86_400, NOW, None)

    hub = EventHub("ab12", events=50)
    hub(found)
    app = make_app("witness", "Witness")
    app.include_router(web_routes(status, hub, folder, lambda: NOW))
    with listening(app) as url:
        with camera.window() as page:
            page.goto(f"{url}/")
            page.wait_for_selector("#liveness[data-kind=good]")
            camera.take(page, "witness-finding", "#findings")
            page.goto(f"{url}/evidence/{evidence.name}/")
            camera.take(page, "witness-evidence")
        # The server waits for streams that are still read.
        hub.close()

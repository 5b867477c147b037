"""A20: script in whatever people write to the registry, forms of foreign sites, framing. Nothing runs in an official's
browser, nothing leaves the origin, and what another site starts is done in nobody's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from applying import Applicant
from browser import showing
from served import RegistryUnderTest, listening, roll_file, roll_line
from simulator import Simulator

from registry.roles import add_holder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCRIPTS = (
    "<script>window.ran = 1</script>",
    "\"><img src=https://evil.example/x onerror='window.ran = 1'>",
    "' autofocus onfocus='window.ran = 1' x='",
    "</title></textarea></script><svg onload=window.ran=1>",
    "{{ cycler.__init__.__globals__ }}{% raw %}",
    "<base href=https://evil.example/><style>*{background:url(https://evil.example/y)}</style>",
)
WRITTEN = " ".join(SCRIPTS)[:1000]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[RegistryUnderTest, str]]:
    with (
        RegistryUnderTest(Simulator().reach("keys"), tmp_path).running() as running,
        listening(running.station.app) as url,
    ):
        yield running, url


@contextmanager
def foreign_site(html: str) -> Iterator[str]:
    """Another site with one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        # Another host name than that of the service: another site for the browser.
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def signed_in(page: Page, registry: RegistryUnderTest, role: Any, root: str, name: str = "maria") -> None:
    page.goto(f"{root}/entrar")
    page.fill("#key", add_holder(registry.data, role, name).read_text().strip())
    with page.expect_navigation():
        page.click("main form button")


def test_nothing_that_people_write_runs(browser: Browser, registry: tuple[RegistryUnderTest, str]) -> None:
    running, url = registry
    running.import_roll(roll_file(roll_line(1)))
    people = [Applicant(running, n, city=text, address=text) for n, text in enumerate(SCRIPTS, 1)]
    first, second = people[:2]
    first.reviewed("refuse", {"reason": "other", "note": WRITTEN})
    first.send("appeal", {"text": WRITTEN})
    second.reviewed("observe", {"fields": ["city"], "note": WRITTEN})
    with showing(browser, errors=True, base_url=url) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))

        def look(path: str) -> None:
            page.goto(path)
            assert page.evaluate("window.ran") is None, path
            assert page.evaluate("document.scripts.length") == 0, path
            assert page.evaluate("document.querySelectorAll('main img, main svg, main style, base').length") == 0, path

        signed_in(page, running, "party", "/representaciones", "azul")
        page.goto("/representaciones/observaciones/nueva")
        page.fill("#folio", "F-0001")
        page.fill("#text", WRITTEN)
        with page.expect_navigation():
            page.click("main form button")
        look("/representaciones/observaciones")
        signed_in(page, running, "official", "/personal")
        for one in people:
            look(f"/personal/solicitudes/{one.id}")
            assert one.form["address"].split()[0] in page.inner_text("main")
        look(f"/personal/solicitudes/{people[2].id}/observar")
        look("/personal/observaciones")
        look("/personal/observaciones/1")
        junk = "%22%3E%3Cscript%3Ewindow.ran=1%3C/script%3E"
        for path in (f"/?lang={junk}", f"/personal?estado={junk}", f"/{junk}"):
            look(path)
        page.goto("/registro/entrar")
        page.fill("#code", second.code)
        with page.expect_navigation():
            page.click("main form button")
        look("/registro/mi-solicitud")
        look("/registro/correccion")
        assert page.input_value("#city") == second.form["city"]
        assert asked
        assert all(address.startswith(f"{url}/") for address in asked)


def test_another_site_can_neither_frame_the_pages_nor_act_in_them(
    browser: Browser, registry: tuple[RegistryUnderTest, str]
) -> None:
    running, url = registry
    one = Applicant(running, 1)
    accept = f"{url}/personal/solicitudes/{one.id}/aceptar"
    page_of_eve = f"""<iframe src="{url}/personal"></iframe>
        <form method="post" action="{accept}"><input name="token" value="x"><button>x</button></form>"""
    with foreign_site(page_of_eve) as eve, showing(browser, errors=True, base_url=url) as page:
        signed_in(page, running, "official", "/personal")
        page.goto(eve)
        frame = page.frames[1]
        assert "Solicitudes" not in frame.content()
        with page.expect_navigation():
            page.click("button")
        # The browser kept the session's cookie to itself: nobody is signed in.
        assert "/personal/entrar" in page.url
        assert one.look()["state"] == "received"
        page.goto(f"/personal/solicitudes/{one.id}")
        assert "Recibida" in page.inner_text("main")

"""The page as it is served against the record: by witnesses from several places, and by anybody."""

import gzip
import hashlib
import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from served import BallotBoxUnderTest, listening, token_of
from simulator import GROUP, OPENS, Simulator
from starlette.types import Receive, Scope, Send

from audit.assets import commands, fetching, watch
from audit.assets.comparing import compare, parse_list
from audit.assets.fetching import Served, Vantage
from audit.assets.watch import Look, PageWatch, looks
from audit.hooks.events import Event, FindingEvent
from audit.witness import evidence_files
from audit.witness.engine import Watched, Witness
from audit.witness.evidence import NotProven, judge, parse_evidence
from audit.witness.main import page_record
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.metrics import Metrics
from vemre.service.sources import FolderSource

SCRIPT = "/assets/main-0123.js"
HONEST, EVIL = b"let honest = 1;\n", b"let evil = 1;\n"
ELSEWHERE = "127.0.0.2"
"""From where the proxy asks."""


@pytest.fixture(scope="module")
def sim() -> Simulator:
    return Simulator().reach("setup")


def write_build(folder: Path, script: bytes = HONEST) -> Path:
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_bytes(b"<!doctype html><title>x</title>" * 50)
    (folder / SCRIPT[1:]).write_bytes(script)
    return folder


class TwoFaced:
    """The box's application, but for what `lie` answers to a client at a path: (status, bytes) or None."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.lie: Callable[[str, str], tuple[int, bytes] | None] = lambda client, path: None
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, path = scope["client"][0], scope["path"]
        self.asked.append((client, path))
        lie = self.lie(client, path)
        if lie is None:
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": lie[0], "headers": [(b"location", b"http://192.0.2.1/")]})
        await send({"type": "http.response.body", "body": lie[1]})


class _Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        host, path = self.path.removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(host, source_address=(ELSEWHERE, 0), timeout=30)
        connection.request("GET", f"/{path}", headers={"Host": host, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in ("content-encoding", "location", "content-type"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        connection.close()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Scene:
    """A box behind real HTTP, and a witness that follows it and looks at its page."""

    def __init__(self, box: BallotBoxUnderTest, url: str, app: TwoFaced, folder: Path) -> None:
        self.box, self.url, self.app = box, url, app
        self.client = ServiceClient(url)
        sources = {name: FolderSource(box.record, name) for name in ("registry", "tally")}
        self.witness = Witness(
            folder,
            f"sqlite:///{folder / 'service.sqlite3'}",
            name="auditor/1",
            cosigner=box.sim.witnesses["auditor/1"],
            role="auditor/1",
            watched=Watched(Anchors(box.sim.policy), {**sources, "ballot": HttpSource(self.client)}),
            group=GROUP,
            random=os.urandom,
            clock=lambda: OPENS,
        )
        self.heard: list[Event] = []
        self.witness.listen(self.heard.append)
        self.metrics = Metrics()

    def watch(self, *looks: Look, interval: float = 60) -> PageWatch:
        record = lambda: self.witness.look(page_record)  # noqa: E731
        findings = self.witness.ground.findings
        return PageWatch(looks, record, self.witness.round, findings, self.metrics.registry, interval)

    def findings(self) -> list[FindingEvent]:
        return [event for event in self.heard if isinstance(event, FindingEvent)]

    def publish(self) -> None:
        answer = self.box.client.post("/official/page-assets", headers=token_of(self.box.data))
        assert answer.status_code == 201, answer.text


@contextmanager
def playing(box: BallotBoxUnderTest, folder: Path) -> Iterator[Scene]:
    with box.running():
        app = TwoFaced(box.client.app)
        with listening(app) as url:
            scene = Scene(box, url, app, folder)
            try:
                yield scene
            finally:
                scene.witness.close()
                scene.client.close()


@pytest.fixture
def scene(sim: Simulator, tmp_path: Path) -> Iterator[Scene]:
    box = BallotBoxUnderTest(sim, tmp_path, build=write_build(tmp_path / "dist"))
    with playing(box, tmp_path / "witness") as found:
        yield found


def test_nothing_to_say_before_the_opening_and_nothing_to_complain_about_after_it(scene: Scene) -> None:
    look = Look(scene.url)
    page = scene.watch(look)
    scene.witness.round()
    assert page.look(look) is None
    scene.box.open()
    scene.witness.round()
    assert page.look(look) == []
    assert not scene.findings()
    # Everything that is listed was fetched, and nothing else.
    listed = json.loads(scene.box.client.get("/assets.json").content)
    fetched = [path for _, path in scene.app.asked if not path.startswith(("/log/", "/blob/"))]
    assert sorted(fetched) == sorted([*listed, "/assets.json"])


def test_script_that_one_vantage_point_alone_is_served_is_found(scene: Scene, proxy: str) -> None:
    scene.box.open()
    scene.witness.round()
    near, far = looks([scene.url], [proxy])
    page = scene.watch(near, far)
    scene.app.lie = lambda client, path: (200, EVIL) if (client, path) == (ELSEWHERE, SCRIPT) else None
    assert page.look(near) == []
    assert not scene.findings()
    found = page.look(far)
    assert found is not None
    assert [difference.path for difference in found] == [SCRIPT]
    (finding,) = scene.findings()
    assert (finding.check, finding.party, finding.provable) == ("PAGE-ASSETS", "ballot-box", False)
    assert finding.where == f"page{SCRIPT}={hashlib.sha256(EVIL).hexdigest()[:16]}"
    # The same again is the same finding; another script is another one.
    page.look(far)
    assert len(scene.findings()) == 1
    scene.app.lie = lambda client, path: (200, b"worse") if (client, path) == (ELSEWHERE, SCRIPT) else None
    page.look(far)
    assert len(scene.findings()) == 2
    # The bytes are kept, and anybody may have them from the witness.
    folder = scene.witness.evidence / finding.evidence
    document = json.loads((folder / "evidence.json").read_bytes())
    assert document["kind"] == "page"
    assert document["via"] == proxy
    assert document["record"]["index"] == 1
    assert (folder / "served" / "0000.bin").read_bytes() == EVIL
    assert ("served/0000.bin", len(EVIL)) in evidence_files.files(scene.witness.evidence, finding.evidence)
    file, _ = evidence_files.opened(scene.witness.evidence, finding.evidence, "served/0000.bin")
    with file:
        assert file.read() == EVIL
    # It convicts nobody, and the witness goes on cosigning.
    with pytest.raises(NotProven, match="no signature"):
        judge(parse_evidence(document), {}, None, None, GROUP, os.urandom)
    assert not scene.witness.ground.store.stopped()


@pytest.mark.parametrize(
    ("path", "answer", "found"),
    [
        (SCRIPT, (404, b""), "HTTP 404"),
        ("/", (302, b""), "HTTP 302"),
        (SCRIPT, (200, HONEST + b" "), hashlib.sha256(HONEST + b" ").hexdigest()),
        ("/assets.json", (200, b"{}"), hashlib.sha256(b"{}").hexdigest()),
        ("/policy.json", (200, b"{}"), hashlib.sha256(b"{}").hexdigest()),
    ],
)
def test_whatever_differs_or_lacks_is_found_and_nothing_foreign_is_fetched(
    scene: Scene, path: str, answer: tuple[int, bytes], found: str
) -> None:
    scene.box.open()
    scene.witness.round()
    scene.app.lie = lambda client, asked: answer if asked == path else None
    look = Look(scene.url)
    differences = scene.watch(look).look(look)
    assert differences is not None
    assert [(difference.path, difference.found) for difference in differences] == [(path, found)]
    assert len(scene.findings()) == 1


def test_page_that_changes_on_the_record_is_no_finding(sim: Simulator, tmp_path: Path) -> None:
    box = BallotBoxUnderTest(sim, tmp_path, build=write_build(tmp_path / "dist"))
    with playing(box, tmp_path / "witness") as scene:
        box.open()
        scene.witness.round()
    write_build(tmp_path / "dist", b"let corrected = 1;\n")
    with playing(box, tmp_path / "witness") as scene:
        look = Look(scene.url)
        page = scene.watch(look)
        scene.publish()
        # The witness has not followed the log yet: it does before it raises the alarm.
        assert page.look(look) == []
        assert not scene.findings()


def test_page_that_changes_without_a_word_is_a_finding(sim: Simulator, tmp_path: Path) -> None:
    box = BallotBoxUnderTest(sim, tmp_path, build=write_build(tmp_path / "dist"))
    with playing(box, tmp_path / "witness") as scene:
        box.open()
        scene.witness.round()
    write_build(tmp_path / "dist", b"let other = 1;\n")
    with playing(box, tmp_path / "witness") as scene:
        look = Look(scene.url)
        differences = scene.watch(look).look(look)
        assert differences is not None
        assert {difference.path for difference in differences} == {"/assets.json", SCRIPT}


def test_page_that_cannot_be_reached_is_no_finding(scene: Scene) -> None:
    scene.box.open()
    scene.witness.round()
    look = Look("http://127.0.0.1:9")
    page = scene.watch(look)
    assert page.look(look) is None
    assert not scene.findings()
    labels = {"vantage": look.shown, "outcome": "unreachable"}
    assert scene.metrics.registry.get_sample_value("vemre_page_looks_total", labels) == 1


def test_who_lies_each_time_does_not_fill_the_disk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MAX_KEPT", 3)
    scene.box.open()
    scene.witness.round()
    look = Look(scene.url)
    page = scene.watch(look)
    for number in range(6):
        scene.app.lie = lambda client, path, n=number: (200, b"%d" % n) if path == SCRIPT else None  # type: ignore[misc]
        page.look(look)
    assert len(scene.findings()) == 3


def test_it_goes_on_looking_by_itself(scene: Scene) -> None:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    scene.box.open()
    scene.witness.round()
    look = Look(scene.url)
    app = FastAPI()
    app.include_router(scene.watch(look, interval=0.05).routes())
    labels = {"vantage": look.shown, "outcome": "same"}
    with TestClient(app):
        while (scene.metrics.registry.get_sample_value("vemre_page_looks_total", labels) or 0) < 3:
            scene.box.client.get("/health")


# --- what is fetched ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["//192.0.2.1/x.js", "/../x", "/a/../b", "x.js", "/a?b", "/a#b", "http://192.0.2.1/", "/a b", "/\u00e1", ""]
)
def test_path_that_leads_elsewhere_is_never_asked_for(path: str) -> None:
    listed = json.dumps({path: "0" * 64}, ensure_ascii=False, separators=(",", ":")).encode()
    asked: list[str] = []

    def get(path: str) -> Served:
        asked.append(path)
        return Served(404, None)

    with pytest.raises(CheckFailed):
        compare(listed, get)
    assert not asked
    with pytest.raises(CheckFailed):
        parse_list(listed)


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://urna.example", "https://a:b@urna.example", "https://x/y", "https://x?y", "", "https://"]
)
def test_address_that_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="page-address-unusable"):
        looks([url], [])
    with pytest.raises(Refused, match="page-proxy-unusable"):
        looks(["https://urna.example"], ["socks5://x:1"])


def test_password_of_a_proxy_is_shown_nowhere() -> None:
    (_, look) = looks(["https://urna.example"], ["http://who:hunter2@proxy.example:3128"])
    assert look.shown == "https://urna.example via http://proxy.example:3128"


def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_ASSET_BYTES", 1000)
    bomb, garbled = gzip.compress(bytes(1 << 22)), gzip.compress(b"abc")[:-4]

    class Bombs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = {"/bomb": bomb, "/cut": garbled, "/none": b"not gzip", "/long": bytes(2000)}[self.path]
            self.send_response(200)
            if self.path != "/long":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bombs)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for path in ("/bomb", "/cut", "/none", "/long"):
            with Vantage(f"http://127.0.0.1:{server.server_port}") as vantage:
                assert vantage.get(path) == Served(200, None)
    finally:
        server.shutdown()
        server.server_close()


# --- anybody --------------------------------------------------------------------------------------------------------


def test_anybody_compares(scene: Scene, proxy: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(scene.box.sim.policy))

    def run(*options: str) -> tuple[int, Any]:
        command = ["compare", scene.url, "--policy", str(policy), "--json", *options]
        done = CliRunner().invoke(commands.group, command)
        return done.exit_code, None if done.exit_code > 1 else json.loads(done.stdout.splitlines()[-1])

    assert run()[0] == 2
    scene.box.open()
    code, answer = run()
    assert (code, answer["differences"], answer["auditors"]) == (0, [], [])
    scene.box.cosign()
    assert run()[1]["auditors"] == ["auditor/1", "auditor/2"]
    scene.app.lie = lambda client, path: (200, EVIL) if (client, path) == (ELSEWHERE, SCRIPT) else None
    assert run()[0] == 0
    code, answer = run("--via", proxy)
    assert (code, [one["path"] for one in answer["differences"]]) == (1, [SCRIPT])


def test_log_that_does_not_bear_it_out_is_not_believed(scene: Scene) -> None:
    scene.box.open()
    anchors = Anchors(scene.box.sim.policy)
    for answer in ({"index": 0}, {"index": 7}):
        scene.app.lie = lambda client, path, a=answer: (200, json.dumps(a).encode()) if path == "/page-assets" else None  # type: ignore[misc]
        with pytest.raises(CheckFailed):
            commands.named_by_log(scene.client, anchors)
    for answer in ({"index": None}, {"index": -1}, {"index": "1"}, {}):
        scene.app.lie = lambda client, path, a=answer: (200, json.dumps(a).encode()) if path == "/page-assets" else None  # type: ignore[misc]
        with pytest.raises(Refused, match="page-not-recorded-yet"):
            commands.named_by_log(scene.client, anchors)

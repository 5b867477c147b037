"""The page and the mirrored logs over HTTP: what is served, how, and what never is."""

import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import forge
import msgspec
import pytest
import served
from served import BallotBoxUnderTest
from simulator import Simulator

from ballot.static import assets, routes
from ballot.static.assets import PAGES, read_assets
from ballot.static.mirror import Mirror
from vemre.crypto import canonical
from vemre.errors import CheckFailed, Refused
from vemre.log import merkle
from vemre.log.checkpoint import SignedCheckpoint, open_checkpoint, require_quorum
from vemre.log.reader import LogReader
from vemre.log.tiles import tile_paths
from vemre.messages import Unreachable
from vemre.service.sources import FolderSource

SCRIPT = b"// " + b"x" * 5_000
FILES = {
    **{name: f"<!DOCTYPE html><title>{path}</title>".encode() for path, name in PAGES.items()},
    "assets/app-1a2b3c.js": SCRIPT,
    "assets/app-1a2b3c.css": b"p{}",
    "assets/practice/election-00ff.bin": bytes(range(256)),
}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What `make client` leaves behind, as far as serving goes."""
    folder = tmp_path / "dist"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@contextmanager
def serving(sim: Simulator, folder: Path, build: Path) -> Iterator[BallotBoxUnderTest]:
    """A ballot box whose installation has this build."""
    with BallotBoxUnderTest(sim, folder, build=build).running() as box:
        yield box


@pytest.fixture
def page(sim: Simulator, tmp_path: Path, build: Path) -> Iterator[BallotBoxUnderTest]:
    with serving(sim, tmp_path, build) as box:
        yield box


def served_paths() -> dict[str, bytes]:
    pages = {path: FILES[name] for path, name in PAGES.items()}
    return {**pages, **{f"/{name}": data for name, data in FILES.items() if name.startswith("assets/")}}


# --- the page -------------------------------------------------------------------------------------------------------


def test_every_file_of_the_build_is_served_and_listed(page: BallotBoxUnderTest) -> None:
    listed = page.client.get("/assets.json")
    assert listed.headers["content-type"] == "application/json"
    digests = canonical.decode(listed.content, limit=1 << 20)
    expected = {**served_paths(), "/policy.json": msgspec.json.encode(page.sim.policy)}
    assert digests == {path: hashlib.sha256(data).hexdigest() for path, data in expected.items()}
    assert digests == assets(page.station.app)
    for path, data in expected.items():
        assert page.client.get(path).content == data


def test_headers_of_pages(page: BallotBoxUnderTest) -> None:
    for path in PAGES:
        headers = page.client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'", "script-src": "'self'", "worker-src": "'self'", "style-src": "'self'",
            "img-src": "'self' data:", "connect-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
            "form-action": "'none'", "require-trusted-types-for": "'script'", "trusted-types": "vemre-worker",
        }  # fmt: skip
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert headers["cache-control"] == "no-cache"
        camera = "camera=(self)" if path in ("/", "/recibo", "/reto") else "camera=()"
        assert headers["permissions-policy"].startswith(camera)


def test_parts_are_kept_for_good_and_pages_asked_for_anew(page: BallotBoxUnderTest) -> None:
    for path in (*served_paths(), "/policy.json", "/assets.json"):
        first = page.client.get(path)
        for_good = "immutable" in first.headers["cache-control"]
        assert for_good == path.startswith("/assets/"), path
        again = page.client.get(path, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert page.client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_gzip_where_it_is_taken_and_smaller(page: BallotBoxUnderTest) -> None:
    path = "/assets/app-1a2b3c.js"
    plain = page.client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(SCRIPT)
    for accepted in ("gzip", "br, GZIP;q=0.5", "deflate, gzip"):
        with page.client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw) == SCRIPT
        assert len(raw) == int(answer.headers["content-length"]) < 200
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["etag"] != plain.headers["etag"]
    for refused in ("", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"):
        assert "content-encoding" not in page.client.get(path, headers={"Accept-Encoding": refused}).headers
    small = page.client.get("/assets/app-1a2b3c.css", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers
    assert "vary" not in small.headers


def test_head_has_the_headers_alone_and_nothing_else_is_allowed(page: BallotBoxUnderTest) -> None:
    for path in ("/", "/assets/app-1a2b3c.js", "/policy.json", "/assets.json"):
        whole, head = page.client.get(path), page.client.head(path)
        assert head.status_code == 200
        assert head.content == b""
        ignored = {"x-request-id", "date"}
        assert {k: v for k, v in head.headers.items() if k not in ignored} == {
            k: v for k, v in whole.headers.items() if k not in ignored
        }
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert page.client.request(method, path).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/index.html", "/acceso.html", "/assets", "/assets/", "/assets/practice", "/assets/../policy.json",
     "/assets/%2e%2e/policy.json", "/assets/..%2f..%2fstore.py", "/assets//app-1a2b3c.js", "/assets/app-1a2b3c.js/",
     "/assets/app-1a2b3c.js%00", "/assets/app-1a2b3c.js%0a", "/assets/%2fetc%2fpasswd", "/Recibo", "/recibo/",
     "/assets/app-1a2b3c.js.gz", "/dist/index.html"],
)  # fmt: skip
def test_nothing_is_served_but_by_its_exact_path(page: BallotBoxUnderTest, path: str) -> None:
    # Sent as it is written: the client would take the dots away.
    answer = _raw(page, path)
    assert answer == 404, path


def _raw(page: BallotBoxUnderTest, path: str) -> int:
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "headers": [], "client": ("x", 1),
        "server": ("testserver", 80), "root_path": "",
    }  # fmt: skip
    assert page.client.portal is not None
    page.client.portal.call(page.station.app, scope, receive, send)
    return status[0]


def test_later_changes_on_the_disk_are_not_served(page: BallotBoxUnderTest, build: Path) -> None:
    before = {path: page.client.get(path).content for path in (*served_paths(), "/policy.json", "/assets.json")}
    for name in FILES:
        (build / name).write_bytes(b"altered")
    (build / "assets" / "more.js").write_bytes(b"more")
    (page.data / "policy.json").write_bytes(b"{}")
    assert {path: page.client.get(path).content for path in before} == before
    assert page.client.get("/assets/more.js").status_code == 404
    shutil.rmtree(build)
    assert page.client.get("/").content == FILES["index.html"]


def test_digest_changes_with_any_byte_and_with_the_policy(build: Path, sim: Simulator, tmp_path: Path) -> None:
    policy = tmp_path / "p.json"
    policy.write_bytes(msgspec.json.encode(sim.policy))

    def digest() -> bytes:
        return hashlib.sha256(read_assets(build, policy, sim.policy)["/assets.json"].data).digest()

    seen = {digest()}
    for name in FILES:
        (build / name).write_bytes((build / name).read_bytes() + b" ")
        seen.add(digest())
    policy.write_bytes(policy.read_bytes() + b"\n")
    seen.add(digest())
    assert len(seen) == len(FILES) + 2


def test_without_a_build_the_pages_say_so_and_the_rest_works(sim: Simulator, tmp_path: Path) -> None:
    with serving(sim, tmp_path, tmp_path / "none") as box:
        for path in PAGES:
            answer = box.client.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert "no trae la página" in answer.text
            assert "comes without the voting page" in answer.text
        assert assets(box.station.app) == {}
        assert box.client.get("/assets.json").status_code == 404
        assert box.client.get("/health").status_code == 200
        assert box.client.get("/mirror/tally/cosigned").status_code == 200
        box.open()
        voter = box.sim.voters[0]
        assert box.cast(voter, box.ballot(voter)).status_code == 201


def test_what_no_build_makes_is_refused(build: Path, sim: Simulator, tmp_path: Path) -> None:
    policy = tmp_path / "p.json"
    policy.write_bytes(msgspec.json.encode(sim.policy))

    def refused(code: str) -> None:
        with pytest.raises(Refused) as raised:
            read_assets(build, policy, sim.policy)
        assert raised.value.code == code

    link = build / "assets" / "link.js"
    for target in (tmp_path / "elsewhere", tmp_path):
        link.symlink_to(target)
        refused("page-unusable")
        link.unlink()
    os.mkfifo(link)
    refused("page-unusable")
    link.unlink()
    with open(link, "wb") as file:
        file.truncate((8 << 20) + 1)
    refused("page-unusable")
    link.unlink()
    policy.write_bytes(msgspec.json.encode(Simulator().policy))
    refused("settings-unusable")
    policy.unlink()
    refused("settings-unusable")


def test_the_page_hides_no_route(page: BallotBoxUnderTest) -> None:
    paths = page.client.get("/openapi.json").json()["paths"]
    assert not set(paths) & {*PAGES, "/assets.json", "/policy.json"}
    assert "/mirror/{log}/cosigned" in paths
    assert routes.CONTENT_POLICY


# --- the mirror -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["registry", "tally"])
def test_a_followed_log_is_read_whole_with_its_quorum(closed_box: BallotBoxUnderTest, name: Any) -> None:
    box = closed_box
    answer = box.client.get(f"/mirror/{name}/cosigned")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-cache"
    anchors = box.station.anchors
    witnesses = [key for keys in anchors.witnesses.values() for key in keys]
    opened = open_checkpoint(answer.content, anchors.logs[name], witnesses)
    require_quorum(opened, anchors.witnesses, 2)
    records = box.sim.view.logs[name].records

    def fetch(path: str) -> bytes:
        tile = box.client.get(f"/mirror/{name}/{path}")
        assert tile.status_code == 200
        assert "immutable" in tile.headers["cache-control"]
        return tile.content

    found = list(LogReader(fetch, opened.checkpoint, name=name).entries())
    assert found == [record.entry for record in records]
    for path in tile_paths(len(records)):
        fetch(path)
    assert box.client.get(f"/mirror/{name}/checkpoint").content == answer.content
    for digest, data in box.sim.blobs.items():
        if box.station.blobs.has(digest):
            assert box.client.get(f"/blob/{digest}").content == data
    assert box.station.blobs.has(box.sim.view.manifest.offer.sha256)


@pytest.mark.parametrize(
    "path",
    ["ballot/cosigned", "other/cosigned", "tally/tile/0/0", "tally/tile/0/000.p/200", "tally/tile/entries/001",
     "tally/tile/1/000", "tally/tile/0/000.p/0", "tally/tile/64/000", "tally/nothing", "tally/tile/0/%2e%2e/000"],
)  # fmt: skip
def test_nothing_else_is_mirrored(closed_box: BallotBoxUnderTest, path: str) -> None:
    assert closed_box.client.get("/mirror/tally/cosigned").status_code == 200
    assert closed_box.client.get(f"/mirror/{path}").status_code in (404, 422)


class Down:
    """A source that nobody answers."""

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        raise Unreachable("tally", "down")

    def tile(self, path: str) -> bytes:
        raise Unreachable("tally", "down")

    def blob(self, digest: str, limit: int) -> bytes:
        raise Unreachable("tally", "down")


def test_it_is_served_on_while_the_others_are_down(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = BallotBoxUnderTest(sim, tmp_path)
    with box.running():
        before = {name: box.client.get(f"/mirror/{name}/cosigned").content for name in ("registry", "tally")}
        tiles = {f"{name}/tile/entries/000.p/1" for name in before}
        assert all(before.values())
    monkeypatch.setattr(served, "FolderSource", lambda *_: Down())
    with box.running():
        for name, note in before.items():
            answer = box.client.get(f"/mirror/{name}/cosigned")
            assert (answer.status_code, answer.content) == (200, note)
        assert all(box.client.get(f"/mirror/{path}").status_code == 200 for path in tiles)


def test_a_log_without_its_quorum_is_not_mirrored(tmp_path: Path) -> None:
    sim = Simulator().reach("setup")
    box = BallotBoxUnderTest(sim, tmp_path)
    alone = sim.checkpoint("tally", auditors=["auditor/1"]).encode()
    (box.record / "tally" / "checkpoint").write_bytes(alone)
    with box.running():
        assert box.client.get("/mirror/tally/cosigned").json()["code"] == "not-cosigned-yet"
        assert box.client.get("/mirror/registry/cosigned").status_code == 200
        (box.record / "tally" / "checkpoint").write_bytes(sim.checkpoint("tally").encode())
        assert box.client.get("/mirror/tally/cosigned").status_code == 409
        box.clock.now += 60
        assert box.client.get("/mirror/tally/cosigned").status_code == 200


@pytest.mark.parametrize("more", [0, 1])
def test_a_second_log_with_a_quorum_is_not_mirrored(tmp_path: Path, more: int) -> None:
    """Whoever serves the tally log cannot show voters another one than the ballot box follows."""
    sim = Simulator().reach("setup")
    box = BallotBoxUnderTest(sim, tmp_path)
    with box.running():
        before = box.client.get("/mirror/tally/cosigned").content
        entries = [record.entry for record in sim.view.tally.records]
        entries.append(entries.pop(-2))
        entries += entries[:more]
        text = sim.log_signers["tally"].sign(len(entries), merkle.root(map(merkle.leaf_hash, entries)))
        signed = SignedCheckpoint.parse(text)
        lines = [sim.witnesses[role].cosign(signed.checkpoint, sim.time) for role in sim.auditors]
        forge.write_log(box.record / "tally", entries, signed.note.with_lines(lines).encode())
        mirror = Mirror(box.station.node, "tally", FolderSource(box.record, "tally"), tmp_path, box.clock)
        with pytest.raises(CheckFailed, match="CHECKPOINT"):
            mirror._take()
        box.clock.now += 60
        assert box.client.get("/mirror/tally/cosigned").content == before

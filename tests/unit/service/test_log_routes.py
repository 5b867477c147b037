"""The routes of a log: what is served, how long it may be kept, and whose cosignatures are taken."""

from typing import Any

import pytest
from fastapi import FastAPI

from vemre.crypto.signing import SigningKey
from vemre.log.checkpoint import Checkpoint, auditors_of, open_checkpoint
from vemre.log.note import Note
from vemre.log.reader import LogReader
from vemre.log.signer import Ed25519Cosigner
from vemre.log.tiles import tile_paths

TEXT = {"Content-Type": "text/plain"}


def test_a_whole_log_is_read_over_http(served: Any) -> None:
    entries = [b"entry %d" % number for number in range(300)]
    served.append(*entries)
    answer = served.client.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"

    def fetch(path: str) -> bytes:
        tile = served.client.get(f"/log/{path}")
        assert tile.status_code == 200
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert tile.headers["content-type"] == "application/octet-stream"
        assert tile.headers["access-control-allow-origin"] == "*"
        return tile.content

    opened = open_checkpoint(answer.content, served.store.vkey)
    assert list(LogReader(fetch, opened.checkpoint, name="tally").entries()) == entries
    for path in tile_paths(300):
        fetch(path)


@pytest.mark.parametrize(
    "path",
    ["tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/04", "tile/00/000", "tile/0/x000/000",
     "tile/1/000", "tile/0/001", "tile/entries/000.p/9", "tile/", "tile/0/000/", "tile/0/%2e%2e/0/000.p/3",
     "tile/entries/000.p/3%0a", "tile/64/000"],
)  # fmt: skip
def test_other_spellings_and_absent_tiles_are_404(served: Any, path: str) -> None:
    served.append(b"a", b"b", b"c")
    answer = served.client.get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"
    assert answer.headers["cache-control"] == "no-store"
    assert served.client.get("/log/tile/0/000.p/3").status_code == 200


def test_blobs(served: Any) -> None:
    digest = served.blobs.put(b"shares")
    answer = served.client.get(f"/blob/{digest}")
    assert answer.content == b"shares"
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("00" * 32, digest.upper(), "..%2flog.sqlite3", "x", digest + "0"):
        assert served.client.get(f"/blob/{wrong}").status_code == 404
    (served.blobs.folder / digest).write_bytes(b"sharez")
    damaged = served.client.get(f"/blob/{digest}")
    assert (damaged.status_code, damaged.json()["code"]) == (500, "internal")


def test_cosignatures_are_taken_and_published(served: Any) -> None:
    served.append(b"a")
    waiting = served.client.get("/log/cosigned", params={"size": 1})
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not-cosigned-yet")
    assert "auditor/1, auditor/2" in waiting.json()["detail"]

    first = served.client.post("/log/cosignatures", content=served.cosignature("auditor/1", 1), headers=TEXT)
    assert first.json() == {"size": 1, "accepted": ["auditor1.example/w1"]}
    still = served.client.get("/log/cosigned", params={"size": 1}).json()["detail"]
    assert "auditor/2" in still
    assert "auditor/1" not in still

    served.append(b"b")
    second = served.client.post(
        "/log/cosignatures", params={"size": 1}, content=served.cosignature("auditor/2", 1), headers=TEXT
    )
    assert second.status_code == 200
    cosigned = served.client.get("/log/cosigned", params={"size": 1})
    witnesses = [key for keys in served.auditors.values() for key in keys]
    opened = open_checkpoint(cosigned.content, served.store.vkey, witnesses)
    assert (opened.size, auditors_of(opened, served.auditors)) == (1, {"auditor/1", "auditor/2"})
    assert served.client.get("/log/cosigned").content == cosigned.content
    assert served.client.get("/log/cosigned", params={"size": 2}).status_code == 409


def test_cosignatures_of_strangers_are_dropped_and_wrong_ones_refused(served: Any) -> None:
    served.append(b"a")
    stranger = Ed25519Cosigner("stranger.example/w", SigningKey(b"s" * 32))
    checkpoint = Checkpoint.parse(Note.parse(served.store.checkpoint).text)
    line = str(stranger.cosign(checkpoint, 1_700_000_000))
    assert served.client.post("/log/cosignatures", content=line, headers=TEXT).json()["accepted"] == []

    good = served.cosignature("auditor/1", 1)
    served.append(b"b")
    other_size = served.client.post("/log/cosignatures", content=good, headers=TEXT)
    assert (other_size.status_code, other_size.json()["code"]) == (422, "check-note")
    bad_texts = ["", "hello\n", good.rstrip("\n"), good + good, "\x00", good.replace("\u2014", "-"), "\udcff"]
    for text in bad_texts:
        content = text.encode("utf-8", "surrogateescape")
        answer = served.client.post("/log/cosignatures?size=1", content=content, headers=TEXT)
        assert answer.status_code == 422, text
        assert answer.json()["code"] == "check-note"


def test_cosignatures_for_an_unknown_size(served: Any) -> None:
    served.append(b"a", b"b")
    for size in (1, 3, 2**62):
        answer = served.client.post(
            f"/log/cosignatures?size={size}", content=served.cosignature("auditor/1", 2), headers=TEXT
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "unknown-checkpoint"), size
    for size in ("-1", "x", "1e3", str(2**63), "٣"):
        answer = served.client.post(f"/log/cosignatures?size={size}", content="x", headers=TEXT)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields"), size


def test_limits_of_the_cosignature_route(served: Any) -> None:
    assert served.client.post("/log/cosignatures", content=b"x" * 65_537, headers=TEXT).status_code == 413
    assert served.client.post("/log/cosignatures", json={}).status_code == 415


def test_description_is_whole(served: Any) -> None:
    app: FastAPI = served.app
    paths = app.openapi()["paths"]
    assert set(paths) >= {"/log/checkpoint", "/log/tile/{path}", "/log/cosigned", "/log/cosignatures", "/blob/{digest}"}

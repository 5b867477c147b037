"""The page on the record: with the opening, before any ballot, and again when the page changes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from served import BallotBoxUnderTest, client_of, token_of
from simulator import Simulator

from ballot import page_command
from vemre.election.rules import engine
from vemre.election.rules.view import LogView, View
from vemre.records import vote_bodies as v


def write_build(folder: Path, script: bytes = b"let x = 1;\n") -> Path:
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_bytes(b"<!doctype html><title>x</title>")
    (folder / "assets" / "main-0123.js").write_bytes(script)
    return folder


@pytest.fixture
def stopped(sim: Simulator, tmp_path: Path) -> BallotBoxUnderTest:
    return BallotBoxUnderTest(sim, tmp_path, build=write_build(tmp_path / "dist"))


@pytest.fixture
def box(stopped: BallotBoxUnderTest) -> Iterator[BallotBoxUnderTest]:
    with stopped.running():
        yield stopped


def publish(box: BallotBoxUnderTest, token: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
    answer = box.client.post("/official/page-assets", headers=token_of(box.data) if token is None else token)
    return answer.status_code, answer.json()


def recorded(box: BallotBoxUnderTest) -> list[str]:
    return [record.body.assets.sha256 for record in box.entries() if isinstance(record.body, v.PageAssets)]


def test_it_stands_right_after_the_opening_and_names_what_is_served(box: BallotBoxUnderTest) -> None:
    before = box.client.get("/page-assets").json()
    assert (before["recorded"], before["index"], before["differences"]) == (None, None, [])
    assert publish(box)[0] == 409
    size = box.station.store.size
    box.open()
    assert [record.type for record in box.entries()] == ["open", "page-assets"]
    # One commit: no checkpoint was ever signed that has the one and not the other.
    with pytest.raises(ValueError):
        box.station.store.checkpoint_at(size + 1)
    listed = box.client.get("/assets.json").content
    digest = hashlib.sha256(listed).hexdigest()
    assert recorded(box) == [digest]
    assert box.client.get(f"/blob/{digest}").content == listed
    for path, expected in json.loads(listed).items():
        assert hashlib.sha256(box.client.get(path).content).hexdigest() == expected
    after = box.client.get("/page-assets").json()
    assert (after["recorded"], after["served"], after["index"], after["differences"]) == (digest, digest, 1, [])
    assert after["leaf_hash"] == box.entries()[1].leaf_hash.hex()


def test_the_log_obeys_every_rule(box: BallotBoxUnderTest) -> None:
    box.open()
    voter = box.sim.voters[0]
    assert box.cast(voter, box.ballot(voter)).status_code == 201
    view = box.sim.view
    logs = {"registry": view.registry, "ballot": LogView("ballot", box.entries()), "tally": view.tally}
    blob = lambda digest: box.client.get(f"/blob/{digest}").content or box.sim.blobs[digest]  # noqa: E731
    found = {**box.sim.blobs}

    def blobs(digest: str) -> bytes:
        return found[digest] if digest in found else blob(digest)

    engine.verify(View(view.anchors, blobs, view.group, view.random, logs=logs))


def test_repeating_the_order_changes_nothing(box: BallotBoxUnderTest) -> None:
    box.open()
    assert box.submit(box.order_to_open()).status_code == 200
    assert publish(box)[0] == 200
    assert len(recorded(box)) == 1


def test_another_page_takes_no_ballot_before_it_is_on_the_record(stopped: BallotBoxUnderTest, tmp_path: Path) -> None:
    box = stopped
    voters = iter(box.sim.voters)
    with box.running():
        box.open()
        voter = next(voters)
        assert box.cast(voter, box.ballot(voter)).status_code == 201
    write_build(tmp_path / "dist", b"let x = 2;\n")
    with box.running():
        voter = next(voters)
        entry = box.ballot(voter)
        refused = box.cast(voter, entry)
        assert (refused.status_code, refused.json()["code"]) == (409, "page-not-on-record")
        assert box.client.get("/page-assets").json()["differences"] == ["/assets/main-0123.js"]
        assert publish(box, {})[0] == 401
        status, answer = publish(box)
        assert (status, answer["differences"]) == (201, [])
        # The very same bytes are good now.
        assert box.cast(voter, entry).status_code == 201
    write_build(tmp_path / "dist")
    with box.running():
        # Back to the first one: the last record counts, so it is said again.
        voter = next(voters)
        assert box.cast(voter, box.ballot(voter)).status_code == 409
        assert publish(box)[0] == 201
        assert box.cast(voter, box.ballot(voter)).status_code == 201
        digests = recorded(box)
        assert digests[0] == digests[2] != digests[1]


def test_a_box_without_a_page_has_nothing_to_say(sim: Simulator, tmp_path: Path) -> None:
    with BallotBoxUnderTest(sim, tmp_path).running() as box:
        box.open()
        assert [record.type for record in box.entries()] == ["open"]
        assert publish(box)[1]["code"] == "page-not-built"
        voter = box.sim.voters[0]
        assert box.cast(voter, box.ballot(voter)).status_code == 201


def test_command_shows_compares_and_publishes(
    stopped: BallotBoxUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = stopped
    token = box.data / "official.token"
    monkeypatch.setattr(page_command, "ServiceClient", lambda url: client_of(box))
    monkeypatch.setattr(page_command, "official", lambda url, file: client_of(box, file.read_text().strip()))

    def run(*options: str) -> tuple[int, dict[str, object]]:
        done = CliRunner().invoke(page_command.page_assets, ["--url", "http://x", "--json", *options])
        return done.exit_code, json.loads(done.stdout.splitlines()[-1])

    with box.running():
        assert run()[1]["recorded"] is None
        box.open()
        assert run()[0] == 0
    write_build(tmp_path / "dist", b"let x = 3;\n")
    with box.running():
        code, answer = run()
        assert (code, answer["differences"]) == (1, ["/assets/main-0123.js"])
        assert run("--publish", "--token-file", str(token))[0] == 0
        assert run()[0] == 0

"""The tally, its mixers and its trustees as processes of their own, over HTTP, at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from served import serving_logs, write_keys
from served_tally import TallyUnderTest, write_key, write_policy
from simulator import OPENS, Simulator

from vemre.election import drafts
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import Note
from vemre.messages import Unreachable
from vemre.records import bundle
from vemre.records.record import parse
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.follower import Follower

pytestmark = pytest.mark.slow
START = "from vemre.cli.main import main; main()"
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}


def begin(*words: str | Path) -> subprocess.Popen[str]:
    """A command as a process."""
    command = [sys.executable, "-c", START, "--lang", "en", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    """Its standard output, once it ended."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, f"{process.args}\n{out}\n{err}"
    return out


@contextmanager
def serving(data: Path, policy: Path, urls: dict[str, str]) -> Iterator[str]:
    """The tally service; gives its address."""
    process = begin(
        "tally", "serve", "--data", data, "--policy", policy, "--insecure",
        "--registry-url", urls["registry"], "--ballot-url", urls["ballot"],
    )  # fmt: skip
    assert process.stdout is not None
    # Its log goes where nobody has to read it.
    drain = threading.Thread(target=lambda: process.stderr.read() if process.stderr else None, daemon=True)
    drain.start()
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        drain.join(timeout=10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def auditing(sim: Simulator, url: str) -> Iterator[None]:
    """Two auditors that cosign whatever comes."""
    over = threading.Event()

    def cosign(client: ServiceClient) -> None:
        note = Note.parse(client.request("GET", "/log/checkpoint"))
        checkpoint = Checkpoint.parse(note.text)
        lines = "".join(str(sim.witnesses[role].cosign(checkpoint, OPENS)) for role in sim.auditors)
        client.post("/log/cosignatures", lines.encode(), "text/plain", {"size": checkpoint.size})

    def run() -> None:
        with ServiceClient(url) as client:
            while not over.wait(0.1):
                try:
                    cosign(client)
                except Unreachable:
                    return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_mixers_and_trustees_attend_until_the_result_stands(tmp_path: Path) -> None:
    sim = Simulator().reach("close")
    tally = TallyUnderTest(sim, tmp_path)
    tally._preload()
    write_keys(sim, "tally", "tally", tally.data)
    policy = write_policy(sim, tmp_path)
    with (
        serving_logs(tally.record, "registry", "ballot") as urls,
        serving(tally.data, policy, urls) as url,
        auditing(sim, url),
    ):
        sources = ["--policy", policy, "--tally-url", url]
        for name, address in urls.items():
            sources += [f"--{name}-url", address]
        roles = ["mixer/1", "mixer/2", "trustee/1", "trustee/2"]
        # All at once: each waits for its turn.
        working = {
            role: begin(
                role.partition("/")[0], "attend", "--yes", "--insecure", "--insecure-reference", "--json",
                "--poll", "0.2", "--patience", "90", "--key", write_key(sim, tmp_path, role), *sources,
            )
            for role in roles
        }  # fmt: skip
        done = {role: json.loads(end(working[role]))["acts"] for role in ("mixer/1", "mixer/2")}
        assert [len(acts) for acts in done.values()] == [3, 3]
        official = ["--url", url, "--token-file", tally.data / "official.token"]
        answer = count(official)
        assert answer["result"] is not None
        for role in ("trustee/1", "trustee/2"):
            assert {act["type"] for act in json.loads(end(working[role]))["acts"]} == {"decryption"}
        assert "opinion on the count: auditor/1, auditor/2" in end(begin("tally", "status", "--url", url))
        certify(sim, tmp_path, url, sources)


def count(official: list[Any]) -> dict[str, Any]:
    """Ask again until the result stands, as officials do."""
    for _ in range(100):
        process = begin("tally", "results", *official, "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1), err
        answer: dict[str, Any] = json.loads(out)
        if process.returncode == 0:
            return answer
    raise AssertionError("the result does not come")


def certify(sim: Simulator, folder: Path, url: str, sources: list[Any]) -> None:
    """Opinions from files, and the certification over HTTP."""
    with ServiceClient(url) as client:
        entries = client.get_json("/state")["sizes"]["tally"]
        follow(sim, client, entries)
    checkpoints = {name: sim.checkpoint(name) for name in ("registry", "ballot", "tally")}
    files = []
    for role in sim.auditors:
        draft = drafts.opinion(
            sim.view, favourable=True, checkpoints=checkpoints, report=role.encode(), tool=("vemre", "0")
        )
        record = sim.sign("tally", role, draft.body)
        files.append(folder / f"{role.replace('/', '-')}.vemre")
        files[-1].write_bytes(bundle.encode(record.entry, draft.blobs))
    end(begin("tally", "submit", *files, "--url", url))
    key = write_key(sim, folder, "authority")
    for _ in range(100):
        # The opinions must be cosigned first.
        process = begin("tally", "certify", "--key", key, "--insecure", "--json", *sources)
        out, _err = process.communicate(timeout=120)
        if process.returncode == 0:
            break
    assert json.loads(out)["records"][0]["type"] == "certification"
    with ServiceClient(url) as client:
        assert client.get_json("/results")["status"] == "certified"


def follow(sim: Simulator, client: ServiceClient, size: int) -> None:
    """The simulator learns what the processes logged."""
    follower = Follower("tally", Anchors(sim.policy).logs["tally"], HttpSource(client))
    follower.refresh()
    entries = [parse(entry) for _, entry in follower.new_entries()]
    assert len(entries) >= size
    for record in entries[len(sim.view.tally) :]:
        sim.put([follower.blob(ref) for ref in bundle.blob_refs(record.body)])
        sim.view.tally.append(record)

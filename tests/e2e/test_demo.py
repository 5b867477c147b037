"""The demonstration: it ends well, its record verifies, its seed decides the votes and never a key."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from demo_run import ENTITIES, SEED, VOTERS, Demo, vemre
from forge import read_entries

from vemre import group
from vemre.demo import pef2024, voters
from vemre.demo.places import AUDITORS, MIXERS, THRESHOLD, TRUSTEES
from vemre.election.choice import Marks, Null
from vemre.election.choice_names import contests_of_urn
from vemre.service.client import ServiceClient

pytestmark = pytest.mark.slow


def kept(demo: Demo, log: str) -> list[dict[str, object]]:
    return [json.loads(entry) for entry in read_entries(demo.record / log)]


def test_the_record_is_valid_and_certified(demo: Demo) -> None:
    done = vemre("audit", "verify", demo.record, "--policy", demo.policy, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["verdict"], report["stage"], report["certified"]) == ("valid", "certified", True)
    assert report == demo.report


def test_everybody_takes_part(demo: Demo) -> None:
    tally, ballot = kept(demo, "tally"), kept(demo, "ballot")
    signers = {entry["signer"] for entry in tally}
    assert {f"trustee/{k}" for k in range(1, TRUSTEES + 1)} <= signers
    assert {entry["signer"] for entry in tally if entry["type"] == "shuffle"} == {
        f"mixer/{k}" for k in range(1, MIXERS + 1)
    }
    assert {entry["signer"] for entry in tally if entry["type"] == "decryption"} == {
        f"trustee/{k}" for k in range(1, THRESHOLD + 1)
    }
    for type_ in ("audit-plan", "system-opinion", "opinion"):
        assert {entry["signer"] for entry in tally if entry["type"] == type_} == {
            f"auditor/{k}" for k in range(1, AUDITORS + 1)
        }
    assert sum(entry["type"] == "ballot" for entry in ballot) == VOTERS
    assert len(list((demo.folder / "receipts").iterdir())) == VOTERS


def test_all_custodians_drill_before_the_setup_and_again_before_the_mixing(demo: Demo) -> None:
    tally = kept(demo, "tally")
    types = [entry["type"] for entry in tally]
    first, second = (place for place, type_ in enumerate(types) if type_ == "drill")
    assert first < types.index("setup") < second < types.index("tally-input")
    for place in (first, second):
        body = tally[place]["body"]
        assert isinstance(body, dict)
        assert {share["trustee"] for share in body["shares"]} == {f"trustee/{k}" for k in range(1, TRUSTEES + 1)}


def test_the_result_is_what_the_generated_voters_chose(demo: Demo) -> None:
    electorate = voters.generate(SEED, VOTERS, pef2024.entities(ENTITIES))
    offer = pef2024.offer(pef2024.entities(ENTITIES))
    assert electorate.registered > VOTERS
    expected = []
    for urn in offer.urns:
        voting = [voter for voter in electorate.voting if electorate.urn_of[voter.entity] == urn.id]
        for contest in contests_of_urn(offer, urn.id):
            chosen = Counter(pef2024.generate_choice(SEED, voter.folio, contest) for voter in voting)
            single = [chosen[Marks((place,))] for place in range(len(contest.options))]
            expected.append((urn.id, contest.id, len(voting), single, chosen[Null()]))
    found = [
        (batch["urn"], batch["contest"], batch["rows"], [line["votes"] for line in batch["options"]], batch["nulls"])
        for batch in demo.report["result"]
    ]
    assert found == expected


def test_every_page_says_that_votes_are_generated(demo: Demo) -> None:
    assert pef2024.GENERATED.en in demo.output
    titles = [line for line in demo.output.splitlines() if "CERTIFIED" in line and " · " in line]
    assert len(titles) == len(demo.report["result"])
    assert all("GENERATED VOTES" in line for line in titles)
    manifest = kept(demo, "tally")[0]["body"]
    assert isinstance(manifest, dict)
    assert "generados" in manifest["name"]["es"]
    assert ("SLOW ARITHMETIC" in demo.output) == (not group.load().constant_time)


def test_keys_are_left_behind_marked_insecure(demo: Demo) -> None:
    keys = json.loads((demo.folder / "keys" / "keys.json").read_text())
    assert keys["insecure"] is True
    assert {"authority", "registry", "ballot-box", "tally", "auditor/1", "mixer/2"} <= set(keys["roles"])
    assert set(keys["roles"]["trustee/5"]) == {"sign", "box", "share"}
    assert set(keys["logs"]) == {"registry", "ballot", "tally"}
    assert [witness["auditor"] for witness in keys["witnesses"]] == ["auditor/1", "auditor/2"]
    signers = {entry["signer"] for entry in kept(demo, "ballot") if entry["type"] == "ballot"}
    assert signers < set(keys["credentials"])
    assert "never" in (demo.folder / "keys" / "README.md").read_text().lower()


def test_no_secret_is_written_to_a_log(demo: Demo) -> None:
    keys = json.loads((demo.folder / "keys" / "keys.json").read_text())
    secrets = [secret for role in keys["roles"].values() for secret in role.values()]
    secrets += [*keys["logs"].values(), *keys["credentials"].values()]
    secrets += [witness["seed"] for witness in keys["witnesses"]]
    secrets += voters.credentials(demo.folder / "work" / "registry-mail").values()
    secrets += voters.link_tokens(demo.folder / "work" / "ballot-mail").values()
    for path in (demo.folder / "logs").iterdir():
        text = path.read_text()
        assert not any(secret in text for secret in secrets), path.name


def serving(folder: Path) -> Demo:
    """A demonstration that leaves its services up, ended with Ctrl-C."""
    output = folder.with_suffix(".txt")
    options = ("--voters", str(VOTERS), "--entities", str(ENTITIES), "--seed", SEED, "--serve", "--out", str(folder))
    with open(output, "wb") as file:
        command = [sys.executable, "-m", "vemre.cli", "--lang", "en", "demo", *options]
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        while "stay up" not in output.read_text():
            assert child.poll() is None, output.read_text()
            time.sleep(0.1)
        for url in re.findall(r"(?m)^  \w+: (http://127.0.0.1:\d+)$", output.read_text()):
            with ServiceClient(url) as service:
                assert service.get_json("/health")
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    finally:
        child.kill()
    assert not running(folder)
    return Demo(folder, output.read_text())


def test_one_seed_gives_equal_results_and_different_keys(demo: Demo, tmp_path: Path) -> None:
    other = serving(tmp_path / "again")
    assert other.report["result"] == demo.report["result"]
    setups = [next(e["body"] for e in kept(run, "tally") if e["type"] == "setup") for run in (demo, other)]
    assert isinstance(setups[0], dict)
    assert isinstance(setups[1], dict)
    assert setups[0]["joint_key"] != setups[1]["joint_key"]
    keys = [json.loads((run.folder / "keys" / "keys.json").read_text()) for run in (demo, other)]
    assert not set(keys[0]["credentials"]) & set(keys[1]["credentials"])
    assert keys[0]["roles"].keys() == keys[1]["roles"].keys()
    for role in keys[0]["roles"]:
        assert keys[0]["roles"][role]["sign"] != keys[1]["roles"][role]["sign"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    done = vemre("demo", "--out", tmp_path, "--no-serve")
    assert done.returncode == 1
    assert "folder-not-empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_an_interrupted_demonstration(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "vemre.cli", "demo", "--voters", "12", "--entities", "2", "--out", str(folder)]
    child = subprocess.Popen([*command, "--no-serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and not (folder / "logs" / "trustee-1.log").exists():
        time.sleep(0.05)
    assert running(folder)
    child.send_signal(number)
    assert child.wait(60) == 130
    assert not running(folder)


def running(folder: Path) -> list[str]:
    """Processes that name the folder on their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{folder}/work" in line:
                found.append(line)
    return found

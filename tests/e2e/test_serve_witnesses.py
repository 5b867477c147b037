"""`serve --witnesses` of the three services, as processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from c2sp_witness import C2spWitness, until, witness_file
from served import prepare_data, write_keys
from simulator import Simulator

from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import LOG_NAMES, LogName

PROGRAM = "from vemre.cli.main import main; main()"
ROLES = {"registry": "registry", "ballot": "ballot-box", "tally": "tally"}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def sim() -> Simulator:
    """An election in which ballots were cast. Shared: nobody may change it."""
    return Simulator().reach("cast")


@pytest.fixture
def data(sim: Simulator, tmp_path: Path) -> Path:
    """The data folders of the three services, with the simulated logs."""
    (tmp_path / "policy.json").write_text(json.dumps(msgspec.to_builtins(sim.policy)))
    for name in LOG_NAMES:
        folder = tmp_path / name
        prepare_data(sim, name, folder, "roster")
        write_keys(sim, name, ROLES[name], folder)
        engine = open_engine(f"sqlite:///{folder / 'service.sqlite3'}")
        blobs = FileBlobStore(folder / "blob")
        for blob in sim.blobs.values():
            blobs.put(blob)
        with LogStore(engine, sim.log_signers[name]).transaction() as transaction:
            transaction.append([record.entry for record in sim.view.logs[name].records])
        engine.dispose()
    return tmp_path


def start(name: LogName, data: Path, witnesses: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, name, "serve", "--insecure", "--data", str(data / name)]
    others = [part for other in LOG_NAMES for part in (f"--{other}-url", NOBODY)]
    more = ["--policy", str(data / "policy.json"), "--witnesses", str(witnesses), *others]
    return subprocess.Popen(
        [*command, *more, "--public-url", f"https://{name}.example"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VEMRE_LANG": "en"},
    )


@contextmanager
def serving(name: LogName, data: Path, witnesses: Path) -> Iterator[httpx2.Client]:
    """One service, and a connection to it."""
    process = start(name, data, witnesses)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        url = json.loads(line)["url"]
        with httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOG_NAMES)
def test_every_service_feeds_its_witnesses(sim: Simulator, data: Path, name: LogName) -> None:
    logs = [signer.vkey for signer in sim.log_signers.values()]
    with C2spWitness("auditor1.example/w", *logs, key=sim.witness_keys["auditor/1"]).running() as witness:
        with serving(name, data, witness_file(data / "witnesses", witness)) as client:

            def first() -> Any:
                return client.get("/log/witnesses").json()[0]

            size = len(sim.view.logs[name])
            until(lambda: first()["size"] == size)
            assert (first()["name"], first()["auditor"], first()["state"]) == ("auditor1.example/w", "auditor/1", "ok")
            assert witness.size(sim.log_signers[name].vkey) == size
            expected = {log: f"https://{name}.example" if log == name else NOBODY for log in LOG_NAMES}
            assert client.get("/logs").json() == expected
            assert "vemre_witness_cosigned_size" in client.get("/metrics").text
        # A witness that saw more than the database has: the same command ends at once, and says so.
        origin = sim.log_signers[name].origin
        witness.notes[origin] = sim.log_signers[name].sign(size + 1, bytes(32))
        process = start(name, data, data / "witnesses")
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (2, "")
        assert "log-rolled-back" in errors
        # And from then on without any witness.
        process = start(name, data, witness_file(data / "none"))
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (2, "")
        assert "store-unusable" in errors


def test_a_file_that_is_wrong_is_refused_with_its_line(data: Path) -> None:
    (data / "witnesses").write_text("# nothing\nwitnes x y\n")
    process = start("registry", data, data / "witnesses")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "witnesses-unusable" in errors
    assert "2 (" in errors

"""The three services by HTTPS, as processes, and the commands of anybody: verified, or refused in plain words."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from served import prepare_data, write_keys
from simulator import Simulator

from vemre.demo import local_ca
from vemre.service import vault
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import LOG_NAMES, LogName

pytestmark = pytest.mark.slow
PROGRAM = "from vemre.cli.main import main; main()"
ROLES = {"registry": "registry", "ballot": "ballot-box", "tally": "tally"}


@dataclass
class Running:
    """Where the services are, and what is to be trusted."""

    folder: Path
    urls: dict[LogName, str]
    authority: Path

    def vemre(self, *words: str, trust: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of somebody who trusts the authority, or does not know it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
        environment["VEMRE_LANG"] = "en"
        if trust:
            environment["SSL_CERT_FILE"] = str(self.authority)
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            capture_output=True, text=True, check=False, timeout=300, env=environment,
        )  # fmt: skip


def free_ports() -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in LOG_NAMES]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, sim = tmp_path_factory.mktemp("https"), Simulator().reach("cast")
    made = local_ca.make(folder / "tls")
    (folder / "policy.json").write_text(json.dumps(msgspec.to_builtins(sim.policy)))
    ports = dict(zip(LOG_NAMES, free_ports(), strict=True))
    found = Running(folder, {name: f"https://127.0.0.1:{port}" for name, port in ports.items()}, made.authority)
    with ExitStack() as stack:
        for name in LOG_NAMES:
            data = folder / name
            prepare_data(sim, name, data, "roster")
            if not (data / "vault").exists():
                vault.create(data / "vault")
            write_keys(sim, name, ROLES[name], data)
            engine = open_engine(f"sqlite:///{data / 'service.sqlite3'}")
            blobs = FileBlobStore(data / "blob")
            for blob in sim.blobs.values():
                blobs.put(blob)
            with LogStore(engine, sim.log_signers[name]).transaction() as transaction:
                transaction.append([record.entry for record in sim.view.logs[name].records])
            engine.dispose()
            options = ["--policy", str(folder / "policy.json"), "--port", str(ports[name]), "--insecure"]
            options += [part for other in LOG_NAMES for part in (f"--{other}-url", found.urls[other])]
            options += ["--tls-certificate", str(made.certificate), "--tls-key", str(made.key)]
            options += ["--trusted-proxy", "192.0.2.0/24", "--trusted-proxy", "2001:db8::/64"]
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, name, "serve", "--data", str(data), *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "SSL_CERT_FILE": str(made.authority)},
            )
            stack.callback(process.communicate)
            stack.callback(process.terminate)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            assert json.loads(line)["url"] == found.urls[name]
        yield found


def watch(running: Running, folder: str, trust: bool) -> subprocess.CompletedProcess[str]:
    policy = str(running.folder / "policy.json")
    words = ["audit", "watch", running.urls["tally"], "--policy", policy, "--data", str(running.folder / folder)]
    return running.vemre(*words, "--once", "--json", trust=trust)


def test_anybody_follows_and_verifies_the_election_by_https(running: Running) -> None:
    done = watch(running, "trusting", trust=True)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines() if '"entry"' in line]
    assert {entry["log"] for entry in entries} == set(LOG_NAMES)


def test_nobody_follows_whom_they_cannot_trust(running: Running) -> None:
    done = watch(running, "doubting", trust=False)
    assert done.returncode == 2
    assert "certificate-not-trusted" in done.stderr
    assert "certificate not trusted: " in done.stderr
    assert "SSL_CERT_FILE" in done.stderr
    assert "Traceback" not in done.stderr


def test_services_follow_one_another_by_https(running: Running) -> None:
    # It looks at the other logs to answer.
    done = running.vemre("tally", "status", "--url", running.urls["tally"], "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = json.loads(running.vemre("ballot", "turnout", "--url", running.urls["ballot"], "--json").stdout)
    assert sum(logs["ballots"].values()) > 0

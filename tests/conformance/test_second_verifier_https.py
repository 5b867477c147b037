"""The second verifier reads a record by HTTPS from a server whose authority it is told to trust, and from no other."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import second_verifier
from certificates import Issued, issue
from static_files import serving

GOLDEN = Path(__file__).parents[1] / "vectors" / "golden"


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return issue(tmp_path / "tls")


@pytest.fixture
def url(issued: Issued) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    with serving(GOLDEN / "record", context) as found:
        yield found


def verify(url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["node", str(second_verifier.COMMAND), url, "--policy", str(GOLDEN / "policy.json"), "--json"]
    own = {name: value for name, value in os.environ.items() if name != "NODE_EXTRA_CA_CERTS"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env={**own, **environment})


def test_authority_that_it_is_told_of_is_trusted(url: str, issued: Issued) -> None:
    run = verify(url, NODE_EXTRA_CA_CERTS=str(issued.authority))
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdict"] == "valid"


def test_any_other_is_not(url: str) -> None:
    run = verify(url)
    assert (run.returncode, run.stdout) == (2, "")
    assert "certificate not trusted: " in run.stderr
    assert "NODE_EXTRA_CA_CERTS" in run.stderr

"""HTTPS that a service speaks itself, and clients that trust nobody by default."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Issued, issue

from vemre.cli.errors import explain
from vemre.errors import Refused
from vemre.messages import Unreachable
from vemre.service import tls
from vemre.service.client import ServiceClient
from vemre.service.witness_client import NoAnswer, WitnessClient

PROGRAM = """
import sys
from pathlib import Path
from vemre.service.app import make_app
from vemre.service.serve import serve
from vemre.service.settings import ServiceSettings

data, certificate, key = map(Path, sys.argv[1:])
app = make_app("example", "Example")

@app.get("/{digest}/checkpoint")
def checkpoint(digest: str) -> str:
    return digest

sys.exit(serve(lambda: app, ServiceSettings(data_dir=data, tls_certificate=certificate, tls_key=key)))
"""


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    return issue(tmp_path_factory.mktemp("tls"))


@contextmanager
def running(folder: Path, issued: Issued) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    command = [sys.executable, "-c", PROGRAM, str(folder), str(issued.certificate), str(issued.key)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def served(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("served"), issued) as (line, _):
        yield line["url"]


def test_address_is_https_and_clients_who_trust_the_authority_are_answered(
    served: str, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.startswith("https://127.0.0.1:")
    monkeypatch.setenv("SSL_CERT_FILE", str(issued.authority))
    with ServiceClient(served) as client:
        assert client.get_json("/health")["status"] == "ok"


def test_untrusted_certificate_is_refused_in_plain_words(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tried = []
    with ServiceClient(served, sleep=tried.append) as client, pytest.raises(Unreachable) as refused:
        client.get_json("/health")
    # Trying again would change nothing.
    assert not tried
    assert refused.value.reason.startswith("certificate not trusted: ")
    problem, code = explain(refused.value)
    assert (problem.code, problem.status, code) == ("certificate-not-trusted", 503, 2)
    for language in ("es", "en"):
        assert "SSL_CERT_FILE" in problem.wording(language).next


def test_certificate_of_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = issue(tmp_path / "other", "urna.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
    with (
        running(tmp_path / "data", other) as (line, _),
        ServiceClient(line["url"]) as client,
        pytest.raises(Unreachable, match="certificate not trusted"),
    ):
        client.get_json("/health")


async def _latest(url: str) -> bytes | None:
    client = WitnessClient(url)
    try:
        return await client.latest("example/log")
    finally:
        await client.close()


def test_feeders_trust_no_more_than_others(served: str, issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(NoAnswer, match="certificate not trusted: "):
        asyncio.run(_latest(served))
    monkeypatch.setenv("SSL_CERT_FILE", str(issued.authority))
    assert asyncio.run(_latest(served))


def test_old_protocols_and_weak_ciphers_are_refused(served: str, issued: Issued) -> None:
    port = int(served.rpartition(":")[2])

    def shake(maximum: ssl.TLSVersion, ciphers: str) -> str | None:
        context = ssl.create_default_context(cafile=str(issued.authority))
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = maximum
        context.set_ciphers(ciphers)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
        try:
            connection.connect()
            return connection.sock.version()
        finally:
            connection.close()

    assert shake(ssl.TLSVersion.TLSv1_3, "DEFAULT") == "TLSv1.3"
    assert shake(ssl.TLSVersion.TLSv1_2, "DEFAULT") == "TLSv1.2"
    for version, ciphers in (
        (ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"),
    ):
        with pytest.raises(ssl.SSLError):
            shake(version, ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(ssl.SSLError):
            shake(ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0")


def test_renewed_certificate_is_taken_up_upon_sighup(tmp_path: Path) -> None:
    first, second = issue(tmp_path / "first"), issue(tmp_path / "second")
    with running(tmp_path / "data", first) as (line, process):
        assert process.stderr is not None

        def reload() -> str:
            os.kill(process.pid, signal.SIGHUP)
            assert process.stderr is not None
            return next(said for said in process.stderr if "certificate" in said)

        def answers_to(authority: Path) -> bool:
            context = ssl.create_default_context(cafile=str(authority))
            connection = http.client.HTTPSConnection("127.0.0.1", line["port"], context=context, timeout=20)
            try:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
            except ssl.SSLCertVerificationError:
                return False
            finally:
                connection.close()

        assert answers_to(first.authority)
        first.certificate.write_bytes(second.certificate.read_bytes())
        # The key does not belong to it yet: the old pair goes on.
        assert "certificate-not-renewed" in reload()
        assert answers_to(first.authority)
        first.key.write_bytes(second.key.read_bytes())
        assert "certificate-renewed" in reload()
        assert answers_to(second.authority)
        assert not answers_to(first.authority)


def test_what_cannot_be_served_with_is_said(issued: Issued, tmp_path: Path) -> None:
    open_key, other = tmp_path / "open.pem", issue(tmp_path / "other")
    open_key.write_bytes(issued.key.read_bytes())
    open_key.chmod(0o644)
    empty = tmp_path / "empty.pem"
    empty.touch(mode=0o600)
    for certificate, key, reason in (
        (issued.certificate, open_key, "every user may read"),
        (issued.certificate, other.key, "no certificate with its key"),
        (issued.certificate, empty, "no certificate with its key"),
        (empty, issued.key, "no certificate with its key"),
        (tmp_path / "nowhere.pem", issued.key, "No such file"),
    ):
        with pytest.raises(Refused) as refused:
            tls.server_context(certificate, key)
        assert refused.value.code == "tls-unusable"
        assert reason in str(refused.value.params["reason"])


def test_encrypted_key_is_refused_and_nobody_is_asked(issued: Issued, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    key = s.load_pem_private_key(issued.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.touch(mode=0o600)
    locked.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x")))
    with pytest.raises(Refused, match="encrypted"):
        tls.server_context(issued.certificate, locked)


def test_half_of_the_settings_are_refused(issued: Issued, tmp_path: Path) -> None:
    from vemre.service.app import make_app
    from vemre.service.serve import serve
    from vemre.service.settings import ServiceSettings

    settings = ServiceSettings(data_dir=tmp_path, tls_certificate=issued.certificate)
    with pytest.raises(Refused, match="tls_key"):
        serve(lambda: make_app("example", "Example"), settings)


def test_roots_that_cannot_be_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(Refused, match="roots-unusable"):
        ServiceClient("https://127.0.0.1:1")
    # Who speaks plain HTTP needs none.
    ServiceClient("http://127.0.0.1:1").close()

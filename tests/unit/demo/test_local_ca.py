"""The authority of a trial: for this machine alone, for a few days, and without a key afterwards."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from vemre.demo import local_ca
from vemre.service import tls


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> local_ca.LocalCertificate:
    return local_ca.make(tmp_path_factory.mktemp("ca") / "tls")


def shake(made: local_ca.LocalCertificate, name: str) -> str | None:
    """The version that a client who trusts the authority, and a service with the certificate, agree on."""
    server, client = socket.socketpair()
    context = tls.server_context(made.certificate, made.key)

    def serve() -> None:
        try:
            context.wrap_socket(server, server_side=True).close()
        except OSError:
            server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trusting = ssl.create_default_context(cafile=str(made.authority))
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
        with trusting.wrap_socket(client, server_hostname=name) as wrapped:
            return wrapped.version()
    finally:
        client.close()
        thread.join()


@pytest.mark.parametrize("name", local_ca.NAMES)
def test_every_name_of_this_machine_is_served(made: local_ca.LocalCertificate, name: str) -> None:
    assert shake(made, name) == "TLSv1.3"


def test_no_other_name_is(made: local_ca.LocalCertificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(made, "urna.example")


def test_files_are_for_those_who_need_them(made: local_ca.LocalCertificate) -> None:
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert made.key.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in made.key.parent.iterdir()) == ["authority.pem", "certificate.pem", "key.pem"]


def test_authority_has_no_key_any_more_and_signs_for_this_machine_alone(made: local_ca.LocalCertificate) -> None:
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    keys = made.key.read_bytes()
    assert b"CERTIFICATE" not in keys
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    assert load_pem_private_key(keys, None).public_key() != authority.public_key()
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees or ()] == [
        "localhost", "127.0.0.0/8", "::1/128",
    ]  # fmt: skip


def test_it_is_over_after_a_few_days(tmp_path: Path) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    made = local_ca.make(tmp_path, now)
    authority, leaf = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (made.authority, made.certificate))

    def holds(at: datetime) -> bool:
        policy = PolicyBuilder().store(Store([authority])).time(at)
        try:
            policy.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])
        except VerificationError:
            return False
        return True

    assert holds(now)
    assert not holds(now + timedelta(days=local_ca.DAYS + 1))
    assert not holds(now - timedelta(days=1))


def test_making_it_again_replaces_everything(tmp_path: Path) -> None:
    first = local_ca.make(tmp_path).certificate.read_bytes()
    made = local_ca.make(tmp_path)
    assert made.certificate.read_bytes() != first
    assert shake(made, "localhost")

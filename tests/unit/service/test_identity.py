"""A service's keys and tokens, its parts, and its mirror of the other logs."""

import stat
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI
from served import identity_of, prepare_data, token_of, write_logs
from simulator import Simulator
from starlette.testclient import TestClient

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.log.signer import LogSigner
from vemre.messages import Unreachable
from vemre.records.policy import PolicyError
from vemre.service import identity as identities
from vemre.service.app import make_app
from vemre.service.follower import Follower
from vemre.service.identity import Identity
from vemre.service.mirror import MirroredSource
from vemre.service.node import ElectionNode
from vemre.service.official import digest, holder_of, new_token
from vemre.service.settings import ServiceSettings
from vemre.service.sources import FolderSource
from vemre.service.station import Station
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"


def counting(n: int) -> bytes:
    counting.calls += 1  # type: ignore[attr-defined]
    return bytes([counting.calls % 251 + 1]) * n  # type: ignore[attr-defined]


counting.calls = 0  # type: ignore[attr-defined]


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(data_dir=tmp_path / "data", origin_host="vemre.example")


def make(settings: ServiceSettings, election_id: str = ELECTION) -> Identity:
    return identities.create(settings, "ballot", election_id, b"", counting, insecure=True)


def test_made_once_and_loaded_again(settings: ServiceSettings) -> None:
    made = make(settings)
    assert made.public()["role"] == "ballot-box"
    assert made.log.origin == f"vemre.example/{ELECTION}/ballot"
    assert made.sign.public != made.log.vkey.public
    again = identities.load(settings, "ballot", b"", allow_insecure=True)
    assert again.public() == made.public()
    store = LogStore(open_engine(settings.database), again.log)
    assert store.size == 0
    store._engine.dispose()
    with pytest.raises(KeyFileError):
        make(settings)


def test_nobody_else_reads_what_was_made(settings: ServiceSettings) -> None:
    make(settings)
    for path in settings.data_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_insecure_keys_open_only_where_they_may(settings: ServiceSettings) -> None:
    make(settings)
    with pytest.raises(KeyFileError):
        identities.load(settings, "ballot", b"", allow_insecure=False)
    with pytest.raises(KeyFileError):
        identities.load(settings, "tally", b"", allow_insecure=True)


@pytest.mark.parametrize("election_id", ["", "x", ELECTION.upper(), ELECTION + "\n", "../../etc"])
def test_election_id_has_its_form(settings: ServiceSettings, election_id: str) -> None:
    with pytest.raises(Refused, match="election-id-unusable"):
        make(settings, election_id)
    assert not settings.data_dir.exists()


def test_token_is_kept_as_its_digest(settings: ServiceSettings) -> None:
    make(settings)
    token = token_of(settings.data_dir)["Authorization"].removeprefix("Bearer ")
    assert identities.token_digest(settings.data_dir, identities.OFFICIAL) == digest(token)
    (settings.data_dir / "official.sha256").write_text("zz")
    with pytest.raises(Refused, match="file-unusable"):
        identities.token_digest(settings.data_dir, identities.OFFICIAL)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("Bearer  {}", 401),
        ("Bearer {}x", 401),
        ("Basic {}", 401),
        ("{}", 401),
        ("Bearer " + "x" * 600, 401),
        ("Bearer \xe9", 401),
    ],
)
def test_holder_of_a_token(header: str, status: int) -> None:
    token = new_token(counting)
    app: FastAPI = make_app("registry", "x")

    @app.get("/secret", dependencies=[Depends(holder_of(digest(token)))])
    async def secret() -> str:
        return "yes"

    with TestClient(app) as client:
        answer = client.get("/secret", headers={"Authorization": header.format(token).encode("latin-1")})
        assert answer.status_code == status
        assert client.get("/secret").status_code == 401


def test_policy_must_name_the_services_own_key(tmp_path: Path) -> None:
    sim = Simulator()
    prepare_data(sim, "ballot", tmp_path)
    stranger = LogSigner(sim.log_signers["ballot"].origin, SigningKey(bytes(32)))
    identity = Identity("ballot", ELECTION, sim.keys["ballot-box"], stranger)
    with pytest.raises(PolicyError):
        Station("x", ServiceSettings(data_dir=tmp_path), identity, Anchors(sim.policy), ElectionNode, sources={})


def test_addresses_of_the_others_are_needed(tmp_path: Path) -> None:
    sim = Simulator()
    prepare_data(sim, "ballot", tmp_path)
    identity = identity_of(sim, "ballot", "ballot-box")
    with pytest.raises(Refused, match="registry_url"):
        Station("x", ServiceSettings(data_dir=tmp_path), identity, Anchors(sim.policy), ElectionNode)


# --- the mirror -----------------------------------------------------------------------------------------------------


class Switched:
    """A source that can be turned off."""

    def __init__(self, source: FolderSource) -> None:
        self.source = source
        self.down = False
        self.asked: list[str] = []

    def _check(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise Unreachable("x", "down")

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        self._check("checkpoint")
        return self.source.checkpoint(cosigned=cosigned, covering=covering)

    def tile(self, path: str) -> bytes:
        self._check(path)
        return self.source.tile(path)

    def blob(self, digest: str, limit: int) -> bytes:
        self._check(digest)
        return self.source.blob(digest, limit)


def test_mirror_stands_in_for_what_is_down(tmp_path: Path) -> None:
    sim = Simulator()
    write_logs(sim, tmp_path / "record", ("tally",))
    switched = Switched(FolderSource(tmp_path / "record", "tally"))
    mirror = MirroredSource(switched, tmp_path / "mirror")
    switched.down = True
    with pytest.raises(Unreachable):
        mirror.checkpoint()
    switched.down = False
    known = mirror.checkpoint(), mirror.tile("tile/0/000.p/1")
    with pytest.raises(FileNotFoundError):
        mirror.tile("tile/0/000.p/2")
    switched.down = True
    again = MirroredSource(switched, tmp_path / "mirror")
    assert (again.checkpoint(), again.tile("tile/0/000.p/1")) == known
    for act in (lambda: again.checkpoint(cosigned=True), lambda: again.tile("tile/0/000.p/2")):
        with pytest.raises(Unreachable):
            act()


def test_damaged_mirror_is_found_by_the_follower(tmp_path: Path) -> None:
    sim = Simulator()
    write_logs(sim, tmp_path / "record", ("tally",))
    source = MirroredSource(FolderSource(tmp_path / "record", "tally"), tmp_path / "mirror")
    vkey = sim.log_signers["tally"].vkey
    Follower("tally", vkey, source).refresh()
    (tmp_path / "mirror" / "tile" / "0" / "000.p" / "1").write_bytes(bytes(32))
    with pytest.raises(CheckFailed) as caught:
        Follower("tally", vkey, source).refresh()
    assert caught.value.check is Check.LOG

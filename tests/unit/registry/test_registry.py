"""The registry's acts over HTTP."""

import itertools
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from served import BallotBoxUnderTest, RegistryUnderTest, listening, roll_file, roll_line, token_of, write_logs
from simulator import CLOSES, Simulator, Voter

from registry.settings import ROSTER
from registry.store import RegistryStore
from vemre.crypto.credential import Credential
from vemre.election.choice import Marks, Null
from vemre.errors import Refused
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"
ROLL = roll_file(
    roll_line(1),
    roll_line(2),
    roll_line(3, "17", country="CA"),
    roll_line(4, "17", "post"),
    roll_line(5, "17", "in-person"),
)


def published(registry: RegistryUnderTest) -> RegistryUnderTest:
    assert registry.import_roll(ROLL).json() == {"registered": 5, "unchanged": 0}
    assert registry.official("credentials").json() == {"issued": 3, "waiting": 3}
    assert registry.official("roll").status_code == 200
    return registry


def credential_of(registry: RegistryUnderTest, number: int) -> Credential:
    return Credential.parse(registry.credential_for(f"persona{number}@example.org"))


def public_of(registry: RegistryUnderTest, number: int) -> str:
    return credential_of(registry, number).signing_key(ELECTION).public.hex()


def set_up(registry: RegistryUnderTest, sim: Simulator) -> None:
    """The other authorities go on with the registry's roll."""
    registry.tell()
    sim.voters = [
        Voter(urn, credential_of(registry, number).signing_key(ELECTION), None)
        for number, urn in ((1, "urna-09"), (2, "urna-09"), (3, "urna-17"))
    ]
    sim.set_up()
    write_logs(sim, registry.record, ("tally",))


def test_refused_roll_changes_nothing_and_lists_every_line(registry: RegistryUnderTest) -> None:
    bad = roll_file(roll_line(1), roll_line(2, country="XX", email="secreto@"), roll_line(3, phone="x"))
    answer = registry.import_roll(bad)
    assert (answer.status_code, answer.json()["code"]) == (422, "roll-refused")
    lines = answer.json()["lines"]
    assert [(line["line"], line["column"]) for line in lines] == [(3, "country"), (3, "email"), (4, "phone")]
    assert all(line["es"] and line["en"] for line in lines)
    assert "secreto" not in answer.text
    assert registry.import_roll(ROLL).json() == {"registered": 5, "unchanged": 0}


def test_import_again_and_import_more(registry: RegistryUnderTest) -> None:
    registry.import_roll(ROLL)
    assert registry.import_roll(ROLL).json() == {"registered": 0, "unchanged": 5}
    assert registry.import_roll(roll_file(roll_line(6))).json() == {"registered": 1, "unchanged": 0}
    registry.official("credentials")
    registry.official("roll")
    assert registry.import_roll(ROLL).json() == {"registered": 0, "unchanged": 5}
    assert registry.import_roll(roll_file(roll_line(7))).json()["code"] == "roll-published"


def test_secrets_go_to_the_outbox_and_nowhere_else(registry: RegistryUnderTest) -> None:
    published(registry)
    assert registry.official("credentials").json() == {"issued": 0, "waiting": 3}
    assert stat.S_IMODE((registry.data / "outbox").stat().st_mode) == 0o700
    files = [path.read_bytes() for path in registry.data.rglob("*") if path.is_file()]
    letters = registry.letters("credential")
    assert len(letters) == 3
    for address, message in letters.items():
        for secret in (message.values["credential"], address):
            assert not any(secret.encode() in data for data in files)
    for path in (registry.data / "outbox" / "mail").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_roll_is_what_was_delivered(registry: RegistryUnderTest) -> None:
    published(registry)
    (record,) = registry.of_the_roll()
    assert isinstance(record.body, s.Roll)
    assert [(urn.urn, urn.count) for urn in record.body.urns] == [("urna-09", 2), ("urna-17", 1)]
    blob = registry.station.blobs.get(record.body.urns[0].credentials.sha256).hex()
    assert sorted([blob[:64], blob[64:]]) == sorted(public_of(registry, number) for number in (1, 2))
    again = registry.official("roll").json()
    assert (again["index"], again["new"]) == (5, False)


def test_roll_waits_for_credentials_and_voters(registry: RegistryUnderTest) -> None:
    assert registry.official("roll").json()["code"] == "roll-empty"
    registry.import_roll(ROLL)
    assert registry.official("roll").json()["code"] == "credentials-missing"
    assert registry.roster().json()["code"] == "roll-not-published"


def test_reissue_before_the_roll_is_silent(registry: RegistryUnderTest) -> None:
    registry.import_roll(ROLL)
    registry.official("credentials")
    before = public_of(registry, 1)
    assert registry.official("reissue", {"folio": "F-0001", "request": str(uuid.uuid4())}).json() == {"record": None}
    assert public_of(registry, 1) != before
    registry.official("roll")
    (record,) = registry.of_the_roll()
    assert isinstance(record.body, s.Roll)
    blob = registry.station.blobs.get(record.body.urns[0].credentials.sha256).hex()
    assert before not in blob
    assert public_of(registry, 1) in blob


def test_reissue_after_the_roll_is_logged_once(registry: RegistryUnderTest) -> None:
    published(registry)
    before, order = public_of(registry, 1), {"folio": "F-0001", "request": str(uuid.uuid4())}
    first = registry.official("reissue", order).json()["record"]
    after = public_of(registry, 1)
    again = registry.official("reissue", order).json()["record"]
    assert (first["new"], again["new"], first["index"]) == (True, False, again["index"])
    assert public_of(registry, 1) == after != before
    body = registry.entries()[-1].body
    assert isinstance(body, s.RollReplace)
    assert (body.urn, body.old, body.new) == ("urna-09", before, after)
    other = registry.official("reissue", {**order, "folio": "F-0002"})
    assert other.json()["code"] == "request-used"
    assert {entry["credential"] for entry in registry.roster().json()["entries"]} >= {after}
    assert registry.official("reissue", {**order, "folio": "F-0009"}).json()["code"] == "voter-unknown"
    assert registry.official("reissue", {**order, "folio": "F-0004"}).json()["code"] == "voter-unknown"


def test_reissue_after_the_setup_is_refused(registry: RegistryUnderTest, sim: Simulator) -> None:
    published(registry)
    set_up(registry, sim)
    before = registry.letters("credential")
    answer = registry.official("reissue", {"folio": "F-0001", "request": str(uuid.uuid4())})
    assert (answer.status_code, answer.json()["code"]) == (409, "roll-frozen")
    assert registry.letters("credential") == before
    assert len(registry.of_the_roll()) == 1


def test_roster_is_for_the_ballot_box_alone(registry: RegistryUnderTest) -> None:
    published(registry)
    assert registry.client.get("/official/roster", headers=token_of(registry.data)).status_code == 401
    assert registry.client.get("/official/roster").status_code == 401
    entries = registry.roster().json()["entries"]
    assert {(entry["urn"], entry["contact"]) for entry in entries} == {
        ("urna-09", "persona1@example.org"),
        ("urna-09", "persona2@example.org"),
        ("urna-17", "persona3@example.org"),
    }
    assert len({entry["pseudonym"] for entry in entries}) == 3
    assert "Persona" not in str(entries)


@pytest.mark.parametrize("act", ["roll-import", "credentials", "roll", "reissue", "block", "marks"])
def test_officials_need_their_token(registry: RegistryUnderTest, act: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, token_of(registry.data, ROSTER)):
        assert registry.client.post(f"/official/{act}", headers=headers).status_code == 401


def test_use_of_personal_data_is_noted_without_any(
    registry: RegistryUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    published(registry)
    registry.roster()
    assert registry.store().accesses() == [
        ("import", 5),
        ("issue", 3),
        ("roll", 3),
        ("roster", 3),
    ]
    logged = capsys.readouterr()
    text = logged.out + logged.err
    assert "personal-data-used" in text
    for secret in ("persona1", "Persona", "+1312", "XXXXXX", "F-0001"):
        assert secret not in text
    for message in registry.letters("credential").values():
        assert message.values["credential"] not in text


def test_block_and_marks_with_a_real_ballot_box(
    sim: Simulator, tmp_path: Path, registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(registry)
    set_up(registry, sim)
    write_logs(sim, registry.record, ("registry",))
    with BallotBoxUnderTest(sim, tmp_path).running() as box:
        box.pseudonyms = [entry["pseudonym"] for entry in registry.roster().json()["entries"]]
        with listening(box.station.app) as url:
            registry.ballot_url = url
            with registry.running():
                assert (
                    registry.official("block", {"folio": "F-0001", "reason": "post"}).json()["code"] == "box-not-open"
                )
                assert box.official("roster", registry.roster().json()).json() == {"new": 3}
                box.open()
                blocked, voting, other = sim.voters
                for _ in range(2):
                    answer = registry.official("block", {"folio": "F-0001", "reason": "post"})
                    assert (answer.status_code, answer.json()) == (200, {"index": 1})
                different = registry.official("block", {"folio": "F-0001", "reason": "withdrawn"})
                assert different.json()["code"] == "already-blocked"
                assert box.cast(blocked, box.ballot(blocked, [Null(), Null()])).json()["code"] == "credential-blocked"
                for voter, choices in ((voting, [Null(), Marks((0,))]), (other, [Null()])):
                    assert box.cast(voter, box.ballot(voter, choices)).status_code == 201
                late = registry.official("block", {"folio": "F-0002", "reason": "in-person"})
                assert late.json()["code"] == "already-voted-online"
                assert registry.official("marks").json()["code"] == "box-not-closed"
                assert box.close().status_code == 200
                for record in box.entries()[len(sim.view.ballot) :]:
                    sim.admit("ballot", record)
                write_logs(sim, registry.record, ("ballot",))
                registry.clock.now = CLOSES
                with monkeypatch.context() as patched:
                    # As after a restored database: ballots of credentials that nobody here knows.
                    patched.setattr(RegistryStore, "voters_of", lambda *_: {})
                    assert registry.official("marks").json()["code"] == "ballots-unknown"
                first, again = (registry.official("marks").json() for _ in range(2))
                assert (first["new"], again["new"], first["index"]) == (True, False, again["index"])
    marks = registry.entries()[-1].body
    assert isinstance(marks, v.Marks)
    assert [(count.urn, count.count) for count in marks.counts] == [("urna-09", 1), ("urna-17", 1)]
    assert [(country.country, country.count) for country in marks.countries] == [("other", 2)]


def test_started_again_it_goes_on(registry: RegistryUnderTest) -> None:
    published(registry)
    with registry.running():
        assert registry.official("roll").json()["new"] is False
        assert len(registry.roster().json()["entries"]) == 3


def test_two_issues_at_once_issue_once(registry: RegistryUnderTest) -> None:
    registry.import_roll(ROLL)
    with ThreadPoolExecutor(3) as pool:
        answers: list[Any] = list(pool.map(lambda _: registry.official("credentials").json(), range(3)))
    assert sorted(answer["issued"] for answer in answers) == [0, 0, 3]
    assert not any(a == b for a, b in itertools.combinations([public_of(registry, n) for n in (1, 2, 3)], 2))


def test_reissue_that_fails_delivers_nothing(registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    published(registry)
    before = public_of(registry, 1)

    def broken(*_: Any) -> None:
        raise Refused("log-busy")

    with monkeypatch.context() as patched:
        patched.setattr(RegistryStore, "reissue", broken)
        order = {"folio": "F-0001", "request": str(uuid.uuid4())}
        assert registry.official("reissue", order).status_code == 503
    assert public_of(registry, 1) == before
    assert len(registry.of_the_roll()) == 1
    # Nothing was replaced, so the order may be given again.
    assert registry.official("reissue", order).json()["record"]["new"] is True
    assert next(entry["credential"] for entry in registry.roster().json()["entries"]) == public_of(registry, 1)

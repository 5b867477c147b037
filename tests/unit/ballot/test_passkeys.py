"""Passkeys, with an authenticator in software."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authenticator import Authenticator, data_of, text
from entering import Person, code_of, posts
from served import BallotBoxUnderTest, token_of
from simulator import Simulator

from ballot.access import passkeys
from vemre.service import holders

HERE = "https://casilla.example.org"


@pytest.fixture
def box(sim: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    with BallotBoxUnderTest(sim, tmp_path, public_url=HERE, **posts(tmp_path)).running() as running:
        running.open().official("access-links")
        yield running


@pytest.fixture
def ana(box: BallotBoxUnderTest) -> Person:
    """A voter who is signed in."""
    person = Person(box, box.sim.voters[0]).enter()
    person.headers = {"Authorization": f"Bearer {person.session()}"}
    return person


def add(person: Person, key: Authenticator) -> Any:
    begun = person.post("/access/passkey/options", {}).json()
    return person.post(
        "/access/passkey/verify", {"ticket": begun["ticket"], "credential": key.create(begun["options"])}
    )


def begin(box: BallotBoxUnderTest) -> Any:
    return box.client.post("/session/passkey/options", json={}).json()


def enter(box: BallotBoxUnderTest, begun: Any, credential: Any, *, bearer: bool = True) -> Any:
    body = {"ticket": begun["ticket"], "credential": credential, "bearer": bearer}
    return box.client.post("/session/passkey/verify", json=body)


def test_passkey_opens_a_session_by_itself(box: BallotBoxUnderTest, ana: Person) -> None:
    key = Authenticator(HERE)
    options = ana.post("/access/passkey/options", {}).json()["options"]
    assert options["rp"]["id"] == "casilla.example.org"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert add(ana, key).json() == {"passkeys": 1}
    begun = begin(box)
    assert "allowCredentials" not in begun["options"] or begun["options"]["allowCredentials"] == []
    answer = enter(box, begun, key.get(begun["options"]))
    assert answer.status_code == 200, answer.text
    assert ana.who(answer.json()["bearer"]).json()["user"] == ana.user
    begun = begin(box)
    answer = enter(box, begun, key.get(begun["options"]), bearer=False)
    assert "__Host-vemre=" in answer.headers["set-cookie"]


@pytest.mark.parametrize("counting", [True, False])
def test_answer_works_once(box: BallotBoxUnderTest, ana: Person, counting: bool) -> None:
    key = Authenticator(HERE, counting=counting)
    add(ana, key)
    begun = begin(box)
    credential = key.get(begun["options"])
    assert enter(box, begun, credential).status_code == 200
    assert code_of(enter(box, begun, credential)) == "sign-in-failed"


def test_copy_of_an_authenticator_that_lags_behind(box: BallotBoxUnderTest, ana: Person) -> None:
    key = Authenticator(HERE)
    add(ana, key)
    begun = begin(box)
    assert enter(box, begun, key.get(begun["options"])).status_code == 200
    key.uses = 0
    begun = begin(box)
    assert code_of(enter(box, begun, key.get(begun["options"]))) == "sign-in-failed"


def test_wrong_answers(box: BallotBoxUnderTest, ana: Person) -> None:
    key, strange = Authenticator(HERE), Authenticator(HERE)
    add(ana, key)
    begun, other = begin(box), begin(box)
    key.origin = "https://casilla.example.net"
    wrong = [key.get(begun["options"])]
    key.origin = HERE
    key.verified = False
    wrong.append(key.get(begun["options"]))
    key.verified = True
    wrong.append(key.get(other["options"]))
    wrong.append(strange.get(begun["options"]))
    for name in ("signature", "authenticatorData", "clientDataJSON"):
        altered = copy.deepcopy(key.get(begun["options"]))
        data = bytearray(data_of(altered["response"][name]))
        data[-1] ^= 1
        altered["response"][name] = text(bytes(data))
        wrong.append(altered)
    handle = copy.deepcopy(key.get(begun["options"]))
    handle["response"]["userHandle"] = text(bytes(16))
    junk = [
        {},
        {"rawId": 1},
        {"rawId": "é"},
        {**handle, "response": None},
        {**key.get(begun["options"]), "response": {}},
    ]
    for credential in [*wrong, handle, *junk]:
        answer = enter(box, begun, credential)
        assert (answer.status_code, code_of(answer)) == (403, "sign-in-failed"), credential
    assert enter(box, begun, key.get(begun["options"])).status_code == 200


def test_adding_needs_a_fresh_session_and_the_right_answer(box: BallotBoxUnderTest, ana: Person) -> None:
    begun = ana.post("/access/passkey/options", {}).json()
    elsewhere = Authenticator("https://casilla.example.net").create(begun["options"])
    unverified = Authenticator(HERE, verified=False).create(begun["options"])
    for credential in (elsewhere, unverified, {}, {"response": {}}):
        answer = ana.post("/access/passkey/verify", {"ticket": begun["ticket"], "credential": credential})
        assert (answer.status_code, code_of(answer)) == (422, "passkey-refused")
    other = Person(box, box.sim.voters[1]).enter()
    box.clock.now += 30
    other.headers = {"Authorization": f"Bearer {other.session()}"}
    mine = Authenticator(HERE).create(begun["options"])
    assert (
        code_of(other.post("/access/passkey/verify", {"ticket": begun["ticket"], "credential": mine})) == "ticket-over"
    )
    ana.headers = {}
    assert ana.post("/access/passkey/options", {}).status_code == 401


def test_session_that_was_left_open_adds_none(box: BallotBoxUnderTest, ana: Person) -> None:
    box.clock.now += passkeys.FRESH_SECONDS
    assert code_of(ana.post("/access/passkey/options", {})) == "session-not-fresh"


def test_few_passkeys_each_once(box: BallotBoxUnderTest, ana: Person) -> None:
    keys = [Authenticator(HERE) for _ in range(passkeys.MOST)]
    assert [add(ana, key).json()["passkeys"] for key in keys] == list(range(1, passkeys.MOST + 1))
    assert add(ana, keys[0]).json() == {"passkeys": passkeys.MOST}
    assert code_of(add(ana, Authenticator(HERE))) == "passkey-refused"
    other = Person(box, box.sim.voters[1]).enter()
    box.clock.now += 30
    other.headers = {"Authorization": f"Bearer {other.session()}"}
    assert code_of(add(other, keys[0])) == "passkey-refused"


def test_recovery_ends_passkeys(box: BallotBoxUnderTest, ana: Person) -> None:
    key = Authenticator(HERE)
    add(ana, key)
    holders.add_holder(box.data, "official", "guardia")
    id = box.official("recovery", {"user": ana.user, "reason": "x"}).json()["id"]
    second = token_of(box.data, "officials/guardia")
    assert box.client.post(f"/official/recovery/{id}/confirm", json={}, headers=second).status_code == 200
    begun = begin(box)
    assert code_of(enter(box, begun, key.get(begun["options"]))) == "sign-in-failed"


def test_without_an_address_there_are_no_passkeys(sim: Simulator, tmp_path: Path) -> None:
    with BallotBoxUnderTest(sim, tmp_path, **posts(tmp_path)).running() as box:
        assert code_of(box.client.post("/session/passkey/options", json={})) == "passkeys-off"

"""A23: codes are replayed, sessions planted, addresses forged, recoveries done by one official alone."""

from __future__ import annotations

import pytest
from entering import OTHER_PASSWORD, Person, code_of, fail, from_address
from served import BallotBoxUnderTest, token_of

from ballot.access import limits, rows
from ballot.sessions import StoredSessions
from vemre.service import holders
from vemre.storage.engine import open_engine, writing

COOKIE = "__Host-vemre"


# --- replay ----------------------------------------------------------------------------------------------------------


def test_totp_code_works_once(box: BallotBoxUnderTest, ana: Person) -> None:
    used = ana.code()
    assert ana.finish(ana.sign_in().json()["ticket"], used).status_code == 200
    assert code_of(ana.finish(ana.sign_in().json()["ticket"], used)) == "sign-in-failed"
    box.clock.now += 30
    # Within the tolerance of the clock it would still be right; so would the one before it.
    assert code_of(ana.finish(ana.sign_in().json()["ticket"], used)) == "sign-in-failed"
    assert ana.session()


def test_code_of_the_first_access_opens_no_session(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    one = Person(box, box.sim.voters[1])
    ticket = one.begin().json()["ticket"]
    one.factor(ticket)
    assert one.confirm(ticket, one.code()).status_code == 200
    assert code_of(one.finish(one.sign_in().json()["ticket"], one.code())) == "sign-in-failed"


def test_code_of_a_text_message_works_once(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    one = Person(box, box.sim.voters[1]).enter("sms")
    tickets = []
    for _ in range(2):
        before = one.texts()
        tickets.append(one.sign_in().json()["ticket"])
        code = one.text_code(before)
    assert one.finish(tickets[0], code).status_code == 200
    for ticket in tickets:
        assert code_of(one.finish(ticket, code)) == "sign-in-failed"
    last_before = one.texts()
    last = one.sign_in().json()["ticket"]
    new = one.text_code(last_before)
    if new != code:
        assert code_of(one.finish(last, code)) == "sign-in-failed"
    box.clock.now += rows.CODE_SECONDS - 2
    fresh = Person(box, one.voter).sign_in().json()["ticket"]
    box.clock.now += 2
    assert code_of(one.finish(fresh, new)) == "sign-in-failed"


def test_ticket_opens_one_session(box: BallotBoxUnderTest, ana: Person) -> None:
    ticket = ana.sign_in().json()["ticket"]
    assert ana.finish(ticket, ana.code()).status_code == 200
    box.clock.now += 60
    assert code_of(ana.finish(ticket, ana.code())) == "sign-in-failed"


def test_code_is_for_the_account_of_the_ticket(box: BallotBoxUnderTest, ana: Person) -> None:
    """The attacker's own code with the voter's ticket, and the voter's code with the attacker's ticket."""
    other = Person(box, box.sim.voters[1]).enter(password=OTHER_PASSWORD)
    box.clock.now += 60
    assert code_of(other.finish(ana.sign_in().json()["ticket"], other.code())) == "sign-in-failed"
    assert code_of(ana.finish(other.sign_in(OTHER_PASSWORD).json()["ticket"], ana.code())) == "sign-in-failed"


def test_first_access_ticket_of_another_account(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    one, other = (Person(box, box.sim.voters[number]) for number in (1, 2))
    ticket = one.begin().json()["ticket"]
    one.factor(ticket)
    theirs = other.begin().json()["ticket"]
    other.factor(theirs)
    assert code_of(other.confirm(ticket, other.code())) == "access-code-wrong"


# --- sessions --------------------------------------------------------------------------------------------------------


def test_planted_session_is_not_taken_over(box: BallotBoxUnderTest, ana: Person) -> None:
    planted = "planted-by-somebody-else-0123456789abcdefghij"
    ana.headers = {"Cookie": f"{COOKIE}={planted}"}
    answer = ana.finish(ana.sign_in().json()["ticket"], ana.code(), bearer=False)
    (given,) = [x for x in answer.headers.get_list("set-cookie") if x.startswith(f"{COOKIE}=")]
    assert planted not in given
    assert box.client.get("/session", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 401


def test_signing_in_ends_the_session_that_the_browser_had(box: BallotBoxUnderTest, ana: Person) -> None:
    """Also one of somebody else: whoever planted it learns nothing of what follows."""
    attackers = Person(box, box.sim.voters[1]).enter(password=OTHER_PASSWORD)
    box.clock.now += 60
    theirs = attackers.finish(attackers.sign_in(OTHER_PASSWORD).json()["ticket"], attackers.code()).json()["bearer"]
    ana.headers = {"Cookie": f"{COOKIE}={theirs}"}
    assert ana.finish(ana.sign_in().json()["ticket"], ana.code(), bearer=False).status_code == 200
    assert attackers.who(theirs).status_code == 401


def test_session_casts_no_other_credential(box: BallotBoxUnderTest, ana: Person) -> None:
    other = Person(box, box.sim.voters[1])
    answer = box.cast(other.voter, box.ballot(other.voter), ana.session())
    assert (answer.status_code, code_of(answer)) == (403, "other-credential")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"])
def test_forged_address_changes_nothing(box: BallotBoxUnderTest, ana: Person, header: str) -> None:
    for number in range(limits.PAIR.most):
        ana.headers = {header: f"for=198.51.100.{number}" if header == "Forwarded" else f"198.51.100.{number}"}
        fail(ana, 1)
    ana.headers = {header: "203.0.113.200"}
    assert ana.sign_in().status_code == 429


def test_one_household_of_ipv6_is_one_network(box: BallotBoxUnderTest, ana: Person) -> None:
    for number in range(limits.PAIR.most):
        fail(from_address(ana, f"2001:db8:1:2::{number:x}"), 1)
    assert from_address(ana, "2001:db8:1:2:ffff::1").sign_in().status_code == 429
    assert from_address(ana, "2001:db8:1:3::1").sign_in().status_code == 200
    fail(from_address(ana, "192.0.2.1"), limits.PAIR.most)
    assert from_address(ana, "::ffff:192.0.2.1").sign_in().status_code == 429


# --- recovery --------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(box: BallotBoxUnderTest) -> dict[str, str]:
    """The header of another official."""
    holders.add_holder(box.data, "official", "guardia")
    return token_of(box.data, "officials/guardia")


def test_recovery_by_one_official_alone(box: BallotBoxUnderTest, ana: Person, second: dict[str, str]) -> None:
    session = ana.session()
    opened = box.official("recovery", {"user": ana.user, "reason": "perdió el teléfono"}).json()
    path = f"/official/recovery/{opened['id']}/confirm"
    alone = box.client.post(path, json={}, headers=token_of(box.data))
    assert (alone.status_code, code_of(alone)) == (403, "recovery-needs-another")
    assert ana.who(session).status_code == 200
    for header in ({}, {"Authorization": f"Bearer {session}"}, {"Authorization": "Bearer x"}):
        assert box.client.post(path, json={}, headers=header).status_code == 401
    assert ana.who(session).status_code == 200
    again = box.official("recovery", {"user": ana.user.upper(), "reason": "otra vez"}).json()
    assert again["id"] == opened["id"]
    by_second = box.client.post("/official/recovery", json={"user": ana.user, "reason": "x"}, headers=second).json()
    assert by_second == again


def test_recovery_voids_everything_that_was(box: BallotBoxUnderTest, ana: Person, second: dict[str, str]) -> None:
    old_link = ana.link()
    session, begun = ana.session(), ana.sign_in().json()["ticket"]
    box.clock.now += 60
    id = box.official("recovery", {"user": ana.user, "reason": "perdió el teléfono"}).json()["id"]
    waiting = box.client.get("/official/recovery", headers=second).json()["recoveries"]
    assert [(found["id"], found["user"], found["opened_by"]) for found in waiting] == [(id, ana.user, "official")]
    for _ in range(2):
        answer = box.client.post(f"/official/recovery/{id}/confirm", json={}, headers=second)
        assert (answer.status_code, answer.json()) == (200, {"confirmed": True})
    assert box.client.get("/official/recovery", headers=second).json() == {"recoveries": []}
    assert ana.who(session).status_code == 401
    assert code_of(ana.finish(begun, ana.code())) == "sign-in-failed"
    assert code_of(ana.finish(ana.sign_in().json()["ticket"], ana.code(1))) == "sign-in-failed"
    new = ana.link(but=old_link)
    assert code_of(ana.begin(old_link)) == "access-refused"
    assert box.official("access-links").json()["sent"] == 0
    old_secret = ana.secret
    ticket = ana.begin(new).json()["ticket"]
    ana.factor(ticket)
    assert ana.secret != old_secret
    assert ana.confirm(ticket, ana.code(), OTHER_PASSWORD).status_code == 200
    # Whoever began to sign in before with the old password does not end it with the new factor.
    assert code_of(ana.finish(begun, ana.code(1))) == "sign-in-failed"


def test_recovery_waits_a_day_at_most(box: BallotBoxUnderTest, ana: Person, second: dict[str, str]) -> None:
    id = box.official("recovery", {"user": ana.user, "reason": "x"}).json()["id"]
    box.clock.now += 24 * 3600
    late = box.client.post(f"/official/recovery/{id}/confirm", json={}, headers=second)
    assert (late.status_code, code_of(late)) == (409, "recovery-over")
    assert ana.session()
    assert (
        code_of(box.client.post(f"/official/recovery/{'0' * 32}/confirm", json={}, headers=second))
        == "recovery-unknown"
    )


def test_session_is_over_at_once_where_another_instance_ends_it(ana: Person) -> None:
    box = ana.box
    session = ana.session()
    assert ana.who(session).status_code == 200
    engine = open_engine(f"sqlite:///{box.data / 'service.sqlite3'}")
    with writing(engine) as connection:
        rows.drop_access(connection, box.pseudonym(ana.voter))
        StoredSessions(engine, box.clock, bytes).end_all(connection, box.pseudonym(ana.voter))
    engine.dispose()
    assert ana.who(session).status_code == 401
    entry = box.ballot(ana.voter)
    assert box.cast(ana.voter, entry, session).status_code == 401

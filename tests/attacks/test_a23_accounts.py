"""A23: accounts are enumerated, passwords and codes guessed.

Whoever fails learns nothing, whoever guesses has to wait, and neither keeps the voter out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from entering import OTHER_PASSWORD, PASSWORD, Person, code_of, device_of, fail, from_address, refusal_of, stranger
from served import BallotBoxUnderTest
from sqlalchemy import event

from ballot.access import limits, passwords, rows
from vemre.service import vault
from vemre.storage.engine import writing

DEVICE = "__Host-vemre-device"


# --- enumeration -----------------------------------------------------------------------------------------------------


def test_answers_tell_nothing_of_accounts(box: BallotBoxUnderTest, ana: Person) -> None:
    people = ana, stranger(box), Person(box, box.sim.voters[2])
    first = [person.sign_in(OTHER_PASSWORD) for person in people]
    right = ana.sign_in()
    assert right.status_code == 200
    assert len({refusal_of(answer) for answer in [*first, right]}) == 1
    tickets = [answer.json()["ticket"] for answer in first]
    second = [person.finish(ticket, "000000") for person, ticket in zip(people, tickets, strict=True)]
    second += [ana.finish(right.json()["ticket"], "000000"), ana.finish(tickets[0], ana.code())]
    assert {code_of(answer) for answer in second} == {"sign-in-failed"}
    assert len({refusal_of(answer) for answer in second}) == 1


def test_method_tells_neither_account_nor_password(box: BallotBoxUnderTest, ana: Person) -> None:
    """What is asked for next depends on what was sent alone, unless the password is right: then it is the truth."""
    nobody = stranger(box)
    for person in (ana, nobody):
        asked = {password: person.sign_in(password).json()["method"] for password in map(str, range(40))}
        assert set(asked.values()) == {"totp", "sms"}
        assert asked == {password: person.sign_in(password).json()["method"] for password in asked}
    assert ana.sign_in().json()["method"] == "totp"


def test_the_same_work_is_done_without_an_account(
    box: BallotBoxUnderTest, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda kept_, given: kept.append(kept_) or real(kept_, given))
    ana.sign_in(OTHER_PASSWORD)
    stranger(box).sign_in(OTHER_PASSWORD)
    parameters = [found.rpartition("$")[0].rpartition("$")[0] for found in kept]
    assert parameters == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2

    def statements(person: Person, password: str) -> list[str]:
        return asked_of_the_database(box, lambda: fail(person, 1, password))

    assert statements(ana, OTHER_PASSWORD) == statements(stranger(box), OTHER_PASSWORD) == statements(ana, PASSWORD)


def asked_of_the_database(box: BallotBoxUnderTest, act: Callable[[], Any]) -> list[str]:
    """The statements of an act."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(box.station.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(box.station.engine, "before_cursor_execute", note)
    return [statement for statement in found if not statement.startswith(("BEGIN", "PRAGMA", "DELETE FROM tries"))]


def test_nothing_is_sent_to_whom_somebody_else_names(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    by_sms = Person(box, box.sim.voters[3]).enter("sms")
    before = len(by_sms.texts())
    for _ in range(3):
        by_sms.sign_in(OTHER_PASSWORD)
    sent = by_sms.sign_in()
    by_sms.text_code(by_sms.texts()[:before])
    assert len(by_sms.texts()) == before + 1, sent.text


def test_unknown_and_used_links_and_wrong_digits_get_one_answer(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    one = Person(box, box.sim.voters[4])
    token = one.link()
    answers = [one.begin("x" * 43), one.begin(digits="0000")]
    one.enter()
    answers.append(one.begin(token))
    assert {code_of(x) for x in answers} == {"access-refused"}
    assert len({refusal_of(answer) for answer in answers}) == 1


# --- brute force, and locking out ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_guessing_from_one_address_has_to_wait(box: BallotBoxUnderTest, ana: Person, known: bool) -> None:
    target = ana if known else stranger(box)
    assert code_of(fail(target, limits.PAIR.most)) == "sign-in-failed"
    locked = target.sign_in()
    assert (locked.status_code, code_of(locked)) == (429, "too-many-tries")
    assert int(locked.headers["retry-after"]) == limits.PAIR.seconds
    box.clock.now += limits.PAIR.seconds - 1
    assert target.sign_in().status_code == 429
    box.clock.now += 1
    assert target.sign_in().status_code == 200


def test_tickets_taken_beforehand_do_not_pass_the_limit(ana: Person) -> None:
    tickets = [ana.sign_in().json()["ticket"] for _ in range(limits.PAIR.most + 3)]
    answers = [ana.finish(ticket, "000000") for ticket in tickets]
    assert [x.status_code for x in answers[-3:]] == [429] * 3
    assert ana.finish(tickets[0], ana.code()).status_code == 429


def test_failures_keep_nobody_else_out(box: BallotBoxUnderTest, ana: Person) -> None:
    """An attacker who knows the address fails from the voter's own network, and from elsewhere."""
    device = device_of(ana)
    fail(ana, limits.PAIR.most)
    fail(from_address(ana, "198.51.100.7"), limits.PAIR.most)
    assert ana.sign_in().status_code == 429
    # Another voter of the same network, the voter at another network, and the voter's own device there.
    assert Person(box, box.sim.voters[1]).enter().sign_in().status_code == 200
    away = from_address(ana, "203.0.113.9")
    assert away.session()
    box.clock.now += 60
    ana.headers = {"Cookie": device}
    assert ana.session()


def test_device_of_another_voter_is_not_known(box: BallotBoxUnderTest, ana: Person) -> None:
    device = device_of(ana)
    other = Person(box, box.sim.voters[1]).enter()
    box.clock.now += 60
    for cookie in (device, device[:-1] + ("0" if device[-1] != "0" else "1"), f"{DEVICE}=x", f"{DEVICE}={'é' * 40}"):
        other.headers = {"Cookie": cookie.encode()}  # type: ignore[dict-item]
        fail(other, limits.PAIR.most)
        assert other.sign_in().status_code == 429
        box.clock.now += limits.PAIR.seconds


def test_a_known_device_may_not_guess_either(box: BallotBoxUnderTest, ana: Person) -> None:
    ana.headers = {"Cookie": device_of(ana)}
    fail(ana, limits.DEVICE.most, PASSWORD)
    assert ana.sign_in().status_code == 429
    ana.headers = {}
    assert ana.session()


def test_many_failures_of_one_network(box: BallotBoxUnderTest, ana: Person) -> None:
    device, noisy = device_of(ana), stranger(box)
    kept = vault.load(box.data / "vault")
    for number in range(limits.NETWORK.most - 1):
        # As the box counts a failure, without hashing a password for each.
        with writing(box.station.engine) as connection:
            limits.failed(connection, limits.counted(kept, f"{number:064x}", "testclient", None), box.clock())
    assert code_of(fail(noisy, 1)) == "sign-in-failed"
    noisy.user = "otra@example.net"
    assert noisy.sign_in().status_code == 429
    assert from_address(ana, "203.0.113.9").sign_in().status_code == 200
    ana.headers = {"Cookie": device}
    assert ana.session()


def test_second_factor_is_not_guessed_by_who_has_the_password(box: BallotBoxUnderTest, ana: Person) -> None:
    """From many addresses, each below its own limit. The account takes no code for a while, and does not say so."""
    device = device_of(ana)
    for number in range(limits.FREE_FAILURES):
        attacker = from_address(ana, f"198.51.100.{number}")
        assert code_of(attacker.finish(attacker.sign_in().json()["ticket"], "000000")) == "sign-in-failed"
    attacker = from_address(ana, "198.51.100.250")
    guessed = attacker.finish(attacker.sign_in().json()["ticket"], ana.code())
    assert (guessed.status_code, code_of(guessed)) == (403, "sign-in-failed")
    # The voter gets in from the device that is known, which ends the lock.
    ana.headers = {"Cookie": device}
    assert ana.session()
    box.clock.now += 60
    assert attacker.finish(attacker.sign_in().json()["ticket"], ana.code()).status_code == 200


def test_lock_of_an_account_ends_by_itself(box: BallotBoxUnderTest, ana: Person) -> None:
    for number in range(limits.FREE_FAILURES):
        fail(from_address(ana, f"198.51.100.{number}"), 1, PASSWORD)
    away = from_address(ana, "203.0.113.9")
    assert code_of(away.finish(away.sign_in().json()["ticket"], away.code())) == "sign-in-failed"
    box.clock.now += 15 * 60
    assert away.session()


def test_who_knows_an_address_alone_never_locks_the_account(box: BallotBoxUnderTest, ana: Person) -> None:
    for number in range(3 * limits.FREE_FAILURES):
        fail(from_address(ana, f"198.51.100.{number}"), 1)
    assert ana.session()


def test_digits_of_the_telephone_are_not_guessed(box: BallotBoxUnderTest) -> None:
    box.official("access-links")
    one = Person(box, box.sim.voters[4])
    guesses = [f"{number:04}" for number in range(10_000) if f"{number:04}" != one.phone[-4:]]
    for guess in guesses[: rows.MOST_MISTAKES]:
        one.begin(digits=guess)
    assert code_of(one.begin()) == "access-refused"


# --- what is left behind ---------------------------------------------------------------------------------------------


def test_no_secret_is_logged(
    box: BallotBoxUnderTest, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box.official("access-links")
    one = Person(box, box.sim.voters[5]).enter("sms")
    token = one.link()
    before = one.texts()
    started = one.sign_in().json()["ticket"]
    code = one.text_code(before)
    session = one.finish(started, code).json()["bearer"]
    fail(one, 2, PASSWORD)
    box.official("recovery", {"user": one.user, "reason": "motivo privado"})
    captured = capsys.readouterr()
    said = captured.out + captured.err + caplog.text
    assert "/session/code" in said
    for secret in (token, PASSWORD, session, started, code, one.user, one.phone, "motivo privado"):
        assert secret not in said

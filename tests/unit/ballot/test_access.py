"""First access, signing in, sessions: the way of a voter, on both databases, and what each step refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from entering import PASSWORD, Person, posts
from served import BallotBoxUnderTest
from simulator import CLOSES, Simulator

from ballot import sessions
from ballot.access import rows
from ballot.access.first import TICKET_SECONDS
from vemre.crypto import tracker
from vemre.records.fields import format_time

COOKIE = "__Host-vemre"


@pytest.fixture
def box(sim: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """An open ballot box whose links were sent."""
    with BallotBoxUnderTest(sim, tmp_path, **posts(tmp_path)).running() as running:
        running.open()
        assert running.official("access-links").json() == {"sent": 7, "without_phone": 0}
        yield running


@pytest.fixture
def ana(box: BallotBoxUnderTest) -> Person:
    return Person(box, box.sim.voters[0])


def refused(answer: Any, status: int, code: str) -> bool:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return True


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_way_of_a_voter_on_either_database(sim: Simulator, tmp_path: Path, database_url: str) -> None:
    under_test = BallotBoxUnderTest(sim, tmp_path, database_url=database_url, **posts(tmp_path))
    with under_test.running() as box:
        box.open()
        box.official("access-links")
        by_app, by_sms = (Person(box, voter) for voter in sim.voters[:2])
        by_app.enter()
        by_sms.enter("sms")
        before = by_sms.texts()
        started = by_sms.sign_in().json()
        assert started["method"] == "sms"
        answer = by_sms.finish(started["ticket"], by_sms.text_code(before))
        assert answer.status_code == 200, answer.text
        token = by_app.session()
        for person, bearer in ((by_app, token), (by_sms, answer.json()["bearer"])):
            ballot = box.cast(person.voter, box.ballot(person.voter), bearer)
            assert ballot.status_code == 201
            who = person.who(bearer).json()
            leaf = ballot.json()["leaf_hash"]
            assert who["voted"] == {"tracker": tracker.shown(bytes.fromhex(leaf)), "leaf_hash": leaf}
            assert (who["user"], who["credential"]) == (person.user, person.voter.key.public.hex())
    with under_test.running() as box:
        # A session outlives the process.
        assert by_app.who(token).json()["voted"] is not None
        assert box.official("access-links").json() == {"sent": 0, "without_phone": 0}


def test_what_each_step_says(ana: Person) -> None:
    begun = ana.begin().json()
    assert begun["user"] == "0•••@e•••.net"
    assert begun["factors"] == ["totp", "sms"]
    found = ana.factor(begun["ticket"]).json()
    assert set(found) == {"totp", "now"}
    assert found["totp"]["uri"].startswith("otpauth://totp/VeMRE:")
    assert found["totp"]["secret"] in found["totp"]["uri"]
    again = ana.factor(begun["ticket"]).json()
    assert again == found
    assert ana.factor(begun["ticket"], "sms").json()["sms"] == {"masked": f"••• {ana.phone[-4:]}"}
    # Another visit has another secret: whoever was there before does not know it.
    assert ana.factor(ana.begin().json()["ticket"]).json()["totp"] != found["totp"]


def test_links_are_sent_once_and_only_digests_are_kept(box: BallotBoxUnderTest) -> None:
    people = [Person(box, voter) for voter in box.sim.voters]
    tokens = [person.link() for person in people]
    assert len(set(tokens)) == 7
    assert box.official("access-links").json() == {"sent": 0, "without_phone": 0}
    people[0].enter()
    secrets = [*tokens, people[0].secret, PASSWORD, people[0].user]
    kept = b"".join(path.read_bytes() for path in box.data.glob("service.sqlite3*"))
    for secret in secrets:
        assert secret.encode() not in kept
    for path in Path(box.settings["mail_folder"]).glob("*.eml"):
        assert path.stat().st_mode & 0o777 == 0o600


# --- first access ----------------------------------------------------------------------------------------------------


def test_link_works_once(ana: Person) -> None:
    ticket = ana.begin().json()["ticket"]
    ana.enter()
    assert refused(ana.begin(), 403, "access-refused")
    assert refused(ana.factor(ticket), 403, "access-refused")
    assert refused(ana.confirm(ticket, "000000"), 403, "access-refused")


def test_lost_answer_may_be_asked_for_again(ana: Person) -> None:
    ticket = ana.begin().json()["ticket"]
    ana.factor(ticket)
    first = ana.confirm(ticket, ana.code())
    assert first.status_code == 200
    assert ana.confirm(ticket, ana.code()).json() == first.json()
    assert refused(ana.confirm(ticket, ana.code(), "otra cosa del todo distinta"), 403, "access-refused")


def test_wrong_digits_use_the_link_up(ana: Person, box: BallotBoxUnderTest) -> None:
    wrong = f"{(int(ana.phone[-4:]) + 1) % 10**4:04}"
    for _ in range(rows.MOST_MISTAKES):
        assert refused(ana.begin(digits=wrong), 403, "access-refused")
    old = ana.link()
    assert refused(ana.begin(), 403, "access-refused")
    assert box.official("access-links").json()["sent"] == 1
    assert ana.begin(ana.link(but=old)).status_code == 200
    assert refused(ana.begin(old), 403, "access-refused")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("corta", "password-short"),
        ("x" * 257, "password-long"),
        ("contraseña1234", "password-common"),
        ("MéxicoLindo2027", "password-common"),
        ("solicitante@example.net"[-11:] + "1", "password-common"),
    ],
)
def test_passwords_that_are_refused_use_nothing_up(ana: Person, password: str, code: str) -> None:
    ticket = ana.begin().json()["ticket"]
    ana.factor(ticket)
    assert refused(ana.confirm(ticket, ana.code(), password), 422, code)
    assert ana.confirm(ticket, ana.code()).status_code == 200


def test_code_of_first_access_has_few_tries(ana: Person) -> None:
    ticket = ana.begin().json()["ticket"]
    before = ana.texts()
    ana.factor(ticket, "sms")
    code = ana.text_code(before)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(rows.CODE_MISTAKES):
        assert refused(ana.confirm(ticket, wrong), 403, "access-code-wrong")
    assert refused(ana.confirm(ticket, code), 403, "access-code-wrong")


def test_few_text_messages_are_sent(ana: Person) -> None:
    ticket = ana.begin().json()["ticket"]
    for number in range(rows.CODES_SENT):
        ana.factor(ticket, "sms")
        last = ana.text_code([""] * number)
    assert ana.factor(ticket, "sms").status_code == 200
    assert ana.confirm(ticket, last).status_code == 200
    assert len(ana.texts()) == rows.CODES_SENT


def test_text_message_is_no_choice_where_nobody_sends_them(sim: Simulator, tmp_path: Path) -> None:
    settings = {"mail_folder": tmp_path / "mail"}
    with BallotBoxUnderTest(sim, tmp_path, **settings).running() as box:
        box.open().official("access-links")
        ana = Person(box, sim.voters[0])
        begun = ana.begin().json()
        assert begun["factors"] == ["totp"]
        assert refused(ana.factor(begun["ticket"], "sms"), 409, "factor-unavailable")


def test_tickets_end_and_fit_no_other_step(ana: Person, box: BallotBoxUnderTest) -> None:
    ticket = ana.begin().json()["ticket"]
    assert refused(ana.finish(ticket, "000000"), 403, "ticket-over")
    assert refused(ana.factor(ticket[:-1] + ("A" if ticket[-1] != "A" else "B")), 403, "ticket-over")
    box.clock.now += TICKET_SECONDS
    assert refused(ana.factor(ticket), 403, "ticket-over")


def test_links_end_with_the_vote(ana: Person, box: BallotBoxUnderTest) -> None:
    begun = ana.begin().json()
    box.clock.now = CLOSES
    assert refused(ana.begin(), 403, "access-refused")
    late = Person(box, box.sim.voters[1])
    assert refused(late.begin(), 403, "access-refused")
    assert refused(ana.factor(begun["ticket"]), 403, "ticket-over")


def test_changed_address_voids_the_link_that_went_to_the_old_one(ana: Person, box: BallotBoxUnderTest) -> None:
    old = ana.link()
    roster = box.roster()
    roster["entries"][0]["contact"] = "nueva@example.net"
    assert box.official("roster", roster).json() == {"new": 0}
    assert refused(ana.begin(old), 403, "access-refused")
    assert box.official("access-links").json()["sent"] == 1
    ana.user = "nueva@example.net"
    assert ana.enter().session()


def test_account_without_a_telephone_gets_no_link(sim: Simulator, tmp_path: Path) -> None:
    with BallotBoxUnderTest(sim, tmp_path, **posts(tmp_path)).running() as box:
        roster = box.roster()
        roster["entries"][0]["phone"] = ""
        box.official("roster", roster)
        assert box.official("access-links").json() == {"sent": 6, "without_phone": 1}


# --- sessions --------------------------------------------------------------------------------------------------------


def test_session_ends_is_prolonged_and_is_ended(ana: Person, box: BallotBoxUnderTest) -> None:
    token = ana.enter().session()
    headers = {"Authorization": f"Bearer {token}"}
    box.clock.now += sessions.SECONDS - 1
    told = box.client.post("/session/extend", headers=headers).json()
    assert (told["now"], told["expires"]) == (format_time(box.clock.now), format_time(box.clock.now + 1800))
    box.clock.now += sessions.SECONDS - 1
    assert ana.who(token).status_code == 200
    box.clock.now += 1
    assert ana.who(token).status_code == 401
    assert box.client.post("/session/extend", headers=headers).status_code == 401
    token = ana.session()
    for _ in range(2):
        assert box.client.delete("/session", headers={"Authorization": f"Bearer {token}"}).status_code == 204
    assert ana.who(token).status_code == 401


def test_no_session_lasts_for_ever(ana: Person, box: BallotBoxUnderTest) -> None:
    token = ana.enter().session()
    end = box.clock.now + sessions.LONGEST
    while box.clock.now < end - 1:
        assert ana.who(token).status_code == 200
        box.client.post("/session/extend", headers={"Authorization": f"Bearer {token}"})
        box.clock.now = min(box.clock.now + 1700, end - 1)
    box.clock.now = end
    assert ana.who(token).status_code == 401


def test_few_sessions_of_one_account(ana: Person, box: BallotBoxUnderTest) -> None:
    ana.enter()
    tokens = []
    for _ in range(sessions.MOST + 1):
        tokens.append(ana.session())
        box.clock.now += 60
    assert [ana.who(token).status_code for token in tokens] == [401] + [200] * sessions.MOST


def test_cookie_needs_the_header_to_change_anything(ana: Person, box: BallotBoxUnderTest) -> None:
    ana.enter()
    answer = ana.finish(ana.sign_in().json()["ticket"], ana.code(), bearer=False)
    assert "bearer" not in answer.json()
    cookies = {found.split("=")[0]: found for found in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {COOKIE, f"{COOKIE}-device"}
    for found in cookies.values():
        for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert attribute in found
        assert "Domain" not in found
    cookie = {"Cookie": cookies[COOKIE].partition(";")[0]}
    assert box.client.get("/session", headers=cookie).status_code == 200
    entry = box.ballot(ana.voter)
    json = {"Content-Type": "application/json"}
    for header in ({}, {"X-VeMRE": "0"}):
        for send in (
            lambda h: box.client.post("/session/extend", headers=h),
            lambda h: box.client.delete("/session", headers=h),
            lambda h: box.client.post("/ballots", content=entry, headers={**h, **json}),
        ):
            assert refused(send({**cookie, **header}), 403, "header-missing")
    fit = {**cookie, "X-VeMRE": "1"}
    assert box.client.post("/session/extend", headers=fit).status_code == 200
    assert box.client.post("/ballots", content=entry, headers={**fit, **json}).status_code == 201
    gone = box.client.delete("/session", headers=fit)
    assert gone.status_code == 204
    assert f'{COOKIE}=""' in gone.headers["set-cookie"]
    assert box.client.get("/session", headers=cookie).status_code == 401


def test_session_before_anything_is_cast(ana: Person) -> None:
    who = ana.who(ana.enter().session()).json()
    assert who["voted"] is None
    assert who["urn"] == ana.voter.urn


def test_block_is_no_vote(ana: Person, box: BallotBoxUnderTest) -> None:
    token = ana.enter().session()
    box.submit(box.block(ana.voter))
    assert ana.who(token).json()["voted"] is None

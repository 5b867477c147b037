"""Voters are told of a ballot in their name: each one, after it is durable, and never at the cost of a cast."""

import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from served import BallotBoxUnderTest, token_of
from simulator import Simulator
from sqlalchemy import select

from ballot.received import Received
from ballot.store import BallotStore
from ballot.tables import told
from vemre.election.rules.view import View
from vemre.service import vault as vaults
from vemre.service.delivery import Courier, Message, Outbox


@pytest.fixture
def posting(sim: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """An open ballot box that writes its mails into a folder."""
    box = BallotBoxUnderTest(sim, tmp_path, mail_folder=tmp_path / "mails", help_contact="+52 55 0000 0000")
    with box.running() as running:
        yield running.open()


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def mails(folder: Path) -> list[EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def cast(box: BallotBoxUnderTest, number: int) -> dict[str, Any]:
    voter = box.sim.voters[number]
    answer = box.cast(voter, box.ballot(voter))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outbox(box: BallotBoxUnderTest) -> Outbox:
    return Outbox(box.data / "outbox", vaults.load(box.data / "vault"), box.clock)


def waiting(box: BallotBoxUnderTest) -> list[Message]:
    return [message for message in outbox(box).waiting() if message.template == "received"]


def position(box: BallotBoxUnderTest) -> int:
    with box.station.engine.connect() as connection:
        return int(connection.execute(select(told.c.position)).scalar_one())


def another_walker(box: BallotBoxUnderTest) -> Received:
    return Received(box.station, BallotStore(box.station.engine, box.data / "vault"), Courier(outbox(box), {}))


def test_the_mail_says_which_ballot_and_whom_to_call(posting: BallotBoxUnderTest, tmp_path: Path) -> None:
    given = cast(posting, 0)
    until(lambda: len(mails(tmp_path / "mails")) == 1)
    (mail,) = mails(tmp_path / "mails")
    assert mail["To"] == f"{posting.pseudonym(posting.sim.voters[0])}@example.net"
    text = text_of(mail)
    assert f"    {given['tracker']}" in text.splitlines()
    assert "+52 55 0000 0000" in text
    assert "hora" in text
    for hidden in (given["leaf_hash"], posting.sim.voters[0].urn):
        assert hidden not in text
    assert given["tracker"] not in str(mail["Subject"])


def test_each_ballot_is_told_once_whatever_is_sent_again(posting: BallotBoxUnderTest, tmp_path: Path) -> None:
    voter = posting.sim.voters[0]
    entry = posting.ballot(voter)
    first = posting.cast(voter, entry).json()
    assert posting.cast(voter, entry).json() == first
    second = posting.cast(voter, posting.ballot(voter))
    assert second.status_code == 409
    last = cast(posting, 1)
    until(lambda: len(mails(tmp_path / "mails")) == 2)
    with posting.running():
        after = cast(posting, 2)
        until(lambda: len(mails(tmp_path / "mails")) == 3)
    texts = "".join(text_of(mail) for mail in mails(tmp_path / "mails"))
    assert all(texts.count(given["tracker"]) == 2 for given in (first, last, after))


def test_a_crash_before_the_cursor_is_kept_tells_again_and_leaves_none_out(
    box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: position(box) == 1)
    walked = Received.walk
    monkeypatch.setattr(Received, "walk", lambda _: False)
    given = [cast(box, number) for number in range(3)]
    walker = another_walker(box)
    with monkeypatch.context() as patched:
        patched.setattr("ballot.received.writing", lambda _: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            walked(walker)
    assert position(box) == 1
    assert {message.values["tracker"] for message in waiting(box)} == {one["tracker"] for one in given}
    # The outbox knows them by their names: what waits does not double.
    walked(walker)
    assert position(box) == 4
    assert len(waiting(box)) == 3


def test_walkers_of_two_instances_do_not_go_back(box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: position(box) == 1)
    walked = Received.walk
    monkeypatch.setattr(Received, "walk", lambda _: False)
    monkeypatch.setattr("ballot.received.BATCH", 2)
    for number in range(3):
        cast(box, number)
    one, other = another_walker(box), another_walker(box)
    monkeypatch.setattr(one, "_position", lambda: 1)
    assert walked(other)
    assert not walked(other)
    assert position(box) == 4
    assert walked(one)
    assert position(box) == 4


def test_nobody_is_told_of_what_is_not_durable(box: BallotBoxUnderTest) -> None:
    cast(box, 0)
    until(lambda: position(box) == 2)
    record = box.sim.ballot(box.sim.voters[1], box.sim.voters[1].choices or [])

    def add(view: View) -> None:
        view.ballot.append(record)

    box.station.node.look(add)
    assert not another_walker(box).walk()
    assert position(box) == 2
    assert len(waiting(box)) == 1


def test_casting_does_not_wait_for_it(box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    put = Outbox.put

    def slow(outbox: Outbox, message: Message) -> None:
        begun.set()
        assert goes_on.wait(30)
        put(outbox, message)

    monkeypatch.setattr(Outbox, "put", slow)
    cast(box, 0)
    assert begun.wait(30)
    cast(box, 1)
    cast(box, 2)
    assert waiting(box) == []
    goes_on.set()
    until(lambda: len(waiting(box)) == 3)


def test_a_fault_is_tried_again(box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ballot.received._PAUSE", 0.01)
    faults = [OSError("full")] * 3
    put = Outbox.put

    def failing(outbox: Outbox, message: Message) -> None:
        if faults:
            raise faults.pop()
        put(outbox, message)

    monkeypatch.setattr(Outbox, "put", failing)
    cast(box, 0)
    until(lambda: len(waiting(box)) == 1)


def test_blocks_are_no_ballots(box: BallotBoxUnderTest) -> None:
    assert box.submit(box.sim.sign("ballot", "registry", _block(box))).status_code == 201
    cast(box, 0)
    until(lambda: position(box) == 3)
    assert len(waiting(box)) == 1


def _block(box: BallotBoxUnderTest) -> Any:
    from vemre.records import vote_bodies as v

    voter = box.sim.voters[3]
    context = box.sim.view.context
    assert context is not None
    return v.Block(context.hex(), voter.urn, voter.key.public.hex(), "post")


def test_officials_of_the_box_see_its_letters(box: BallotBoxUnderTest) -> None:
    cast(box, 0)
    until(lambda: len(waiting(box)) == 1)
    found = box.client.get("/official/deliveries?addresses=true", headers=token_of(box.data)).json()
    assert (found["waiting"], found["served"]) == (1, [])
    assert [group["template"] for group in found["groups"]] == ["received"]
    assert found["deliveries"][0]["to"].endswith("@example.net")
    assert box.client.get("/official/deliveries").status_code == 401

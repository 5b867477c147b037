"""The stream of events over a real server: live, going on after a break, bounded, and ending with the witness."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from conftest import EVENTS, Witnessed, finding
from served import listening

from audit.hooks import document
from audit.hooks.events import EntryEvent, IncidentEvent
from audit.witness.hub import EventHub, Reader
from audit.witness.stream import EventStream
from vemre.service.app import make_app

PATIENCE = 60.0


def entry(number: int) -> EntryEvent:
    return EntryEvent("ballot", number, "ballot", "ballot-box", "00" * 32)


@contextmanager
def reading(url: str, last: str | None = None) -> Iterator[Iterator[dict[str, str]]]:
    """The blocks of a stream: fields by name, with the comment under the empty name."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with (
        httpx2.Client(trust_env=False, timeout=PATIENCE) as client,
        client.stream("GET", f"{url}/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in answer.headers

        def blocks() -> Iterator[dict[str, str]]:
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                elif fields:
                    yield fields
                    fields = {}

        yield blocks()


def test_every_event_is_told_with_its_number(witnessed: Witnessed) -> None:
    witnessed.hub(entry(0))
    with reading(witnessed.url) as blocks:
        assert next(blocks) == {"retry": "3000"}
        told = (*EVENTS, finding())
        for number, event in enumerate(told, start=2):
            witnessed.hub(event)
            block = next(blocks)
            assert block["id"] == f"ab12-{number}"
            assert block["event"] == document.kind_of(event)
            assert document.decode(json.loads(block["data"])) == event


def test_a_reader_goes_on_where_it_left_off(witnessed: Witnessed) -> None:
    for number in range(10):
        witnessed.hub(entry(number))
    with reading(witnessed.url, "ab12-7") as blocks:
        next(blocks)
        assert [next(blocks)["id"] for _ in range(3)] == ["ab12-8", "ab12-9", "ab12-10"]
        witnessed.hub(entry(10))
        assert next(blocks)["id"] == "ab12-11"


def test_what_is_not_kept_any_more_is_said_to_be_missing(witnessed: Witnessed) -> None:
    for number in range(80):
        witnessed.hub(entry(number))
    with reading(witnessed.url, "ab12-7") as blocks:
        next(blocks)
        gap = next(blocks)
        assert (gap["event"], json.loads(gap["data"])) == ("gap", {"missed": 23})
        assert next(blocks)["id"] == "ab12-31"


def test_after_a_restart_all_that_is_kept_is_told(witnessed: Witnessed) -> None:
    witnessed.hub(entry(0))
    with reading(witnessed.url, "cd34-7") as blocks:
        next(blocks)
        gap = next(blocks)
        assert (gap["event"], json.loads(gap["data"])) == ("gap", {"missed": None})
        assert next(blocks)["id"] == "ab12-1"


@pytest.mark.parametrize("last", ["", "x", "ab12-", "ab12-x", "ab12--1", "ab12-01", "ab12-" + "9" * 400, "-1"])
def test_a_number_that_is_none_begins_with_what_comes(last: str, witnessed: Witnessed) -> None:
    witnessed.hub(entry(0))
    with reading(witnessed.url, last) as blocks:
        next(blocks)
        witnessed.hub(entry(1))
        assert next(blocks)["id"] == "ab12-2"


@contextmanager
def serving(hub: EventHub, *, heartbeat: float = 15, stall: float = 20) -> Iterator[str]:
    app = make_app("test", "Test")

    @app.get("/events")
    async def events() -> EventStream:
        return EventStream(hub, None, {}, heartbeat=heartbeat, stall=stall)

    with listening(app) as url:
        try:
            yield url
        finally:
            hub.close()


def test_silence_is_bounded() -> None:
    hub = EventHub("ab12")
    with serving(hub, heartbeat=0.01) as url, reading(url) as blocks:
        next(blocks)
        assert next(blocks) == {"": ""}
        assert next(blocks) == {"": ""}
        hub(entry(0))
        while "id" not in (block := next(blocks)):
            assert block == {"": ""}
        assert block["id"] == "ab12-1"


def test_a_full_house_turns_readers_away(witnessed: Witnessed) -> None:
    hub = EventHub("ab12", readers=2)
    with serving(hub) as url:
        with ExitStack() as seats:
            streams = [seats.enter_context(reading(url)) for _ in range(2)]
            assert [next(blocks) for blocks in streams] == [{"retry": "3000"}] * 2
            refused = httpx2.get(f"{url}/events", trust_env=False)
            assert refused.status_code == 429
            assert refused.json()["code"] == "too-many-readers"
            assert refused.headers["retry-after"] == "3"
        end = time.monotonic() + PATIENCE
        while hub._readers:
            assert time.monotonic() < end, "the seats of those who left stay taken"
            time.sleep(0.01)
        with reading(url) as blocks:
            next(blocks)


def test_a_reader_that_takes_nothing_in_is_let_go_and_delays_nobody() -> None:
    hub = EventHub("ab12", readers=2)
    with serving(hub, stall=0.2) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname or "", place.port or 0)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
            assert slow.recv(12) == b"HTTP/1.1 200"
            with reading(url) as blocks:
                next(blocks)
                end = time.monotonic() + PATIENCE
                number = 0
                while len(hub._readers) == 2:
                    number += 1
                    hub(IncidentEvent("ballot", number, "ballot-box", "test", "x" * 100_000, ""))
                    assert json.loads(next(blocks)["data"])["index"] == number
                    assert time.monotonic() < end, "the slow reader keeps its place"


def test_the_ring_is_bounded_by_number_and_by_bytes() -> None:
    hub = EventHub("ab12", events=5, size=1_000)
    for number in range(20):
        hub(entry(number))
    kept, missed = hub.after(0)
    assert [told.number for told in kept] == [16, 17, 18, 19, 20]
    assert missed == 15
    hub(IncidentEvent("ballot", 1, "ballot-box", "test", "x" * 800, ""))
    assert sum(len(told.data) for told in hub.after(0)[0]) <= 1_000
    hub(IncidentEvent("ballot", 1, "ballot-box", "test", "x" * 2_000, ""))
    assert hub.after(0) == ([], 22)


def test_a_reader_is_woken_once_until_it_looks() -> None:
    hub = EventHub("ab12")
    woken: list[int] = []
    reader = Reader(lambda: woken.append(1))
    assert hub.join(reader)
    for number in range(1_000):
        hub(entry(number))
    assert len(woken) == 1
    hub.after(0, reader)
    hub(entry(0))
    assert len(woken) == 2
    hub.close()
    hub.leave(reader)
    assert not hub.join(Reader(lambda: None))


PROGRAM = """
import sys
from pathlib import Path
from audit.witness.hub import EventHub
from audit.witness.stream import EventStream
from vemre.service.app import make_app
from vemre.service.serve import serve
from vemre.service.settings import ServiceSettings

hub = EventHub("ab12")

def build():
    app = make_app("example", "Example")
    app.state.at_end.append(hub.close)

    @app.get("/events")
    async def events() -> EventStream:
        return EventStream(hub, None, {}, heartbeat=3600)

    return app

sys.exit(serve(build, ServiceSettings(data_dir=Path(sys.argv[1]), port=0)))
"""


def test_the_end_of_the_service_ends_the_streams_in_good_order(tmp_path: Path) -> None:
    """A server that only waits cuts its readers off after ten seconds, and says so in its log."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with reading(url) as blocks:
            next(blocks)
            process.send_signal(signal.SIGTERM)
            assert list(blocks) == []
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0
    assert not re.search(r"exceeded|Traceback|without completing", err), err

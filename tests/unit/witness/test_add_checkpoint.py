"""Every row of C2SP tlog-witness over real HTTP, in the order of the rows, and the worked vector."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from served import listening
from witnesses import Clock, PlainLog, consistency_witness, plain_log

from audit.witness.api import create_app
from audit.witness.engine import Witness
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.encoding import format_base64
from vemre.log.note import Note, SignatureLine, Vkey, parse_signature_lines
from vemre.log.signer import LogSigner
from vemre.log.witness import add_checkpoint_body

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "tlog.json").read_text())
TEXT = "text/plain; charset=utf-8"
VECTOR_B = """\
old 7
NyQ7fpHdQ0cTDI/D+2Ul8GqOffk5dVxqe2hX3rmM5Kc=
eBO2AiZDUusqptRG1qnXOZJxAljg654AlF3RGD6aGwY=
mQ4YV9zcdb75BzFpOwj983OXz6eR8MZlh6yzvG9RViU=
7vDDQ+lpWDO+bbr1fo2k9D500qNyCA+LZI4Koe/r85Y=
/7hO6d43xJUExcXqYsfjBnrbmqaAG54XHPDT8YX+vus=
i9nNqEGSy4eVKuMaBCxB108TzZ19P0jsb+BXVdyBZSk=
f/xSGzFSlAK8FGVS7R+B18JNnBBSiENOea+gtBEgkP8=
AXyZC6kpQ5udiWD8v8GmShpB3Geo4lwwEdgUZGGDOmM=
X2OH/HtUkJU/brNn4TXlh7+I3CY6Rv3422+MV+Zymy8=
WjJTBtDVXT5lEFbzcezcuuEtDNW6He6sQBJN1IHE0GU=
7KhkF91M9BGE8eRH5M+JFR6qKatORcFOD4eJGpnek5I=

bb.example.org/eleccion-demo
700
W5MM3FcRK+oM551Q9/gVfKHJpBQUu11Pa3cBKn3Oaec=

— bb.example.org/eleccion-demo \
U6YrqcAa04cVWMLxAXxjhQUFYhIwVnd3TIQ2rHIhIdW811XTXrkM0HnQj16JVlP8LiTDkPh8jtpGd7T3GTR0v0LaQAY=
""".encode()
"""The worked request from 7 to 700 entries (docs/spec/log.md)."""


@pytest.fixture
def log() -> PlainLog:
    return plain_log(700)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000)


@pytest.fixture
def witness(log: PlainLog, clock: Clock, tmp_path: Path) -> Iterator[Witness]:
    made = consistency_witness(tmp_path / "witness", [log], clock=clock)
    yield made
    made.close()


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    with listening(create_app(witness)) as address:
        yield address


def post(url: str, body: bytes, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{url}/add-checkpoint", content=body, headers=headers)


def cosigned(log: PlainLog, size: int, answer: httpx2.Response, vkey: str = VECTORS["wit_vkey"]) -> int:
    """That the answer cosigns this checkpoint; gives its time."""
    from vemre.log.checkpoint import open_checkpoint

    assert answer.status_code == 200, answer.text
    note = SignedCheckpoint.parse(log.note(size)).note.with_lines(parse_signature_lines(answer.text))
    return open_checkpoint(note.encode(), log.signer.vkey, [Vkey.parse(vkey)]).cosigners[Vkey.parse(vkey)]


# --- the rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: b"old\n" + body.partition(b"\n")[2],
        lambda body: body.replace(b"old 0", b"old 00", 1),
        lambda body: body.replace(b"old 0", b"old +0", 1),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + b"AA==\n", 1),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + format_base64(b"x" * 32).encode() * 1 + b" \n", 1),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + (format_base64(b"x" * 32) + "\n").encode() * 64, 1),
        lambda body: body.replace(b"\n7\n", b"\n07\n", 1),
        lambda body: body.replace(b"\n7\n", b"\n7\nan extension\n", 1),
        lambda body: body[:-1],
        lambda body: body + b"\xff",
    ],
)
def test_what_is_malformed_is_400(url: str, log: PlainLog, spoil: object) -> None:
    answer = post(url, spoil(log.request(0, 7)))  # type: ignore[operator]
    assert answer.status_code == 400
    assert post(url, log.request(0, 7)).status_code == 200


def test_an_unknown_origin_is_404(url: str) -> None:
    assert post(url, PlainLog("another.example/log", entries=[b"x"]).request(0, 1)).status_code == 404


def test_a_checkpoint_without_the_logs_line_is_403(url: str, log: PlainLog) -> None:
    stranger = PlainLog(log.origin, bytes(32), log.entries)
    assert post(url, stranger.request(0, 7)).status_code == 403


def test_a_wrong_line_of_the_logs_key_is_403(url: str, log: PlainLog) -> None:
    note = SignedCheckpoint.parse(log.note(7)).note
    line = note.signatures[0]
    spoilt = replace(line, signature=bytes([line.signature[0] ^ 1]) + line.signature[1:])
    for lines in ((spoilt,), (line, line), (spoilt, line)):
        body = add_checkpoint_body(0, [], Note(note.text, lines).encode())
        assert post(url, body).status_code == 403


def test_unknown_lines_are_ignored(url: str, log: PlainLog) -> None:
    note = SignedCheckpoint.parse(log.note(7)).note
    extra = SignatureLine("somebody.example", b"abcd", b"x" * 64)
    body = add_checkpoint_body(0, [], Note(note.text, (extra, *note.signatures)).encode())
    assert cosigned(log, 7, post(url, body)) == 1_700_000_000


def test_an_old_size_beyond_the_checkpoint_is_400_before_it_is_409(url: str, log: PlainLog) -> None:
    assert post(url, log.request(0, 7)).status_code == 200
    assert post(url, log.request(9, 8, [])).status_code == 400


def test_an_old_size_that_is_not_the_last_is_409_with_the_last(url: str, log: PlainLog) -> None:
    answer = post(url, log.request(3, 7))
    assert (answer.status_code, answer.text) == (409, "0\n")
    assert post(url, log.request(0, 7)).status_code == 200
    for old in (0, 3, 8):
        answer = post(url, log.request(old, 9))
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (409, "7\n", "text/x.tlog.size")


def test_an_empty_log_with_another_root_is_422(url: str, log: PlainLog) -> None:
    note = log.signer.sign(0, b"\1" * 32)
    assert post(url, add_checkpoint_body(0, [], note)).status_code == 422
    # It has convicted itself, and that is kept; but no gate rests on a foreign log, so C2SP alone decides the rest.
    assert post(url, log.request(0, 7)).status_code == 200


def test_a_proof_from_nothing_is_422(url: str, log: PlainLog) -> None:
    assert post(url, log.request(0, 7, [b"x" * 32])).status_code == 422
    assert post(url, log.request(0, 7)).status_code == 200


def test_a_proof_that_does_not_hold_is_422(url: str, log: PlainLog) -> None:
    assert post(url, log.request(0, 7)).status_code == 200
    proof = merkle.consistency_proof(7, 700, log.read)
    for wrong in (proof[:-1], [*proof, b"x" * 32], proof[::-1], [b"x" * 32, *proof[1:]], []):
        assert post(url, log.request(7, 700, wrong)).status_code == 422
    assert post(url, log.request(7, 700)).status_code == 200


def test_the_same_size_with_another_root_is_422_and_with_a_proof_too(url: str, log: PlainLog) -> None:
    assert post(url, log.request(0, 7)).status_code == 200
    assert post(url, log.request(7, 7, [b"x" * 32])).status_code == 422
    assert post(url, plain_log(7, b"otra %d\n").request(7, 7)).status_code == 422


def test_the_same_size_and_root_refreshes_the_time(url: str, log: PlainLog, clock: Clock) -> None:
    assert cosigned(log, 7, post(url, log.request(0, 7))) == 1_700_000_000
    clock.now += 60
    assert cosigned(log, 7, post(url, log.request(7, 7))) == 1_700_000_060


def test_the_empty_log_may_be_cosigned(url: str, log: PlainLog) -> None:
    assert cosigned(log, 0, post(url, log.request(0, 0))) == 1_700_000_000
    assert cosigned(log, 7, post(url, log.request(0, 7))) == 1_700_000_000


def test_the_worked_vector_byte_by_byte(url: str, log: PlainLog) -> None:
    assert post(url, log.request(0, 7)).status_code == 200
    request = log.request(7, 700)
    assert request == VECTOR_B
    lines = VECTORS["size700"]["checkpoint"].splitlines(keepends=True)
    answer = post(url, request)
    assert (answer.status_code, answer.text) == (200, lines[-1])
    assert answer.headers["content-type"] == TEXT


# --- beside the rows --------------------------------------------------------------------------------------------


def test_monitors_read_the_latest_cosigned_checkpoint(url: str, log: PlainLog, clock: Clock) -> None:
    path = f"{url}/{hashlib.sha256(log.origin.encode()).hexdigest()}/checkpoint"
    assert httpx2.get(path).status_code == 404
    lines = post(url, log.request(0, 7)).text
    clock.now += 60
    found = httpx2.get(path)
    assert found.text == log.note(7).decode() + lines
    assert found.headers["access-control-allow-origin"] == "*"
    assert httpx2.get(f"{url}/{'0' * 64}/checkpoint").status_code == 404
    assert httpx2.get(f"{url}/tally/checkpoint").status_code == 404


def test_any_media_type_is_taken_and_a_large_body_is_not(url: str, log: PlainLog) -> None:
    padding = "".join(f"— filler{n}.example {format_base64(bytes(260))}\n" for n in range(46)).encode()
    body = log.request(0, 7) + padding
    assert len(body) > 16 << 10
    assert post(url, body, **{"Content-Type": "application/octet-stream"}).status_code == 200
    assert post(url, body + padding * 5).status_code == 413


def test_times_never_go_back_and_not_over_a_restart(log: PlainLog, tmp_path: Path) -> None:
    clock = Clock(1_700_000_000)
    witness = consistency_witness(tmp_path, [log], clock=clock)
    assert witness.add_checkpoint(log.request(0, 7)).status == 200
    witness.close()
    clock.now -= 10_000
    again = consistency_witness(tmp_path, [log], clock=clock)
    for old, size in ((7, 7), (7, 9)):
        line = parse_signature_lines(again.add_checkpoint(log.request(old, size)).body.decode())[0]
        assert int.from_bytes(line.signature[:8], "big") == 1_700_000_000
    again.close()


def test_a_log_signs_its_own_origin_alone(url: str, log: PlainLog) -> None:
    text = Checkpoint("another.example/log", 7, log.root(7)).text()
    stolen = LogSigner("another.example/log", log.signer._key).sign(7, log.root(7))
    assert text in stolen.decode()
    assert post(url, add_checkpoint_body(0, [], stolen)).status_code == 404

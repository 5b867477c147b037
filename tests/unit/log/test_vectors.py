"""Every published vector of the log, byte for byte."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from vemre.log.cosignature import cosigned_tree
from vemre.log.encoding import format_base64
from vemre.log.note import Note, Vkey, verify_note_signature
from vemre.log.reader import LogReader
from vemre.log.signer import Ed25519Cosigner, LogSigner, MLDSACosigner
from vemre.log.tiles import Tile, tile_paths
from vemre.log.witness import AddCheckpoint, Cosigned, decide

ORIGIN = "bb.example.org/eleccion-demo"
TIME = 1_700_000_000
SIZES = (7, 700, 70_000)
StaticLog = dict[str, bytes]


def b64(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.fixture(scope="module")
def log_signer() -> LogSigner:
    return LogSigner(ORIGIN, SigningKey.from_seed(bytes(range(0x20))))


@pytest.fixture(scope="module")
def witness_signer() -> Ed25519Cosigner:
    return Ed25519Cosigner("testigo.example.org/w1", SigningKey.from_seed(bytes(range(0x20, 0x40))))


@pytest.fixture(scope="module")
def logs(make_static_log: Callable[[Sequence[bytes]], StaticLog]) -> dict[int, StaticLog]:
    entries = [b"entrada %d\n" % i for i in range(max(SIZES))]
    return {size: make_static_log(entries[:size]) for size in SIZES}


@pytest.fixture(scope="module")
def readers(tlog_vectors: dict[str, Any], logs: dict[int, StaticLog], log_signer: LogSigner) -> dict[int, LogReader]:
    opened = {
        size: open_checkpoint(tlog_vectors[f"size{size}"]["checkpoint"], log_signer.vkey).checkpoint for size in SIZES
    }
    return {size: LogReader(logs[size].__getitem__, opened[size], name="ballot") for size in SIZES}


def test_keys(tlog_vectors: dict[str, Any], log_signer: LogSigner, witness_signer: Ed25519Cosigner) -> None:
    assert str(log_signer.vkey) == tlog_vectors["log_vkey"]
    assert str(witness_signer.vkey) == tlog_vectors["wit_vkey"]
    assert Vkey.parse(tlog_vectors["log_vkey"]) == log_signer.vkey
    assert Vkey.parse(tlog_vectors["wit_vkey"]) == witness_signer.vkey
    assert log_signer.vkey.public.hex() == tlog_vectors["log_pub_hex"]
    assert witness_signer.vkey.public.hex() == tlog_vectors["wit_pub_hex"]


@pytest.mark.parametrize("size", SIZES)
def test_checkpoints(
    size: int, tlog_vectors: dict[str, Any], log_signer: LogSigner, witness_signer: Ed25519Cosigner
) -> None:
    vector = tlog_vectors[f"size{size}"]
    signed = SignedCheckpoint.parse(log_signer.sign(size, b64(vector["root"])))
    cosigned = signed.note.with_lines([witness_signer.cosign(signed.checkpoint, TIME)]).encode()
    published = vector["checkpoint"].encode()
    assert published in (cosigned, signed.encode())
    opened = open_checkpoint(cosigned, log_signer.vkey, [witness_signer.vkey])
    assert opened.checkpoint == Checkpoint(ORIGIN, size, b64(vector["root"]))
    assert opened.cosigners == {witness_signer.vkey: TIME}
    if size == 7:
        digest = "a0b57f32c2ddacd0218d3f9b9e0589270b4a092b7527e4f61921c7f21c1b8640"
        assert hashlib.sha256(cosigned).hexdigest() == digest


@pytest.mark.parametrize("size", SIZES)
def test_tile_layout(size: int, tlog_vectors: dict[str, Any], logs: dict[int, StaticLog]) -> None:
    vector = tlog_vectors[f"size{size}"]["tiles"]
    assert sorted(tile_paths(size)) == sorted(path for path, _, _ in vector)
    for path, length, digest in vector:
        assert Tile.parse(path).path == path
        assert len(logs[size][path]) == length
        assert hashlib.sha256(logs[size][path]).hexdigest() == digest


def test_layout_of_70000_has_551_files() -> None:
    paths = list(tile_paths(70_000))
    assert len(paths) == 551
    assert paths[-3:] == ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]


@pytest.mark.parametrize("size", SIZES)
def test_reader_accepts_and_gives_all_entries(size: int, readers: dict[int, LogReader]) -> None:
    count = 0
    for index, entry in enumerate(readers[size].entries()):
        assert entry == b"entrada %d\n" % index
        count += 1
    assert count == size


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_proofs(size: int, tlog_vectors: dict[str, Any], readers: dict[int, LogReader]) -> None:
    vector = tlog_vectors[f"size{size}"]
    for text, case in vector["inclusion"].items():
        index = int(text)
        proof = readers[size].inclusion_proof(index)
        assert [format_base64(h) for h in proof] == case["proof"]
        leaf = merkle.leaf_hash(b"entrada %d\n" % index)
        assert leaf == b64(case["leaf"]) == readers[size].leaf_hash(index)
        merkle.verify_inclusion(index, size, leaf, proof, b64(vector["root"]))


@pytest.mark.parametrize("size", SIZES)
def test_consistency_proofs(size: int, tlog_vectors: dict[str, Any], readers: dict[int, LogReader]) -> None:
    vector = tlog_vectors[f"size{size}"]
    for text, case in vector["consistency"].items():
        old = int(text)
        proof = readers[size].consistency_proof(old)
        assert [format_base64(h) for h in proof] == case["proof"]
        assert readers[size].root_at(old) == b64(case["old_root"])
        merkle.verify_consistency(old, size, b64(case["old_root"]), b64(vector["root"]), proof)


REQUEST_7_TO_700 = """old 7
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
"""
RESPONSE_700 = (
    "— testigo.example.org/w1 3ojgdQAAAABlU/EAW+SbnNKdEIRS2fK+nh6kWwp3kRWL9SZGdSGZRujFOyWoIO7Kl/bt"
    "+RDIKOmWaUeyGYXCSCpWloKspsVutX5zBw==\n"
)


def test_add_checkpoint_7_to_700(
    tlog_vectors: dict[str, Any],
    log_signer: LogSigner,
    witness_signer: Ed25519Cosigner,
    readers: dict[int, LogReader],
) -> None:
    root_700 = b64(tlog_vectors["size700"]["root"])
    checkpoint = SignedCheckpoint.parse(log_signer.sign(700, root_700))
    request = AddCheckpoint(7, tuple(readers[700].consistency_proof(7)), checkpoint)
    assert request.encode().decode() == REQUEST_7_TO_700
    assert AddCheckpoint.parse(request.encode()) == request
    cosigned = Cosigned(7, b64(tlog_vectors["size7"]["root"]))
    decision = decide(request.encode(), {ORIGIN: log_signer.vkey}, lambda _origin: cosigned)
    assert decision.status == 200
    assert decision.checkpoint is not None
    assert str(witness_signer.cosign(decision.checkpoint, TIME)) == RESPONSE_700


def test_ml_dsa_message_and_key(tlog_vectors: dict[str, Any], log_signer: LogSigner) -> None:
    cosigner = MLDSACosigner("testigo.example.org/pq1", bytes(range(0x40, 0x60)))
    assert cosigner.vkey.key_id.hex() == "c65f716d"
    digest = "6c1c65071979225a139b3ec84688e2688ec30fabe8cc510cb688bc435f2d3cb9"
    assert hashlib.sha256(cosigner.vkey.public).hexdigest() == digest
    root = b64(tlog_vectors["size7"]["root"])
    checkpoint = Checkpoint(ORIGIN, 7, root)
    assert cosigned_tree("testigo.example.org/pq1", checkpoint, TIME).hex() == (
        "737562747265652f76310a00177465737469676f2e6578616d706c652e6f72672f707131000000006553f100"
        "1c62622e6578616d706c652e6f72672f656c656363696f6e2d64656d6f00000000000000000000000000000007"
        "6ed3935183126a2d26c69f9ab174b227818a03c5dc99c6d29f9346abe1223748"
    )
    line = cosigner.cosign(checkpoint, TIME)
    assert len(str(line)) == 3271
    note = Note.parse(log_signer.sign(7, root)).with_lines([line]).encode()
    assert open_checkpoint(note, log_signer.vkey, [cosigner.vkey]).cosigners == {cosigner.vkey: TIME}
    assert Vkey.parse(str(cosigner.vkey)) == cosigner.vkey


def test_the_note_of_the_signed_note_specification() -> None:
    key = Vkey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = Note.parse(
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
        "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
    )
    line = note.line_of(key)
    assert line is not None
    verify_note_signature(key, note.text, line.signature)


def test_empty_root() -> None:
    assert format_base64(merkle.EMPTY_ROOT) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert merkle.Frontier().root() == merkle.EMPTY_ROOT


def test_tile_path_of_the_specification() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"


def test_monitoring_path_of_the_origin() -> None:
    digest = "f01512fee71bee3baa802a6162be5fbeab1bec205c479a20799c965e51596372"
    assert hashlib.sha256(ORIGIN.encode()).hexdigest() == digest

"""Notes, keys, checkpoints and cosignatures: one spelling for each, all others refused."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, OpenedCheckpoint, auditors_of, open_checkpoint, require_quorum
from vemre.log.cosignature import verify_cosignature
from vemre.log.encoding import MAX_SIZE, parse_decimal
from vemre.log.note import KeyType, Note, SignatureLine, Vkey, parse_signature_lines, verify_note_signature
from vemre.log.signer import Ed25519Cosigner, LogSigner, MLDSACosigner

ORIGIN = "vemre.example/registry"
LOG_KEY = SigningKey.from_seed(bytes([1]) * 32)
LOG = LogSigner(ORIGIN, LOG_KEY)
WITNESSES = [Ed25519Cosigner(f"auditor{i}.example/w", SigningKey.from_seed(bytes([i + 2]) * 32)) for i in range(3)]
POST_QUANTUM = MLDSACosigner("auditor2.example/pq", bytes(range(32)))
ROOT = bytes(range(32))
CHECKPOINT = Checkpoint(ORIGIN, 12, ROOT)
TIME = 1_700_000_000


def note(*cosigners: Ed25519Cosigner | MLDSACosigner, checkpoint: Checkpoint = CHECKPOINT) -> bytes:
    signed = Note.parse(LOG.sign(checkpoint.size, checkpoint.root))
    return signed.with_lines([c.cosign(checkpoint, TIME) for c in cosigners]).encode()


def resigned(text: str) -> bytes:
    """A note of any text, with a good signature of the log."""
    return Note(text, (SignatureLine(ORIGIN, LOG.vkey.key_id, LOG_KEY.sign(text.encode())),)).encode()


def refused(act: Callable[[], object], match: str = ".", check: Check = Check.NOTE) -> None:
    with pytest.raises(CheckFailed, match=match) as caught:
        act()
    assert caught.value.check == check


# --- strict spellings ---


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "+7",
        "-1",
        "7_0",
        " 7",
        "7 ",
        "07",
        "00",
        "0x7",
        "7.0",
        "1e3",
        "٧",
        "７",
        "7\r",
        "7\u2028",
        str(MAX_SIZE + 1),
    ],
)
def test_decimal_spellings_refused(spelling: str) -> None:
    refused(lambda: parse_decimal(spelling, "n"))
    refused(lambda: open_checkpoint(resigned(f"{ORIGIN}\n{spelling}\n{b64(ROOT)}\n"), LOG.vkey))


@pytest.mark.parametrize("value", [0, 7, 10, MAX_SIZE])
def test_decimal_spellings_accepted(value: int) -> None:
    assert parse_decimal(str(value), "n") == value


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        b64(ROOT)[:-1],
        b64(ROOT).rstrip("="),
        b64(ROOT) + "=",
        b64(ROOT)[:-2] + "9=",  # bits set that the padding leaves unused
        b64(ROOT).replace("A", "-", 1),
        " " + b64(ROOT),
        b64(ROOT)[:10] + " " + b64(ROOT)[10:],
        b64(ROOT)[:10] + "\r" + b64(ROOT)[10:],
        b64(ROOT[:31]),
        b64(ROOT + b"\0"),
        "é" + b64(ROOT)[1:],
    ],
)
def test_root_spellings_refused(spelling: str) -> None:
    refused(lambda: open_checkpoint(resigned(f"{ORIGIN}\n12\n{spelling}\n"), LOG.vkey))


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n12\n",
        f"{ORIGIN}\n12\n{b64(ROOT)}\nextension\n",
        f"{ORIGIN}\n12\n{b64(ROOT)}\n\n",
        f"\n{ORIGIN}\n12\n{b64(ROOT)}\n",
        f"{ORIGIN}\n\n12\n{b64(ROOT)}\n",
        f"\n12\n{b64(ROOT)}\n",
        f"{ORIGIN} \n12\n{b64(ROOT)}\n",
        f"{ORIGIN.upper()}\n12\n{b64(ROOT)}\n",
        f"{ORIGIN}\u2028\n12\n{b64(ROOT)}\n",
        f"{ORIGIN}\n12\n{b64(ROOT)}\u0085\n",
        f"{ORIGIN}\r\n12\r\n{b64(ROOT)}\r\n",
        f"{ORIGIN}\n0\n{b64(ROOT)}\n",
    ],
)
def test_checkpoint_texts_refused(text: str) -> None:
    refused(lambda: open_checkpoint(resigned(text), LOG.vkey))


def test_the_empty_log_has_the_empty_root() -> None:
    opened = open_checkpoint(LOG.sign(0, merkle.EMPTY_ROOT), LOG.vkey)
    assert (opened.size, opened.root, opened.origin) == (0, merkle.EMPTY_ROOT, ORIGIN)


def line() -> str:
    return str(Note.parse(note()).signatures[0]).rstrip("\n")


@pytest.mark.parametrize(
    "whole",
    [
        b"",
        b"\n",
        b"\n\n",
        CHECKPOINT.text().encode(),
        CHECKPOINT.text().encode() + b"\n",
        note()[:-1],
        note() + b"\n",
        note() + b"x\n",
        note().replace(b"\n\n", b"\n"),
        note().replace("\u2014 ".encode(), b"- "),
        note().replace("\u2014 ".encode(), b"\xe2\x80\x94"),
        note().replace("\u2014 ".encode(), "\u2014  ".encode()),
        note().replace("\u2014 ".encode(), "\u2014\u00a0".encode()),
        note()[:-1] + b" \n",
        note()[:-1] + b"\r\n",
        note()[:-2] + b"\n",
        b"\xef\xbb\xbf" + note(),
        b"\xff" + note(),
        note().replace(b"\n12\n", b"\n12\t\n"),
        note() + b"\xe2\x80\x94 other.example AAAA\n",  # a key id without a signature
        note() + "\u2014 oth+er.example AAAAAAAA\n".encode(),
        note() + "\u2014 oth\u2003er.example AAAAAAAA\n".encode(),
        note() + "\u2014  AAAAAAAA\n".encode(),
        note() + b"\xe2\x80\x94 other.example " + b"AAAA" * 20_000 + b"\n",
    ],
)
def test_malformed_notes_refused(whole: bytes) -> None:
    refused(lambda: open_checkpoint(whole, LOG.vkey))


@pytest.mark.parametrize("character", [chr(code) for code in range(0x20) if code != 0x0A])
def test_control_characters_refused(character: str) -> None:
    refused(lambda: Note.parse(resigned(f"a{character}b\n")), "control character")


def test_lone_surrogates_refused() -> None:
    refused(lambda: open_checkpoint("\ud800" + note().decode(), LOG.vkey), "UTF-8")
    refused(lambda: Vkey.parse("a\ud800+00000000+AAAA"))


def test_a_note_re_encodes_to_its_bytes() -> None:
    data = note(*WITNESSES, POST_QUANTUM)
    assert Note.parse(data).encode() == data
    assert open_checkpoint(data, LOG.vkey).note.encode() == data


def test_the_last_empty_line_ends_the_text() -> None:
    parsed = Note.parse(resigned("a\n\nb\n"))
    assert parsed.text == "a\n\nb\n"
    found = parsed.line_of(LOG.vkey)
    assert found is not None
    verify_note_signature(LOG.vkey, parsed.text, found.signature)


@pytest.mark.parametrize("text", ["", "\u2014 a.example AAAAAAAA", "\n"])
def test_signature_lines_refused(text: str) -> None:
    refused(lambda: parse_signature_lines(text))


# --- keys ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        str(LOG.vkey).replace("+", " +", 1),
        str(LOG.vkey).replace("vemre", "vemrE"),
        str(LOG.vkey).replace(LOG.vkey.key_id.hex(), LOG.vkey.key_id.hex().upper()),
        str(LOG.vkey).replace(LOG.vkey.key_id.hex(), "00000000"),
        str(LOG.vkey).replace(LOG.vkey.key_id.hex(), LOG.vkey.key_id.hex() + "0"),
        str(LOG.vkey) + "\n",
        str(LOG.vkey)[:-4],
        "+" + str(LOG.vkey),
        "a.example+00000000+",
        "a.example+00000000+AA==",
        "a.example+00000000+/w==",
    ],
)
def test_vkeys_refused(text: str) -> None:
    refused(lambda: Vkey.parse(text))


@pytest.mark.parametrize("key_type", [KeyType.ED25519, KeyType.COSIGNATURE])
@pytest.mark.parametrize("public", [bytes(32), (1).to_bytes(32, "little"), b"\xff" * 32, (2).to_bytes(32, "little")])
def test_unusable_public_keys_refused(key_type: KeyType, public: bytes) -> None:
    refused(lambda: Vkey("a.example", key_type, public))


def test_a_vkey_whose_base64_holds_plus_signs_parses() -> None:
    for seed in range(200):
        key = LogSigner("a.example", SigningKey.from_seed(bytes([seed]) * 32)).vkey
        assert Vkey.parse(str(key)) == key
    assert any("+" in str(LogSigner("a", SigningKey.from_seed(bytes([s]) * 32)).vkey)[12:] for s in range(200))


def test_a_key_of_another_type_signs_and_cosigns_nothing() -> None:
    witness = WITNESSES[0].vkey
    refused(lambda: verify_note_signature(witness, CHECKPOINT.text(), bytes(64)), "does not sign notes")
    refused(lambda: verify_cosignature(LOG.vkey, CHECKPOINT, bytes(72)), "does not cosign")


# --- opening ---


def test_the_log_line_must_be_there_once_and_right() -> None:
    text = Note.parse(note()).text
    good = Note.parse(note()).signatures[0]
    wrong = SignatureLine(ORIGIN, LOG.vkey.key_id, bytes(64))
    other = SignatureLine("other.example", b"\0\0\0\0", bytes(64))
    refused(lambda: open_checkpoint(Note(text, (other,)).encode(), LOG.vkey), "no signature of the log")
    refused(lambda: open_checkpoint(Note(text, (wrong,)).encode(), LOG.vkey), "does not verify|small order")
    refused(lambda: open_checkpoint(Note(text, (good, good)).encode(), LOG.vkey), "two lines")
    refused(lambda: open_checkpoint(Note(text, (good, wrong)).encode(), LOG.vkey), "two lines")
    assert open_checkpoint(Note(text, (other, good, other)).encode(), LOG.vkey).checkpoint == CHECKPOINT


def test_at_least_sixteen_lines_are_read() -> None:
    others = [SignatureLine(f"w{i}.example", bytes(4), bytes(72)) for i in range(40)]
    parsed = Note.parse(note()).with_lines(others)
    assert open_checkpoint(parsed.encode(), LOG.vkey).size == 12


def test_another_log_of_the_same_key_is_refused() -> None:
    other = LogSigner("vemre.example/tally", LOG_KEY)
    refused(lambda: open_checkpoint(other.sign(12, ROOT), LOG.vkey))
    text = Checkpoint("vemre.example/tally", 12, ROOT).text()
    refused(lambda: open_checkpoint(resigned(text), LOG.vkey), "another log's origin")


def test_cosigners_and_times() -> None:
    keys = [w.vkey for w in WITNESSES] + [POST_QUANTUM.vkey]
    opened = open_checkpoint(note(WITNESSES[0], POST_QUANTUM), LOG.vkey, keys)
    assert opened.cosigners == {WITNESSES[0].vkey: TIME, POST_QUANTUM.vkey: TIME}


@pytest.mark.parametrize("place", [0, 7, 8, 40, 71])
@pytest.mark.parametrize("witness", [WITNESSES[0], POST_QUANTUM], ids=["ed25519", "ml-dsa"])
def test_a_wrong_line_of_a_known_witness_refuses_the_note(witness: Ed25519Cosigner, place: int) -> None:
    cosigned = witness.cosign(CHECKPOINT, TIME)
    altered = bytearray(cosigned.signature)
    altered[place] ^= 1
    data = Note.parse(note()).with_lines([SignatureLine(cosigned.name, cosigned.key_id, bytes(altered))]).encode()
    refused(lambda: open_checkpoint(data, LOG.vkey, [witness.vkey]))
    assert not open_checkpoint(data, LOG.vkey, [WITNESSES[1].vkey]).cosigners


@pytest.mark.parametrize("length", [1, 7, 8, 71, 73])
def test_cosignatures_of_another_length_refused(length: int) -> None:
    witness = WITNESSES[0]
    signature = (witness.cosign(CHECKPOINT, TIME).signature + b"\0")[:length]
    refused(lambda: verify_cosignature(witness.vkey, CHECKPOINT, signature))


def test_times_out_of_range_refused() -> None:
    for witness in (WITNESSES[0], POST_QUANTUM):
        signature = witness.cosign(CHECKPOINT, MAX_SIZE + 1).signature
        refused(lambda w=witness, s=signature: verify_cosignature(w.vkey, CHECKPOINT, s), "2\\^63-1")  # type: ignore[misc]
    signature = POST_QUANTUM.cosign(CHECKPOINT, 0).signature
    refused(lambda: verify_cosignature(POST_QUANTUM.vkey, CHECKPOINT, signature), "no time")


def test_a_name_too_long_for_ml_dsa_is_refused() -> None:
    long = MLDSACosigner("w" * 256, bytes(32))
    refused(lambda: long.cosign(CHECKPOINT, TIME), "over 255 bytes")


def test_a_duplicate_witness_line_is_refused() -> None:
    data = note(WITNESSES[0], WITNESSES[0])
    refused(lambda: open_checkpoint(data, LOG.vkey, [WITNESSES[0].vkey]), "two lines")


def test_a_cosignature_of_another_checkpoint_is_refused() -> None:
    other = WITNESSES[0].cosign(Checkpoint(ORIGIN, 11, ROOT), TIME)
    data = Note.parse(note()).with_lines([other]).encode()
    refused(lambda: open_checkpoint(data, LOG.vkey, [WITNESSES[0].vkey]))


# --- quorum ---


AUDITORS = {"auditor/1": [WITNESSES[0].vkey, WITNESSES[1].vkey], "auditor/2": [WITNESSES[2].vkey, POST_QUANTUM.vkey]}
KEYS = [key for keys in AUDITORS.values() for key in keys]


def opened(*cosigners: Ed25519Cosigner | MLDSACosigner) -> OpenedCheckpoint:
    return open_checkpoint(note(*cosigners), LOG.vkey, KEYS)


def test_a_quorum_counts_auditors_not_keys() -> None:
    assert auditors_of(opened(), AUDITORS) == set()
    assert auditors_of(opened(WITNESSES[0], WITNESSES[1]), AUDITORS) == {"auditor/1"}
    assert auditors_of(opened(WITNESSES[2], POST_QUANTUM), AUDITORS) == {"auditor/2"}
    assert auditors_of(opened(WITNESSES[1], POST_QUANTUM), AUDITORS) == {"auditor/1", "auditor/2"}
    refused(lambda: require_quorum(opened(WITNESSES[0], WITNESSES[1]), AUDITORS, 2), "1 auditors", Check.GATE)
    refused(lambda: require_quorum(opened(), AUDITORS, 2, Check.NOTE), "0 auditors", Check.NOTE)
    require_quorum(opened(WITNESSES[0], WITNESSES[2]), AUDITORS, 2)


def test_one_key_listed_for_two_auditors_counts_once() -> None:
    shared = {"auditor/1": [WITNESSES[0].vkey], "auditor/2": [WITNESSES[0].vkey]}
    assert auditors_of(opened(WITNESSES[0]), shared) == {"auditor/1"}
    renamed = Ed25519Cosigner("other.example/w", SigningKey.from_seed(bytes([2]) * 32))
    data = note(WITNESSES[0], renamed)
    twice = open_checkpoint(data, LOG.vkey, [WITNESSES[0].vkey, renamed.vkey])
    assert auditors_of(twice, {"auditor/1": [WITNESSES[0].vkey], "auditor/2": [renamed.vkey]}) == {"auditor/1"}


def test_the_logs_own_key_is_no_witness() -> None:
    own = Ed25519Cosigner("auditor9.example/w", LOG_KEY)
    checkpoint = open_checkpoint(note(own, WITNESSES[0]), LOG.vkey, [own.vkey, WITNESSES[0].vkey])
    assert set(checkpoint.cosigners) == {WITNESSES[0].vkey}
    assert auditors_of(checkpoint, {"auditor/1": [own.vkey]}) == set()


def test_signers_show_no_secret() -> None:
    import pickle

    with pytest.raises(TypeError):
        pickle.dumps(POST_QUANTUM)
    with pytest.raises(TypeError):
        pickle.dumps(LOG)
    for signer in (LOG, WITNESSES[0], POST_QUANTUM):
        assert LOG_KEY.seed().hex() not in repr(signer) + str(getattr(signer, "__dict__", ""))

"""Boxes between trustees."""

from __future__ import annotations

import os
import pickle

import pytest

from vemre.crypto.boxes import BOX_BYTES, BoxInvalid, BoxKey

ALICE, BOB, EVE = (BoxKey(bytes([k]) * 32) for k in (1, 2, 3))
MESSAGE = bytes(range(32))


def test_a_box_opens_for_its_addressee_and_sender() -> None:
    box = ALICE.seal(MESSAGE, BOB.public, os.urandom)
    assert len(box) == BOX_BYTES == 72
    assert BOB.open(box, ALICE.public) == MESSAGE
    assert ALICE.open(ALICE.seal(MESSAGE, ALICE.public, os.urandom), ALICE.public) == MESSAGE


def test_the_nonce_comes_from_the_source() -> None:
    assert ALICE.seal(MESSAGE, BOB.public, lambda n: b"n" * n)[:24] == b"n" * 24


def test_nobody_else_opens_it_and_no_bit_changes() -> None:
    box = ALICE.seal(MESSAGE, BOB.public, os.urandom)
    for key, sender in ((EVE, ALICE), (BOB, EVE)):
        with pytest.raises(BoxInvalid):
            key.open(box, sender.public)
    for place in range(len(box)):
        with pytest.raises(BoxInvalid):
            BOB.open(box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :], ALICE.public)


@pytest.mark.parametrize("size", [0, 71, 73])
def test_a_box_has_one_length(size: int) -> None:
    with pytest.raises(BoxInvalid, match="bytes"):
        BOB.open(bytes(size), ALICE.public)


@pytest.mark.parametrize("public", [bytes(32), (1).to_bytes(32, "little"), bytes(31)])
def test_keys_that_keep_nothing_secret_are_refused(public: bytes) -> None:
    with pytest.raises(BoxInvalid, match="key"):
        ALICE.seal(MESSAGE, public, os.urandom)
    with pytest.raises(BoxInvalid, match="key"):
        ALICE.open(bytes(BOX_BYTES), public)


def test_the_secret_shows_nowhere() -> None:
    key = BoxKey.generate(os.urandom)
    assert key.secret().hex() not in repr(key)
    assert key.public.hex() in repr(key)
    assert BoxKey(key.secret()).public == key.public
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        BoxKey(bytes(31))
    with pytest.raises(ValueError, match="32 bytes"):
        key.seal(bytes(31), key.public, os.urandom)

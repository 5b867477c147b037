"""Any rows: the count agrees with a recount that is written the long way, and nothing is lost."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from vemre.election.blocks import decode_blocks, encode_blocks
from vemre.election.choice import (
    Choice,
    Irregular,
    Marks,
    Null,
    WriteIn,
    blocks_needed,
    decode_choice,
    encode_choice,
)
from vemre.election.count import count_batch
from vemre.group import Group
from vemre.params import BLOCK_BYTES
from vemre.records.fields import Bilingual
from vemre.records.setup_bodies import Coalition, Contest, Option
from vemre.records.vote_bodies import ResultBatch

ALLOWED = [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x250), 0x2BC, 0xA78B, 0xA78C]


@st.composite
def contests(draw: st.DrawFn) -> Contest:
    count = draw(st.integers(1, 12))
    order = draw(st.permutations(range(count)))
    coalitions, start = [], 0
    for size in draw(st.lists(st.integers(2, 4), max_size=3)):
        members = order[start : start + size]
        start += size
        if len(members) == size:
            coalitions.append(Coalition(f"c{len(coalitions)}", "", [f"o{m}" for m in members]))
    options = [Option(f"o{k}", "") for k in range(count)]
    write_in = draw(st.sampled_from([0, 1, 28, 40]))
    made = Contest("contest", Bilingual("", ""), "", options, coalitions, write_in, 1)
    return Contest("contest", Bilingual("", ""), "", options, coalitions, write_in, blocks_needed(made))


def valid_choices(contest: Contest) -> st.SearchStrategy[Choice]:
    index = {option.id: k for k, option in enumerate(contest.options)}
    marks = [Marks((k,)) for k in index.values()]
    for coalition in contest.coalitions:
        members = sorted(index[member] for member in coalition.members)
        for size in range(2, len(members) + 1):
            marks += [Marks(chosen) for chosen in itertools.combinations(members, size)]
    kinds: list[st.SearchStrategy[Choice]] = [st.just(Null()), st.sampled_from(marks)]
    if contest.write_in_bytes:
        letters = st.text(st.sampled_from([chr(code) for code in ALLOWED]), min_size=1, max_size=20)
        kinds.append(letters.filter(lambda text: len(text.encode()) <= contest.write_in_bytes).map(WriteIn))
    return st.one_of(kinds)


def row_of(contest: Contest, data: bytes) -> list[bytes | None]:
    return [data[start : start + BLOCK_BYTES] for start in range(0, contest.blocks * BLOCK_BYTES, BLOCK_BYTES)]


def garbage(contest: Contest) -> st.SearchStrategy[bytes]:
    size = contest.blocks * BLOCK_BYTES
    near = st.binary(max_size=4).map(lambda head: head.ljust(size, b"\0")[:size])
    kinds = st.tuples(st.sampled_from([1, 2]), st.binary(max_size=6))
    typed = kinds.map(lambda pair: (bytes([pair[0]]) + pair[1]).ljust(size, b"\0"))
    return st.one_of(st.binary(min_size=size, max_size=size), near, typed)


@given(st.data())
def test_choices_have_one_encoding(data: st.DataObject) -> None:
    contest = data.draw(contests())
    choice = data.draw(valid_choices(contest))
    encoded = encode_choice(contest, choice)
    assert len(encoded) == contest.blocks * BLOCK_BYTES
    assert decode_choice(contest, row_of(contest, encoded)) == choice


@given(st.data())
def test_whatever_decodes_encodes_to_the_same_bytes(data: st.DataObject) -> None:
    contest = data.draw(contests())
    plaintext = data.draw(garbage(contest))
    choice = decode_choice(contest, row_of(contest, plaintext))
    assert isinstance(choice, Irregular) or encode_choice(contest, choice) == plaintext


@given(st.lists(st.binary(min_size=BLOCK_BYTES, max_size=BLOCK_BYTES), max_size=4))
def test_blocks_come_back(group: Group, blocks: list[bytes]) -> None:
    assert decode_blocks(group, encode_blocks(group, b"".join(blocks)).encode()) == blocks


@given(st.data())
def test_count_agrees_with_a_recount(data: st.DataObject) -> None:
    contest = data.draw(contests())
    rows = data.draw(
        st.lists(
            st.one_of(
                valid_choices(contest).map(lambda choice: row_of(contest, encode_choice(contest, choice))),
                garbage(contest).map(lambda plaintext: row_of(contest, plaintext)),
                st.just([None] * contest.blocks),
            ),
            max_size=30,
        )
    )
    counted = count_batch(contest, rows)
    body = counted.record("00" * 32, "urn")
    recount(contest, rows, body, counted.texts, counted.irregular)


def recount(
    contest: Contest,
    rows: list[list[bytes | None]],
    body: ResultBatch,
    texts: tuple[str, ...],
    irregular: tuple[int, ...],
) -> None:
    """Straight from the text of the specification, bit by bit and option by option."""
    ids = [option.id for option in contest.options]
    singles = dict.fromkeys(ids, 0)
    sets: dict[frozenset[str], int] = {}
    written: list[bytes] = []
    nulls = 0
    strange = []
    for number, row in enumerate(rows):
        data = b"".join(row) if None not in row else b"\xff"  # type: ignore[arg-type]
        if data[0] == 1:
            size = (len(ids) + 7) // 8
            bits = "".join(f"{byte:08b}"[::-1] for byte in data[1 : 1 + size])
            marked = frozenset(id_ for id_, bit in zip(ids, bits, strict=False) if bit == "1")
            clean = "1" not in bits[len(ids) :] and not any(data[1 + size :])
            allied = len(marked) > 1 and any(marked <= set(c.members) for c in contest.coalitions)
            if clean and len(marked) == 1:
                singles[next(iter(marked))] += 1
                continue
            if clean and allied:
                sets[marked] = sets.get(marked, 0) + 1
                continue
        if data[0] == 2:
            text = data[1:].rstrip(b"\0")
            readable = text.decode("utf-8", errors="replace")
            if 1 <= len(text) <= contest.write_in_bytes and all(ord(c) in ALLOWED for c in readable):
                written.append(text)
                continue
        nulls += 1
        if any(data):
            strange.append(number)

    assert list(irregular) == strange
    assert {o.option: o.votes for o in body.options} == singles
    assert {frozenset(c.members): c.votes for c in body.combinations} == sets
    assert [text.encode() for text in texts] == sorted(written)
    assert (body.write_ins.votes, body.nulls, body.rows) == (len(written), nulls, len(rows))
    shares = dict(singles)
    for marked, votes in sets.items():
        for id_ in marked:
            shares[id_] += votes // len(marked)
        most = max(singles[id_] for id_ in marked)
        first = next(id_ for id_ in ids if id_ in marked and singles[id_] == most)
        shares[first] += votes % len(marked)
    assert {o.option: o.votes for o in body.distributed} == shares
    allied_ids = {member for c in contest.coalitions for member in c.members}
    expected = [
        (c.id, sum(singles[m] for m in c.members) + sum(n for s, n in sets.items() if s <= set(c.members)))
        for c in contest.coalitions
    ] + [(id_, singles[id_]) for id_ in ids if id_ not in allied_ids]
    assert [(c.id, c.votes) for c in body.candidates] == expected
    assert sum(c.votes for c in body.candidates) + body.write_ins.votes + body.nulls == body.rows
    assert sum(o.votes for o in body.distributed) == sum(c.votes for c in body.candidates)

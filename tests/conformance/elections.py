"""Small good elections from fixed seeds, as far as the corpus and its broken records need them.

Every secret comes from a seeded generator, so that an election is the same bytes whenever it is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import simulator
from simulator import GROUP, Simulator

from vemre.crypto import canonical
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.choice import Choice, Marks, Null, WriteIn
from vemre.election.rules import keygen
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.params import BLOCK_BYTES, GROUP_ORDER
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Bilingual, Equality, format_time
from vemre.records.record import Record

Votes = list[tuple[str, tuple[Any, ...] | None]]


class Seeded:
    """A generator of bytes that a text alone determines. For tests: whoever reads this file knows all of them."""

    def __init__(self, seed: str) -> None:
        self._seed, self._calls = seed.encode(), 0

    def __call__(self, count: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(self._seed + self._calls.to_bytes(8, "big")).digest(count)


def plain(stage: str | None = "certified") -> Simulator:
    """Two urns, three batches of which one is small. Stages of it are the beginnings of one election."""
    election = Simulator(min_batch=3, random=Seeded("plain"))
    return election if stage is None else election.reach(stage)


# --- the vote ---------------------------------------------------------------------------------------------------


class Raw(bytes):
    """Plaintext bytes of one contest that no honest client would encrypt."""


IDENTITY_BLOCK = b"\xff" * BLOCK_BYTES
"""Stands for the identity where a block's element is made."""
SECOND_COUNTER = b"\xfe" * BLOCK_BYTES
"""Stands for the null paper in an element that is not the first for its block."""


def cast_raw(election: Simulator) -> None:
    """Every voter casts; choices that are `Raw` are encrypted as they are."""
    encode_choice, encode_blocks = simulator.encode_choice, simulator.encode_blocks

    def choice(contest: s.Contest, chosen: Choice | Raw) -> bytes:
        return bytes(chosen) if isinstance(chosen, Raw) else encode_choice(contest, chosen)

    def blocks(group: Any, data: bytes) -> Elements:
        elements: list[Elements] = []
        for start in range(0, len(data), BLOCK_BYTES):
            block = data[start : start + BLOCK_BYTES]
            if block == IDENTITY_BLOCK:
                elements.append(group.identity())
            elif block == SECOND_COUNTER:
                elements.append(group.decode(second_counter(bytes(BLOCK_BYTES))))
            else:
                elements.append(encode_blocks(group, block))
        first, *others = elements
        return first.concat(*others)

    with (
        mock.patch.object(simulator, "encode_choice", choice),
        mock.patch.object(simulator, "encode_blocks", blocks),
    ):
        election.cast_all()


def second_counter(block: bytes) -> bytes:
    """The second candidate of a block that decodes."""
    candidates = (bytes([2 * counter]) + block + b"\0" for counter in range(1, 128))
    decoding = [candidate for candidate in candidates if decodes(candidate)]
    return decoding[1]


def decodes(candidate: bytes) -> bool:
    try:
        GROUP.decode(candidate)
    except CheckFailed:
        return False
    return True


def finish(election: Simulator) -> Simulator:
    """From the open box, with its ballots, to the certification."""
    for act in (election.close_box, election.mix_all, election.decrypt_all, election.count, election.certify):
        act()
    return election


def irregular() -> Simulator:
    """Every kind of plaintext that is no choice, among good ones."""
    president, blocks = simulator.offer().contests[0], 2

    def raw(*parts: bytes) -> Raw:
        return Raw(b"".join(part.ljust(BLOCK_BYTES, b"\0") for part in parts).ljust(blocks * BLOCK_BYTES, b"\0"))

    assert president.blocks == blocks
    papers: list[Any] = [
        Marks((0, 1)),
        WriteIn("Benito Juárez"),
        WriteIn("A" * 40),
        WriteIn("¿Ñandú?"),
        Null(),
        raw(b"\x03"),
        raw(b"\x01"),
        raw(b"\x01\x11"),
        raw(b"\x01\x05"),
        raw(b"\x01\x01\x01"),
        raw(b"\x00\x00\x01"),
        raw(b"\x02"),
        raw(b"\x02a\xcc\x81"),
        raw(b"\x02\xc3"),
        raw(b"\x02A\x00B"),
        raw(b"\x02" + b"A" * 29, b"A" * 12),
        Raw(IDENTITY_BLOCK * 2),
        Raw(bytes(BLOCK_BYTES) + IDENTITY_BLOCK),
        Raw(SECOND_COUNTER + bytes(BLOCK_BYTES)),
    ]
    votes: Votes = [("urna-17", (paper,)) for paper in papers]
    votes += [("urna-09", None)]
    election = Simulator(votes=votes, trustees=2, random=Seeded("irregular")).reach("open")
    cast_raw(election)
    return finish(election)


def distribution() -> Simulator:
    """A coalition of three, remainders and ties; eleven options, so that the bitmap has two bytes."""
    names = [f"p{number}" for number in range(11)]
    contest = s.Contest(
        id="senado",
        title=Bilingual("Senado", "Senate"),
        legend="Mexicano residente en el extranjero",
        options=[s.Option(name, name.upper()) for name in names],
        coalitions=[s.Coalition("uno", "Candidata A", names[:3]), s.Coalition("dos", "Candidato B", ["p8", "p10"])],
        write_in_bytes=10,
        blocks=1,
    )
    offer = s.Offer([s.Urn("urna-01", "Aguascalientes", ["senado"])], [contest])
    marks = [(0, 1), (0, 1, 2), (0, 1, 2), (1, 2), (8, 10), (8, 10), (8, 10), (10,), (1,), (2,), (5,)]
    votes: Votes = [("urna-01", (Marks(marked),)) for marked in marks]
    return Simulator(votes=votes, trustees=2, the_offer=offer, random=Seeded("distribution")).reach("certified")


def sparse() -> Simulator:
    """One urn without and one with a single ballot: both pass through, and the single one is decided upon."""
    votes: Votes = [("urna-17", None), ("urna-09", (Marks((1,)), Null()))]
    return Simulator(votes=votes, trustees=2, random=Seeded("sparse")).reach("certified")


class Trapdoored:
    """The arithmetic with generators H_i = i G, whose logarithms anybody knows."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)

    def generators(self, count: int) -> Elements:
        return self._group.base_mul(self._group.scalars(range(1, count + 1)))


@contextmanager
def trapdoored() -> Iterator[None]:
    """Proofs of shuffles use generators of the prover's choice."""
    with mock.patch.object(simulator, "GROUP", Trapdoored(GROUP)):
        yield


# --- key generation and roll ------------------------------------------------------------------------------------


def complaint(stage: str = "open", *, offset: int | None = 0, check: bool = True) -> Simulator:
    """Trustee 2 complains against trustee 1, which answers with its share plus `offset`, or not at all (None)."""
    election = Simulator(trustees=2, random=Seeded("complaint"))
    append, said = election.append, []

    def appending(log: Any, signer: str, draft: drafts.Draft, **_: bool) -> Record:
        if isinstance(draft.body, s.DkgAck):
            if not said:
                said.append(append("tally", "trustee/2", drafts.Draft(s.DkgComplaint(1, "trustee/1"))))
                if offset is not None:
                    share = (election.share("trustee/1", 2) + offset).to_bytes(32, "little").hex()
                    append("tally", "trustee/1", drafts.Draft(s.DkgAnswer(1, "trustee/2", share)))
            records = [record for _, record in keygen.attempts(election.view)[-1].records]
            leaves = [record.leaf_hash for record in records if not isinstance(record.body, s.DkgAck)]
            draft = drafts.Draft(s.DkgAck(1, keygen.transcript_digest(leaves).hex()))
        return append(log, signer, draft, check=check)

    with mock.patch.object(election, "append", appending):
        return election.reach(stage)


def second_attempt() -> Simulator:
    """The first attempt at the key ends with a complaint that nobody answers."""
    election = Simulator(trustees=2, random=Seeded("second attempt"))
    election.generate_key(abandon=True)
    election.append("tally", "authority", drafts.incident("dkg", "trustee/1 does not answer", simulator.OPENS))
    election.generate_key(attempt=2)
    for act in (election.publish_roll, election.set_up, election.open_box):
        act()
    return election


def cancelling() -> Simulator:
    """The last trustee to reveal chooses its part so that all parts add up to nothing; the drill is made up."""
    election = Simulator(trustees=2, random=Seeded("cancelling"))
    append, random_scalars, drawn = election.append, GROUP.random_scalars, []

    def scalars(count: int, random: Any) -> Any:
        made = list(random_scalars(count, random))
        if count == election.t:
            if len(drawn) == election.n - 1:
                made[0] = -sum(drawn) % GROUP_ORDER
            drawn.append(made[0])
        return GROUP.scalars(made)

    def drill(number: int, trustees: list[str]) -> s.Drill:
        point = GROUP.base_mul(GROUP.scalars([1])).encode().hex()
        return s.Drill(number, [s.DrillShare(role, point, Equality(point, point, "00" * 32)) for role in trustees])

    with (
        mock.patch.object(GROUP, "random_scalars", scalars),
        mock.patch.object(election, "append", partial(append, check=False)),
        mock.patch.object(election, "drill", drill),
    ):
        election.generate_key()
    return election


def changed_roll(stage: str = "certified") -> Simulator:
    """Enrolments, a replaced credential that votes, and a blocked one."""
    election = Simulator(trustees=2, random=Seeded("changed roll"))
    election.generate_key()
    for kind in ("enrol", "enrol", "change"):
        commitment = hashlib.sha256(kind.encode() + election.random(16)).hexdigest()
        election.append("registry", "registry", drafts.Draft(s.Enrolment(commitment, kind)))
    election.publish_roll()
    first, last = election.voters[0], election.voters[-1]
    renewed = simulator.Voter(first.urn, SigningKey.generate(election.random), first.choices)
    replace = s.RollReplace(first.urn, first.key.public.hex(), renewed.key.public.hex())
    election.append("registry", "registry", drafts.Draft(replace))
    election.set_up()
    election.open_box()
    context = (election.view.context or b"").hex()
    blocked = drafts.Draft(v.Block(context, last.urn, last.key.public.hex(), "post"))
    election.append("ballot", "registry", blocked)
    replaced, election.voters[0] = election.voters[0], renewed
    election.cast_all()
    election.voters.append(replaced)
    return finish(election) if stage == "certified" else election


# --- everything that may stand beside ----------------------------------------------------------------------------


def extras() -> Simulator:
    """Later drills, incidents, integrity, page assets, further plans, destructions."""
    election = Simulator(trustees=3, random=Seeded("extras")).reach("cast")
    files = b'{"vemre/a.py":"' + b"0" * 64 + b'"}'
    release = "00" * 32
    for log, writer in (("registry", "registry"), ("ballot", "ballot-box"), ("tally", "tally")):
        for signer in (writer, "authority", "auditor/2"):
            election.append(log, signer, drafts.incident("test", "Ñandú 🗳 \u2028", simulator.OPENS))  # type: ignore[arg-type]
        body = v.Integrity(writer, release, drafts.blob_of(files), ["vemre/a.py"])
        election.append(log, writer, drafts.Draft(body, (files,)))  # type: ignore[arg-type]
    election.append("ballot", "ballot-box", drafts.Draft(v.PageAssets(drafts.blob_of(files)), (files,)))
    election.append("tally", "tally", drafts.Draft(election.drill(2, ["trustee/3", "trustee/1"])))
    election.append("tally", "auditor/1", drafts.audit_plan(b"another plan", []))
    finish(election)
    election.append("tally", "tally", drafts.Draft(election.drill(3, election.trustees)))
    for role in election.trustees:
        statement = v.Destruction((election.view.context or b"").hex(), "destroyed")
        election.append("tally", role, drafts.Draft(statement))
    return election


def second_thoughts() -> Simulator:
    """Auditors whose first opinions, on the system and on the count, are unfavourable and whose last are not."""
    election = Simulator(trustees=2, random=Seeded("second thoughts")).reach("roll")
    system_opinion, opinion = drafts.system_opinion, drafts.opinion

    def after_another(of: Callable[..., drafts.Draft], role: str) -> Callable[..., drafts.Draft]:
        told: list[Record] = []

        def draft(view: Any, **arguments: Any) -> drafts.Draft:
            if not told:
                told.append(election.append("tally", role, of(view, **{**arguments, "favourable": False})))
            return of(view, **arguments)

        return draft

    with mock.patch.object(drafts, "system_opinion", after_another(system_opinion, "auditor/1")):
        election.set_up()
    election.open_box()
    election.cast_all()
    with mock.patch.object(drafts, "opinion", after_another(opinion, "auditor/2")):
        return finish(election)


def spare_roles() -> Simulator:
    """Three mixers of which the last two mix, and all trustees decrypt, the last one first."""
    election = Simulator(mixers=3, trustees=3, random=Seeded("spare roles")).reach("close")
    election.mixers.reverse()
    election.mix_all()
    election.trustees.reverse()
    election.t = 3
    election.decrypt_all()
    election.count()
    election.certify()
    return election


def long_logs() -> Simulator:
    """Logs of 255, 256 and 513 entries, and an entry of 65,535 bytes."""
    election = Simulator(trustees=2, random=Seeded("long logs")).reach("cast")
    longest = drafts.incident("test", "", simulator.OPENS)
    room = 65_535 - len(election.sign("ballot", "ballot-box", longest.body).entry)
    election.append("ballot", "ballot-box", drafts.incident("test", "a" * room, simulator.OPENS))
    for log, writer, size in (("registry", "registry", 254), ("ballot", "ballot-box", 255), ("tally", "tally", 511)):
        view = election.view.logs[log]  # type: ignore[index]
        while len(view) < size:
            body = v.Incident(format_time(simulator.OPENS), "test", "")
            election.append(log, writer, drafts.Draft(body), check=False)  # type: ignore[arg-type]
    election.close_box()
    return election


def odd_names() -> Simulator:
    """A blob whose keys two sorting orders put differently, and a blob that no record names."""
    election = Simulator(trustees=2, random=Seeded("odd names")).reach("keys")
    files = canonical.encode(dict.fromkeys(["\U0001f5f3", "\ufb01", "\u20ac", "__proto__", "10", "9", ""], "0" * 64))
    body = v.Integrity("tally", "00" * 32, drafts.blob_of(files), [])
    election.append("tally", "tally", drafts.Draft(body, (files,)))
    election.put([b"named by no record"])
    return election


def nobody() -> Simulator:
    """An election in which nobody votes."""
    votes: Votes = [("urna-09", None), ("urna-17", None)]
    return Simulator(votes=votes, trustees=2, random=Seeded("nobody")).reach("certified")

"""Ballots from fixed randomness: what the client in TypeScript must make of the same bytes, byte for byte.

    python tests/ballot_vectors.py

writes `tests/vectors/ballot-ts.json` anew. Every key and every random byte in it follows from a published seed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from vemre.crypto.credential import Credential
from vemre.election.casting import encrypt_ballot
from vemre.election.challenge import Opening
from vemre.election.choice import Choice, Marks, Null, WriteIn
from vemre.election.choice_names import contests_of_urn, write_choice
from vemre.election.drafts import sign_entry
from vemre.group import Group, load
from vemre.log.merkle import leaf_hash
from vemre.records.fields import Bilingual
from vemre.records.record import plain
from vemre.records.setup_bodies import Coalition, Contest, Offer, Option, Urn

FILE: Final = Path(__file__).resolve().parent / "vectors" / "ballot-ts.json"
ELECTION: Final = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"
ORIGIN: Final = f"vemre.example/{ELECTION}/ballot"


class Stream:
    """Bytes that follow from a name. The first bytes asked for are the first of the stream, however they are asked."""

    def __init__(self, name: str) -> None:
        self._whole = hashlib.shake_256(f"VeMRE vector {name}".encode()).digest(4096)
        self.position = 0

    def __call__(self, count: int) -> bytes:
        self.position += count
        assert self.position <= len(self._whole)
        return self._whole[self.position - count : self.position]

    @property
    def taken(self) -> bytes:
        """What was asked for so far."""
        return self._whole[: self.position]


def offer() -> Offer:
    """Three contests: one block; two blocks with write-ins and coalitions; ten options, so a bitmap of two bytes."""

    def options(*ids: str) -> list[Option]:
        return [Option(id_, id_.upper(), id_.upper()) for id_ in ids]

    parties = options("pan", "pri", "prd", "pvem", "pt", "mc", "morena")
    alliances = [
        Coalition("fcm", "Candidata A", ["pan", "pri", "prd"]),
        Coalition("shh", "Candidata B", ["pvem", "pt"]),
    ]
    legend = "Mexicano residente en el extranjero"
    return Offer(
        [
            Urn("urna-09", "Ciudad de México", ["presidencia", "senadurias", "gubernatura"]),
            Urn("urna-17", "Morelos", ["presidencia"]),
        ],
        [
            Contest("presidencia", Bilingual("Presidencia", "Presidency"), legend, parties, alliances, 58, 2),
            Contest("senadurias", Bilingual("Senadurías", "Senate"), legend, parties[:4], [], 0, 1),
            Contest("gubernatura", Bilingual("Gubernatura", "Governor"), legend, options(*"abcdefghij"), [], 20, 1),
        ],
    )


CASES: Final[tuple[tuple[str, str, dict[str, Choice]], ...]] = (
    ("one mark", "urna-17", {"presidencia": Marks((6,))}),
    ("a combination", "urna-17", {"presidencia": Marks((0, 2))}),
    ("a whole coalition", "urna-17", {"presidencia": Marks((0, 1, 2))}),
    ("a write-in", "urna-17", {"presidencia": WriteIn("Benito Juárez")}),
    ("the longest write-in, over two blocks", "urna-17", {"presidencia": WriteIn("Ñandú " * 6 + "Ōsaka ʼ!")}),
    ("null", "urna-17", {"presidencia": Null()}),
    ("three contests", "urna-09", {"presidencia": Marks((3, 4)), "senadurias": Null(), "gubernatura": Marks((9,))}),
    (
        "three contests, written in",
        "urna-09",
        {"presidencia": WriteIn("~"), "senadurias": Marks((1,)), "gubernatura": WriteIn("Æther")},
    ),
)


def vectors(group: Group) -> dict[str, Any]:
    """The content of the file."""
    secret = group.random_scalars(1, Stream("joint key"))
    joint_key = group.base_mul(secret)
    context = hashlib.sha256(b"VeMRE vector context").digest()
    cases = [_case(group, context, joint_key, *case) for case in CASES]
    return {
        "note": "Ballots from fixed randomness, as Python makes them: tests/ballot_vectors.py",
        "election_id": ELECTION,
        "ballot_log": ORIGIN,
        "context": context.hex(),
        "joint_key": joint_key.encode().hex(),
        "offer": plain(offer()),
        "cases": cases,
    }


def _case(
    group: Group, context: bytes, joint_key: Any, name: str, urn: str, choices: dict[str, Choice]
) -> dict[str, Any]:
    secret = Stream(f"credential {name}")(16)
    key = Credential(secret).signing_key(ELECTION)
    random = Stream(name)
    ballot = encrypt_ballot(
        group, random, context=context, joint_key=joint_key, offer=offer(), urn=urn, key=key, choices=choices
    )
    entry = sign_entry(ballot.body, log=ORIGIN, signer=key.public.hex(), key=key)
    opening: Opening = ballot.challenge()
    return {
        "name": name,
        "urn": urn,
        "choices": {c.id: write_choice(c, choices[c.id]) for c in contests_of_urn(offer(), urn)},
        "credential": secret.hex(),
        "random": random.taken.hex(),
        "fingerprint": ballot.fingerprint.hex(),
        "entry": entry.decode(),
        "leaf_hash": leaf_hash(entry).hex(),
        "opening": opening.encode(offer()).decode(),
    }


def text(group: Group) -> str:
    """The file's text."""
    return json.dumps(vectors(group), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(load("reference")), encoding="utf-8")

"""Tiles, bundles and roots that do not agree [LOG], and cited checkpoints that are no past states [CHECKPOINT]."""

from __future__ import annotations

from collections.abc import Callable

import elections
import forge
from bench import Draft, copy, draft_of, plain
from broken_notes import flipped
from simulator import Simulator

from vemre.checks import Check
from vemre.election import drafts
from vemre.log.tiles import decode_bundle, encode_bundle
from vemre.records import setup_bodies as s

Change = Callable[[Draft], None]
BROKEN: list[tuple[Check, str, str, str, Change]] = []
"""(check, party, base, about, change)."""


def long_log() -> Draft:
    """A manifest and a registry log of 257 enrolments: two tiles of level 0, one of level 1."""
    election = Simulator(trustees=2, random=elections.Seeded("long log"))
    for number in range(257):
        body = s.Enrolment(f"{number:064x}", "enrol")
        election.append("registry", "registry", drafts.Draft(body), check=False)
    return draft_of(election)


def base(name: str) -> Draft:
    """The election that a change is made to: a stage, or "long"."""
    return long_log() if name == "long" else copy(plain(name))


def broken(
    about: str, name: str = "keys", check: Check = Check.LOG, party: str = "tally"
) -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        BROKEN.append((check, party, name, about, change))
        return change

    return keep


TILE, BUNDLE = "tally/tile/0/000.p/14", "tally/tile/entries/000.p/14"


def file_change(
    about: str, path: str, change: Callable[[bytes], bytes], name: str = "keys", party: str = "tally"
) -> None:
    def apply(d: Draft) -> None:
        d.files[path] = change(d.files[path])

    broken(about, name, party=party)(apply)


def flipping(place: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


file_change("A byte of a bundle is flipped.", BUNDLE, flipping(1000))
file_change("A byte of a level-0 tile is flipped.", TILE, flipping(40))
file_change("A bundle is cut off inside its last entry.", BUNDLE, lambda data: data[:-1])
file_change(
    "A bundle is cut off before its last entry.", BUNDLE, lambda data: encode_bundle(decode_bundle(data, 14)[:-1])
)
file_change("A bundle has a byte after its last entry.", BUNDLE, lambda data: data + b"\0")
file_change("A bundle has an entry too many.", BUNDLE, lambda data: encode_bundle([*decode_bundle(data, 14), b"{}"]))
file_change("A bundle is empty.", BUNDLE, lambda _: b"")
file_change("A tile is cut off inside its last hash.", TILE, lambda data: data[:-1])
file_change("A tile lacks its last hash.", TILE, lambda data: data[:-32])
file_change("A tile has a hash too many.", TILE, lambda data: data + bytes(32))
file_change("A tile has a byte too many.", TILE, lambda data: data + b"\0")
file_change("Two hashes of a tile are swapped.", TILE, lambda data: data[32:64] + data[:32] + data[64:])


def swapped(data: bytes) -> bytes:
    entries = decode_bundle(data, 14)
    entries[3], entries[4] = entries[4], entries[3]
    return encode_bundle(entries)


file_change("Two entries of a bundle are swapped.", BUNDLE, swapped)


def another_length(data: bytes) -> bytes:
    """The first entry takes one byte more, the second one less."""
    first = int.from_bytes(data[:2], "big")
    return (first + 1).to_bytes(2, "big") + data[2:]


file_change("The length of an entry reaches into the next.", BUNDLE, another_length)

LONG = "registry/tile"
file_change("A byte of a full bundle is flipped.", f"{LONG}/entries/000", flipping(40), "long", "registry")
file_change("A byte of a full level-0 tile is flipped.", f"{LONG}/0/000", flipping(8000), "long", "registry")
file_change("A byte of a level-1 tile is flipped.", f"{LONG}/1/000.p/1", flipping(0), "long", "registry")


def move(about: str, path: str, to: str | None, name: str = "keys", party: str = "tally") -> None:
    """A file has another name, or is gone."""

    def apply(d: Draft) -> None:
        data = d.files.pop(path)
        if to is not None:
            d.files[to] = data

    broken(about, name, party=party)(apply)


move("A tile is missing.", TILE, None)
move("A bundle is missing.", BUNDLE, None)
move("A level-1 tile is missing.", f"{LONG}/1/000.p/1", None, "long", "registry")
move("A full tile is missing.", f"{LONG}/0/000", None, "long", "registry")
move("A full bundle is missing.", f"{LONG}/entries/000", None, "long", "registry")
move("A partial tile is spelt with an unpadded number.", TILE, "tally/tile/0/0.p/14")
move("A partial tile is spelt with a leading zero in its width.", TILE, "tally/tile/0/000.p/014")
move("A partial tile is spelt with a needless group of digits.", TILE, "tally/tile/0/x000/000.p/14")
move("A partial bundle is named as a full one.", BUNDLE, "tally/tile/entries/000")


@broken("A checkpoint of the same size has another root.")
def another_root(d: Draft) -> None:
    d.set_note("tally", d.text("tally", root=bytes(32)))


@broken("The checkpoint promises an entry more than there are.")
def larger(d: Draft) -> None:
    d.set_note("tally", d.text("tally", size=15))


@broken("The checkpoint promises 2^63 - 1 entries.")
def largest(d: Draft) -> None:
    d.set_note("tally", d.text("tally", size=2**63 - 1))


@broken("An older checkpoint stands over the tiles of a newer one.")
def replayed(d: Draft) -> None:
    d.files["tally/checkpoint"] = d.checkpoint("tally", d.entries("tally")[:13])


# --- cited checkpoints ----------------------------------------------------------------------------------------------


@broken("The registry log ends before the state that setup cites.", "setup", Check.CHECKPOINT, "registry")
def rolled_back(d: Draft) -> None:
    d.replace_log("registry", [])


@broken("The registry log is another one than the one that setup cites.", "setup", Check.CHECKPOINT, "registry")
def forked(d: Draft) -> None:
    """An enrolment stands before the roll that was cited."""
    origin = d.origin("registry")
    entry = {
        "body": {"commitment": "00" * 32, "kind": "enrol"},
        "log": origin,
        "signature": "",
        "signer": "registry",
        "type": "enrolment",
        "version": 1,
    }
    forge.sign(entry, d.election.keys["registry"])
    d.replace_log("registry", [forge.canonical.encode(entry), *d.entries("registry")])


@broken(
    "The cited checkpoint, cosigned by both auditors, is of a history that is not the log's.",
    "close",
    Check.CHECKPOINT,
    "ballot-box",
)
def two_histories(d: Draft) -> None:
    shown = d.checkpoint("ballot", [b"another history"] * 6).decode()
    resign_marks(d, shown)


def resign_marks(d: Draft, shown: str) -> None:
    """The marks rest on another checkpoint of the ballot log; the tally log ends before it would rest on the marks."""
    entries = d.entries("registry")
    marks = forge.canonical.decode(entries[-1], limit=1 << 16)
    marks["body"]["ballot"] = shown
    forge.sign(marks, d.election.keys["registry"])
    d.replace_log("registry", [*entries[:-1], forge.canonical.encode(marks)])
    types = [forge.canonical.decode(entry, limit=1 << 16)["type"] for entry in d.entries("tally")]
    d.replace_log("tally", d.entries("tally")[: types.index("tally-input")])


@broken(
    "The checkpoint that the marks rest on is of a ballot log longer than the one there is.",
    "close",
    Check.CHECKPOINT,
    "ballot-box",
)
def cited_future(d: Draft) -> None:
    resign_marks(d, d.checkpoint("ballot", [*d.entries("ballot"), b"not there"]).decode())


@broken("A shuffle rests on a checkpoint that covers the shuffle itself.", "mixed", Check.CHECKPOINT, "tally")
def cites_itself(d: Draft) -> None:
    """A circle cannot be hashed; what can be written is the size with a root that is not the log's."""
    entries = d.entries("tally")
    last = forge.canonical.decode(entries[-1], limit=1 << 16)
    last["body"]["gate"] = d.checkpoint("tally", [*entries[:-1], b"itself"]).decode()
    forge.sign(last, d.election.keys[last["signer"]])
    d.replace_log("tally", [*entries[:-1], forge.canonical.encode(last)])


@broken("A checkpoint inside a record is signed by another log's key.", "setup", Check.NOTE, "authority")
def cited_other_log(d: Draft) -> None:
    edit_setup(d, lambda text: d.note("tally", d.text("registry")).decode())


@broken("A checkpoint inside a record has a wrong cosignature.", "setup", Check.NOTE, "authority")
def cited_wrong_cosignature(d: Draft) -> None:
    def change(text: str) -> str:
        *head, last = text.rstrip("\n").split("\n")
        return "\n".join([*head, flipped(last)])

    edit_setup(d, change)


@broken("A checkpoint inside a record is cosigned by one auditor.", "setup", Check.GATE, "authority")
def cited_by_one(d: Draft) -> None:
    edit_setup(d, lambda text: "".join(line + "\n" for line in text.rstrip("\n").split("\n")[:-1]))


def edit_setup(d: Draft, change: Callable[[str], str]) -> None:
    """Another registry checkpoint in setup, which then is the last record of the log."""
    entries = d.entries("tally")
    bodies = [forge.canonical.decode(entry, limit=1 << 16) for entry in entries]
    place = next(i for i, body in enumerate(bodies) if body["type"] == "setup")
    bodies[place]["body"]["registry"] = change(bodies[place]["body"]["registry"])
    forge.sign(bodies[place], d.election.keys["authority"])
    d.replace_log("tally", [*entries[:place], forge.canonical.encode(bodies[place])])
    d.files = {path: data for path, data in d.files.items() if not path.startswith("blob/") or path[5:] in _named(d)}


def _named(d: Draft) -> str:
    return "".join(entry.decode() for log in ("registry", "tally") for entry in d.entries(log))

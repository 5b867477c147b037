"""Makes the election of 2024 up to the eve of its close: every ballot in the box, nothing closed yet.

python benchmarks/pef2024/prepare.py --ballots 12250 --out FOLDER

The offer is that of examples/pef-2024; voters and votes are generated. FOLDER gets the record of the three logs so far,
the databases of the three services, the key files of all roles, and the policy. The keys protect nothing. A FOLDER that
was made for as many ballots by the same format is left as it is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

import msgspec  # noqa: E402
import simulator  # noqa: E402

from vemre.crypto.keyfile import KeyFile  # noqa: E402
from vemre.crypto.signing import SigningKey  # noqa: E402
from vemre.demo import pef2024  # noqa: E402
from vemre.election import drafts  # noqa: E402
from vemre.election.blocks import encode_blocks  # noqa: E402
from vemre.election.choice import Choice, encode_choice  # noqa: E402
from vemre.election.rules import keygen  # noqa: E402
from vemre.group import Elements, Group, load  # noqa: E402
from vemre.proofs import ballot_pok  # noqa: E402
from vemre.records import setup_bodies as s  # noqa: E402
from vemre.records import vote_bodies as v  # noqa: E402
from vemre.records.fields import Schnorr  # noqa: E402
from vemre.service import identity as identities  # noqa: E402
from vemre.service.export import static_files  # noqa: E402
from vemre.storage import keyfiles, schema  # noqa: E402
from vemre.storage.blobs import FileBlobStore  # noqa: E402
from vemre.storage.engine import open_engine  # noqa: E402
from vemre.storage.log_store import LogStore  # noqa: E402
from vemre.types import LOG_NAMES, LogName  # noqa: E402

FORMAT = 1
BALLOTS = 122_497
TRUSTEES, THRESHOLD, MIXERS, MIN_BATCH = 5, 3, 2, 2
CHUNK = 500
APPEND = 4_096
OFFER = ROOT / "examples/pef-2024/offer.json"
ROLES: dict[LogName, str] = {"registry": "registry", "ballot": "ballot-box", "tally": "tally"}
_makers: list[BallotMaker] = []
"""The one of this process, once it was told its task."""


class Election(simulator.Simulator):
    """The simulated roles over the offer of 2024, with an electorate of which everybody votes."""

    def __init__(self, ballots: int) -> None:
        offer = msgspec.json.decode(OFFER.read_bytes(), type=s.Offer)
        parts = pef2024.apportion(ballots, pef2024.entities())
        votes: list[tuple[str, tuple[Choice, ...] | None]] = [
            (urn.id, None) for urn in offer.urns for _ in range(parts[urn.id])
        ]
        super().__init__(
            votes=votes,
            trustees=TRUSTEES,
            threshold=THRESHOLD,
            mixers=MIXERS,
            min_batch=MIN_BATCH,
            the_offer=offer,
        )


@dataclass(frozen=True)
class Task:
    """What a process that makes ballots is told once."""

    offer: bytes
    context: bytes
    joint: bytes
    origin: str


@dataclass
class BallotMaker:
    """Encrypts and signs many ballots of one urn at a time: three multiplications for each block, in whole vectors."""

    group: Group
    context: bytes
    joint: Elements
    origin: str
    contests: dict[str, list[s.Contest]]

    @classmethod
    def of(cls, task: Task) -> BallotMaker:
        """For an election whose setup stands."""
        group, offer = load(), msgspec.json.decode(task.offer, type=s.Offer)
        by_id = {contest.id: contest for contest in offer.contests}
        contests = {urn.id: [by_id[name] for name in urn.contests] for urn in offer.urns}
        return cls(group, task.context, group.decode(task.joint), task.origin, contests)

    def make(self, urn: str, first: int, seeds: Sequence[bytes]) -> list[bytes]:
        """The entries of the ballots of the voters from number `first` on, who are all of one urn."""
        group, contests = self.group, self.contests[urn]
        data = b"".join(
            encode_choice(contest, pef2024.generate_choice("bench", str(number), contest))
            for number in range(first, first + len(seeds))
            for contest in contests
        )
        messages = encode_blocks(group, data)
        r, k = (group.random_scalars(len(messages), os.urandom) for _ in range(2))
        a, t = _pieces(group.base_mul(r).encode()), _pieces(group.base_mul(k).encode())
        b = _pieces((messages + group.fixed_mul(self.joint, r)).encode())
        places = [(contest.id, index) for contest in contests for index in range(contest.blocks)]
        wide, joint = len(places), self.joint.encode()
        keys = [SigningKey.from_seed(seed) for seed in seeds]
        statements, challenges = [], []
        for row, key in enumerate(keys):
            mine = slice(row * wide, row * wide + wide)
            blocks = [ballot_pok.Block(*place, *pair) for place, *pair in zip(places, a[mine], b[mine], strict=True)]
            statement = ballot_pok.Statement(self.context, urn, key.public, joint, blocks)
            challenges += map(statement.challenge, blocks, t[mine])
            statements.append(statement)
        responses = _pieces((k + group.scalars(challenges) * r).encode())
        rows = zip(t, responses, strict=True)
        return [self._entry(key, statement, rows) for key, statement in zip(keys, statements, strict=True)]

    def _entry(self, key: SigningKey, statement: ballot_pok.Statement, rows: Iterator[tuple[bytes, bytes]]) -> bytes:
        blocks = iter(statement.blocks)
        ballots = []
        for contest in self.contests[statement.urn]:
            own = [(next(blocks), *next(rows)) for _ in range(contest.blocks)]
            ballots.append(
                v.ContestBallot(
                    contest.id,
                    [v.Ciphertext(block.a.hex(), block.b.hex()) for block, _, _ in own],
                    [Schnorr(commitment.hex(), response.hex()) for _, commitment, response in own],
                )
            )
        body = v.Ballot(self.context.hex(), statement.urn, ballots)
        return drafts.sign_entry(body, log=self.origin, signer=key.public.hex(), key=key)


def _pieces(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def _begin(task: Task) -> None:
    _makers[:] = [BallotMaker.of(task)]


def _make_chunk(chunk: tuple[str, int, list[bytes]]) -> list[bytes]:
    (maker,) = _makers
    return maker.make(*chunk)


def make_ballots(election: Election) -> Iterator[bytes]:
    """The entry of every voter's ballot, the urns side by side, by all processors."""
    key, context = keygen.joint_key(election.view), election.view.context
    assert key is not None
    assert context is not None
    origin = election.log_signers["ballot"].origin
    task = Task(drafts.offer_blob(election.offer), context, key.joint.encode(), origin)
    chunks: list[tuple[int, tuple[str, int, list[bytes]]]] = []
    start = 0
    for urn, voters in groupby(election.voters, key=lambda voter: voter.urn):
        seeds = [voter.key.seed() for voter in voters]
        chunks += [(at, (urn, start + at, seeds[at : at + CHUNK])) for at in range(0, len(seeds), CHUNK)]
        start += len(seeds)
    # Ballots of all urns come side by side, as in life.
    ordered = [chunk for _, chunk in sorted(chunks, key=lambda chunk: chunk[0])]
    # A process each, with one thread: most of the work on a ballot is not arithmetic.
    os.environ["RAYON_NUM_THREADS"] = "1"
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, initializer=_begin, initargs=(task,)) as pool:
        for made in pool.map(_make_chunk, ordered):
            yield from made
    del os.environ["RAYON_NUM_THREADS"]


def prepare(ballots: int, out: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Make the folder, unless it is there."""
    if _made(out) == ballots:
        return
    # The simulator's own arithmetic is what was loaded first.
    simulator.GROUP = load()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    begun = time.monotonic()
    election = Election(ballots)
    election.generate_key()
    election.publish_roll()
    election.set_up()
    election.open_box()
    say(f"setup of {ballots} voters: {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    entries = [election.view.ballot.records[0].entry, *make_ballots(election)]
    say(f"{ballots} ballots: {time.monotonic() - begun:.1f} s, {len(entries[-1])} bytes each")
    begun = time.monotonic()
    _write(election, entries, out)
    (out / "made.json").write_text(json.dumps({"format": FORMAT, "ballots": ballots}))
    say(f"logs and databases: {time.monotonic() - begun:.1f} s")


def _write(election: Election, ballots: list[bytes], out: Path) -> None:
    entries: dict[LogName, list[bytes]] = {
        name: [record.entry for record in election.view.logs[name].records] for name in LOG_NAMES
    }
    entries["ballot"] = ballots
    for name in LOG_NAMES:
        data = out / name
        data.mkdir()
        engine = open_engine(f"sqlite:///{data / 'service.sqlite3'}")
        schema.upgrade(engine)
        store = LogStore.create(engine, election.log_signers[name])
        for start in range(0, len(entries[name]), APPEND):
            with store.transaction() as transaction:
                transaction.append(entries[name][start : start + APPEND])
        note = _cosigned(election, store.published_checkpoint())
        engine.dispose()
        for path, content in [*static_files(entries[name]), ("checkpoint", note)]:
            target = out / "record" / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _write_service_key(election, name, data)
    blobs = out / "record" / "blob"
    blobs.mkdir()
    for digest, content in election.blobs.items():
        (blobs / digest).write_bytes(content)
        FileBlobStore(out / "tally" / "blob").put(content)
        FileBlobStore(out / "registry" / "blob").put(content)
    (out / "policy.json").write_bytes(msgspec.json.encode(election.policy))
    _write_role_keys(election, out / "keys")


def _cosigned(election: Election, checkpoint: bytes) -> bytes:
    from vemre.log.checkpoint import Checkpoint
    from vemre.log.note import Note

    note = Note.parse(checkpoint)
    parsed = Checkpoint.parse(note.text)
    lines = [election.witnesses[role].cosign(parsed, election.time) for role in election.auditors]
    return note.with_lines(lines).encode()


def _write_service_key(election: Election, name: LogName, data: Path) -> None:
    role = ROLES[name]
    identity = identities.Identity(
        name, simulator.ELECTION, election.keys[role], election.log_signers[name], insecure=True
    )
    secret = {"sign": election.keys[role].seed().hex(), "log": election.log_seeds[name].hex()}
    key = KeyFile(identities.kind_of(name), identity.public(), secret, insecure=True)
    keyfiles.create(data / identities.KEY_FILE, key, b"", os.urandom)
    identities.create_token(data, identities.OFFICIAL, os.urandom)


def _write_role_keys(election: Election, folder: Path) -> None:
    """Key files of mixers and trustees, as their commands read them; those of the others as plain seeds."""
    folder.mkdir()
    for role in [*election.mixers, *election.trustees]:
        kind = role.partition("/")[0]
        secret: dict[str, Any] = {"sign": election.keys[role].seed().hex()}
        if kind == "trustee":
            secret["box"] = election.box_keys[role].secret().hex()
            secret["share"] = _share(election, role)
        public = {"role": role, "sign": election.keys[role].public.hex()}
        path = folder / f"{role.replace('/', '-')}.key"
        keyfiles.create(path, KeyFile(kind, public, secret, insecure=True), b"", os.urandom)
    seeds = {"authority": election.keys["authority"].seed().hex()}
    for role in election.auditors:
        seeds[role] = election.witness_keys[role].seed().hex()
    (folder / "seeds.json").write_text(json.dumps(seeds))


def _share(election: Election, role: str) -> Any:
    """What the trustee kept of the key generation."""
    from vemre.election.dkg import KeyShare

    number = int(role.split("/")[1])
    share = KeyShare(1, number, election.secrets[role])
    return share.secrets()


def _made(out: Path) -> int | None:
    """How many ballots there are, or None."""
    try:
        made: dict[str, Any] = json.loads((out / "made.json").read_text())
    except FileNotFoundError:
        return None
    return int(made["ballots"]) if made["format"] == FORMAT else None


__all__ = ["BALLOTS", "THRESHOLD", "Election", "prepare"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ballots", type=int, default=BALLOTS)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    prepare(options.ballots, options.out, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()

"""Makes an election whose ballot box is about to open, and a signed ballot of every voter: what the load is made of.

python benchmarks/intake/prepare.py --ballots 20000 --out FOLDER

The offer is that of examples/pef-2024. FOLDER gets the logs of the registry and the tally with their blobs, the order
to open, the policy, the key file of the ballot box, and the ballots. The keys protect nothing. An existing FOLDER that
was made for as many ballots, or more, by the same format is left as it is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import msgspec  # noqa: E402
import simulator  # noqa: E402

from vemre.crypto.keyfile import KeyFile  # noqa: E402
from vemre.election import drafts  # noqa: E402
from vemre.election.blocks import encode_blocks  # noqa: E402
from vemre.election.choice import Choice, Marks, encode_choice  # noqa: E402
from vemre.election.rules import keygen  # noqa: E402
from vemre.group import Elements, Group, load  # noqa: E402
from vemre.proofs import ballot_pok  # noqa: E402
from vemre.proofs.prove import ballot as prove_ballot  # noqa: E402
from vemre.records import bundle  # noqa: E402
from vemre.records import setup_bodies as s  # noqa: E402
from vemre.records import vote_bodies as v  # noqa: E402
from vemre.records.fields import Schnorr, format_time  # noqa: E402
from vemre.service import identity as identities  # noqa: E402
from vemre.storage import keyfiles  # noqa: E402

FORMAT = 1
WINDOW = 365 * 86_400
CHUNK = 200
OFFER = ROOT / "examples/pef-2024/offer.json"
_makers: list[BallotMaker] = []
"""What the processes work on: they are forked once it stands here."""


class Election(simulator.Simulator):
    """The simulator, open now and for a year, with the fast arithmetic where it is built."""

    def __init__(self, ballots: int, opens: int) -> None:
        self.opens = opens
        offer = msgspec.json.decode(OFFER.read_bytes(), type=s.Offer)
        urns = [urn.id for urn in offer.urns]
        votes: list[tuple[str, tuple[Choice, ...] | None]] = [(urns[n % len(urns)], None) for n in range(ballots)]
        super().__init__(votes=votes, the_offer=offer)
        self.time = opens

    def _manifest(self, min_batch: int) -> s.Manifest:
        timeline = s.Timeline(format_time(self.opens), format_time(self.opens + WINDOW))
        return msgspec.structs.replace(super()._manifest(min_batch), timeline=timeline)

    def order_to_open(self) -> bytes:
        """The authority's record, as it is posted."""
        draft = drafts.opening(self.view, tally=self.checkpoint("tally"), now=self.opens)
        return bundle.encode(self.sign("ballot", "authority", draft.body).entry, draft.blobs)


@dataclass
class BallotMaker:
    """Encrypts and signs; one ballot costs three multiplications for each block."""

    group: Group
    election: Election
    context: bytes
    joint: Elements
    contests: dict[str, list[s.Contest]]

    @classmethod
    def of(cls, election: Election) -> BallotMaker:
        """For an election whose setup stands."""
        key, context, group = keygen.joint_key(election.view), election.view.context, load()
        assert key is not None
        assert context is not None
        by_id = {contest.id: contest for contest in election.offer.contests}
        contests = {urn.id: [by_id[name] for name in urn.contests] for urn in election.offer.urns}
        return cls(group, election, context, group.decode(key.joint.encode()), contests)

    def make(self, number: int) -> bytes:
        """The entry of the ballot of the voter with this number: everybody votes for the first option."""
        voter, group = self.election.voters[number], self.group
        contests = self.contests[voter.urn]
        messages = encode_blocks(group, b"".join(encode_choice(contest, Marks((0,))) for contest in contests))
        r = group.random_scalars(len(messages), os.urandom)
        a, b = _pieces(group.base_mul(r)), _pieces(messages + group.fixed_mul(self.joint, r))
        places = [(contest.id, block) for contest in contests for block in range(contest.blocks)]
        blocks = [ballot_pok.Block(*place, *pair) for place, *pair in zip(places, a, b, strict=True)]
        statement = ballot_pok.Statement(self.context, voter.urn, voter.key.public, self.joint.encode(), blocks)
        rows = iter(zip(blocks, prove_ballot.prove(group, os.urandom, statement, r), strict=True))
        ballots = []
        for contest in contests:
            own = [next(rows) for _ in range(contest.blocks)]
            ballots.append(
                v.ContestBallot(
                    contest.id,
                    [v.Ciphertext(block.a.hex(), block.b.hex()) for block, _ in own],
                    [Schnorr(proof.commitment.hex(), proof.response.hex()) for _, proof in own],
                )
            )
        body = v.Ballot(self.context.hex(), voter.urn, ballots)
        origin = self.election.log_signers["ballot"].origin
        return drafts.sign_entry(body, log=origin, signer=voter.key.public.hex(), key=voter.key)


def _pieces(elements: Elements) -> list[bytes]:
    data = elements.encode()
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def _make_chunk(start: int) -> list[bytes]:
    (maker,) = _makers
    return [maker.make(number) for number in range(start, min(start + CHUNK, len(maker.election.voters)))]


def make_ballots(election: Election) -> Iterator[bytes]:
    """The entry of every voter's ballot, in the order of the voters, by all processors."""
    _makers[:] = [BallotMaker.of(election)]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        for chunk in pool.map(_make_chunk, range(0, len(election.voters), CHUNK)):
            yield from chunk


def prepare(ballots: int, out: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Make the folder, unless it is there with at least so many ballots."""
    if (made := _made(out)) is not None and made >= ballots:
        return
    # The simulator's own arithmetic is the reference one.
    simulator.GROUP = load()
    begun = time.monotonic()
    election = Election(ballots, int(time.time()) - 60)
    election.generate_key()
    election.publish_roll()
    election.set_up()
    say(f"setup of {ballots} voters: {time.monotonic() - begun:.1f} s")
    out.mkdir(parents=True, exist_ok=True)
    (out / "made.json").unlink(missing_ok=True)
    election.write(_fresh(out / "record"))
    (out / "open.record").write_bytes(election.order_to_open())
    (out / "policy.json").write_bytes(msgspec.json.encode(election.policy))
    _write_key(election, out)
    begun = time.monotonic()
    with open(out / "ballots.bin", "wb") as file, open(out / "voters.jsonl", "w", encoding="ascii") as roster:
        for voter, entry in zip(election.voters, make_ballots(election), strict=True):
            file.write(struct.pack(">H", len(entry)) + entry)
            roster.write(json.dumps([voter.urn, voter.key.public.hex()]) + "\n")
    say(f"{ballots} ballots: {time.monotonic() - begun:.1f} s, {len(entry)} bytes each")
    (out / "made.json").write_text(json.dumps({"format": FORMAT, "ballots": ballots}))


def read_ballots(folder: Path, count: int) -> Iterator[bytes]:
    """The entries of the first `count` ballots."""
    with open(folder / "ballots.bin", "rb") as file:
        for _ in range(count):
            (length,) = struct.unpack(">H", file.read(2))
            yield file.read(length)


def read_voters(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    """Urn and public credential (hex) of the first `count` voters."""
    with open(folder / "voters.jsonl", encoding="ascii") as file:
        for line, _ in zip(file, range(count), strict=False):
            urn, credential = json.loads(line)
            yield urn, credential


def _made(out: Path) -> int | None:
    """How many ballots there are, or None."""
    try:
        made: dict[str, Any] = json.loads((out / "made.json").read_text())
    except FileNotFoundError:
        return None
    return int(made["ballots"]) if made["format"] == FORMAT else None


def _fresh(folder: Path) -> Path:
    """A folder that is not there."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _write_key(election: Election, out: Path) -> None:
    (out / identities.KEY_FILE).unlink(missing_ok=True)
    role = identities.Identity(
        "ballot", simulator.ELECTION, election.keys["ballot-box"], election.log_signers["ballot"], insecure=True
    )
    secret = {"sign": election.keys["ballot-box"].seed().hex(), "log": election.log_seeds["ballot"].hex()}
    key = KeyFile(identities.kind_of("ballot"), role.public(), secret, insecure=True)
    keyfiles.create(out / identities.KEY_FILE, key, b"", os.urandom)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ballots", type=int, default=20_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    prepare(options.ballots, options.out, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()

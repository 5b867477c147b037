"""A whole election in memory: all roles, all keys, no service and no network.

Tests take it as far as they need (`Simulator.reach`), look into it, and let the adversary in between. Every record is
admitted by the rules, as the real writers do, unless a test asks for less. Small by design: the arithmetic is slow.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forge

from vemre.crypto import boxes
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.blocks import encode_blocks
from vemre.election.choice import Choice, Marks, Null, WriteIn, blocks_needed, encode_choice
from vemre.election.rules import engine, keygen, mixing
from vemre.election.rules.decrypting import output_elements, small_batches
from vemre.election.rules.setup import drill_base, drill_context
from vemre.election.rules.view import Anchors, View
from vemre.errors import CheckFailed
from vemre.group import load
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.params import GROUP_ORDER
from vemre.proofs import ballot_pok, decryption, possession
from vemre.proofs import shuffle as shuffle_proof
from vemre.proofs.prove import ballot as prove_ballot
from vemre.proofs.prove import decryption as prove_decryption
from vemre.proofs.prove import possession as prove_possession
from vemre.proofs.prove import shuffle as prove_shuffle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Bilingual, Equality, Schnorr, format_time
from vemre.records.policy import AuditorAnchor, LogAnchors, Policy
from vemre.records.record import Record, body_digest, parse
from vemre.types import LogName, Random

GROUP = load()
ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"
OPENS, CLOSES = 1_810_000_000, 1_811_000_000
STAGES = ("keys", "roll", "setup", "open", "cast", "close", "mixed", "decrypted", "counted", "certified")


@dataclass(frozen=True)
class Voter:
    """Someone on the roll: the urn, the credential's key, and how the voter votes (None: not at all)."""

    urn: str
    key: SigningKey
    choices: tuple[Choice, ...] | None


def offer() -> s.Offer:
    """Two urns, two contests: one of two blocks with a coalition and write-ins, one of one block without."""
    parties = ("pan", "pri", "mc", "morena")
    president = s.Contest(
        id="presidencia",
        title=Bilingual("Presidencia", "Presidency"),
        legend="Mexicano residente en el extranjero",
        options=[s.Option(party, party.upper(), party.upper()) for party in parties],
        coalitions=[s.Coalition("fcm", "Candidata A", ["pan", "pri"])],
        write_in_bytes=40,
        blocks=2,
    )
    governor = s.Contest(
        id="gubernatura",
        title=Bilingual("Gubernatura", "Governorship"),
        legend="Mexicano residente en el extranjero",
        options=[s.Option(party, party.upper()) for party in parties[2:]],
        coalitions=[],
        write_in_bytes=0,
        blocks=1,
    )
    assert (blocks_needed(president), blocks_needed(governor)) == (2, 1)
    urns = [
        s.Urn("urna-09", "Ciudad de México", ["presidencia", "gubernatura"]),
        s.Urn("urna-17", "Morelos", ["presidencia"]),
    ]
    return s.Offer(urns, [president, governor])


VOTES: tuple[tuple[str, tuple[Choice, ...] | None], ...] = (
    ("urna-09", (Marks((0, 1)), Marks((0,)))),
    ("urna-09", (Marks((3,)), Null())),
    ("urna-09", (WriteIn("Benito Juárez"), Marks((1,)))),
    ("urna-09", None),
    ("urna-17", (Marks((2,)),)),
    ("urna-17", (Null(),)),
    ("urna-17", None),
)


class Simulator:
    """The election and everybody's keys. `view` is the truth so far; the methods are the acts, in order.

    All secrets come from `random`: equal bytes from it give equal records."""

    def __init__(
        self,
        *,
        votes: Sequence[tuple[str, tuple[Choice, ...] | None]] = VOTES,
        trustees: int = 3,
        threshold: int = 2,
        mixers: int = 2,
        min_batch: int = 2,
        the_offer: s.Offer | None = None,
        random: Random = os.urandom,
    ) -> None:
        self.random = random
        self.offer = the_offer or offer()
        self.n, self.t = trustees, threshold
        self.mixers = [f"mixer/{k}" for k in range(1, mixers + 1)]
        self.trustees = [f"trustee/{k}" for k in range(1, trustees + 1)]
        self.auditors = ["auditor/1", "auditor/2"]
        roles = ["authority", "registry", "ballot-box", "tally", *self.trustees, *self.mixers, *self.auditors]
        self.keys = {role: SigningKey.generate(self.random) for role in roles}
        self.box_keys = {role: boxes.BoxKey.generate(self.random) for role in self.trustees}
        self.log_signers: dict[LogName, LogSigner] = {
            name: LogSigner(f"vemre.example/{ELECTION}/{name}", SigningKey.generate(self.random))
            for name in ("registry", "ballot", "tally")
        }
        self.log_seeds = {name: signer._key.seed() for name, signer in self.log_signers.items()}
        self.witness_keys = {role: SigningKey.generate(self.random) for role in self.auditors}
        self.witnesses = {
            role: Ed25519Cosigner(f"{role.replace('/', '')}.example/w", key) for role, key in self.witness_keys.items()
        }
        self.voters = [Voter(urn, SigningKey.generate(self.random), choices) for urn, choices in votes]
        self.blobs: dict[str, bytes] = {}
        self.time = OPENS
        self.polynomials: dict[str, list[int]] = {}
        self.secrets: dict[str, int] = {}
        self.policy = Policy(
            logs=LogAnchors(**{name: str(signer.vkey) for name, signer in self.log_signers.items()}),
            auditors={
                role: AuditorAnchor(self.keys[role].public.hex(), [str(self.witnesses[role].vkey)])
                for role in self.auditors
            },
            authority=self.keys["authority"].public.hex(),
            quorum=2,
        )
        # What the verification draws leaves no trace in the record, and so is never taken from a seeded generator.
        self.view = View(Anchors(self.policy), self.blobs.__getitem__, GROUP, os.urandom)
        self.append("tally", "authority", drafts.manifest(self._manifest(min_batch), drafts.offer_blob(self.offer)))

    # --- the means ----------------------------------------------------------------------------------------

    def sign(self, log: LogName, signer: str, body: Any, key: SigningKey | None = None) -> Record:
        """A signed record, in no log yet."""
        origin = self.log_signers[log].origin
        return parse(drafts.sign_entry(body, log=origin, signer=signer, key=key or self.keys[signer]))

    def append(self, log: LogName, signer: str, draft: drafts.Draft, *, check: bool = True) -> Record:
        """Sign and admit a record; with `check=False` it goes into the log as it is."""
        record = self.sign(log, signer, draft.body)
        self.put(draft.blobs)
        self.admit(log, record, check=check)
        return record

    def put(self, blobs: Sequence[bytes]) -> None:
        """Keep blobs."""
        self.blobs.update({hashlib.sha256(data).hexdigest(): data for data in blobs})

    def admit(self, log: LogName, record: Record, *, check: bool = True) -> None:
        """Put a record into a log, if the rules allow it (or whatever they say)."""
        if check:
            engine.admit(self.view, log, record)
        else:
            self.view.logs[log].append(record)

    def checkpoint(self, log: LogName, size: int | None = None, auditors: Sequence[str] | None = None) -> str:
        """The checkpoint of a log at a size (now), signed and cosigned."""
        view = self.view.logs[log]
        size = len(view) if size is None else size
        root = view.root(size)
        note = SignedCheckpoint.parse(self.log_signers[log].sign(size, root)).note
        checkpoint = Checkpoint(self.log_signers[log].origin, size, root)
        who = self.auditors if auditors is None else auditors
        lines = [self.witnesses[role].cosign(checkpoint, self.time) for role in who]
        return note.with_lines(lines).encode().decode()

    def forge_keys(self) -> forge.Keys:
        """All keys, for the adversary's workshop."""
        return forge.Keys(
            roles={role: key.seed() for role, key in self.keys.items()},
            logs=dict(self.log_seeds),
            witnesses=[(self.witnesses[role].vkey.name, self.witness_keys[role].seed()) for role in self.auditors],
            credentials={voter.key.public.hex(): voter.key.seed() for voter in self.voters},
        )

    def write(self, folder: Path) -> Path:
        """The election record on disk."""
        for name in forge.LOGS:
            log: LogName = name  # type: ignore[assignment]
            entries = [record.entry for record in self.view.logs[log].records]
            if entries:
                forge.write_log(folder / name, entries, self.checkpoint(log).encode())
        (folder / "blob").mkdir(parents=True)
        for digest, data in self.blobs.items():
            (folder / "blob" / digest).write_bytes(data)
        return folder

    # --- the acts -----------------------------------------------------------------------------------------

    def reach(self, stage: str) -> Simulator:
        """Everything up to and including a stage of `STAGES`."""
        acts = (
            self.generate_key, self.publish_roll, self.set_up, self.open_box, self.cast_all, self.close_box,
            self.mix_all, self.decrypt_all, self.count, self.certify,
        )  # fmt: skip
        for act in acts[: STAGES.index(stage) + 1]:
            act()
        return self

    def _manifest(self, min_batch: int) -> s.Manifest:
        public = {role: key.public.hex() for role, key in self.keys.items()}
        vkeys = {name: str(signer.vkey) for name, signer in self.log_signers.items()}
        return s.Manifest(
            election_id=ELECTION,
            name=Bilingual("Elección de prueba", "Test election"),
            timeline=s.Timeline(format_time(OPENS), format_time(CLOSES)),
            offer=drafts.blob_of(drafts.offer_blob(self.offer)),
            policy=s.PolicyRules("forbidden", min_batch, 0, 2),
            trustees=s.Trustees(
                self.t,
                [
                    s.TrusteeMember(role, f"Custodio {k}", public[role], self.box_keys[role].public.hex())
                    for k, role in enumerate(self.trustees, 1)
                ],
            ),
            mixers=[s.Mixer(role, f"Mezclador {k}", public[role]) for k, role in enumerate(self.mixers, 1)],
            auditors=[
                s.Auditor(role, f"Auditor {k}", public[role], [str(self.witnesses[role].vkey)])
                for k, role in enumerate(self.auditors, 1)
            ],
            authority=s.Authority(public["authority"]),
            registry=s.LogParty(public["registry"], vkeys["registry"]),
            ballot_box=s.LogParty(public["ballot-box"], vkeys["ballot"]),
            tally=s.LogParty(public["tally"], vkeys["tally"]),
        )

    def generate_key(self, attempt: int = 1, *, abandon: bool = False) -> None:
        """Commits, reveals, shares, acknowledgements, and a drill with all trustees. An abandoned attempt ends with a
        complaint instead of acknowledgements."""
        context = keygen.dkg_context(self.view.manifest_digest, attempt)
        reveals = {}
        for k, role in enumerate(self.trustees, 1):
            self.polynomials[role] = list(GROUP.random_scalars(self.t, self.random))
            commitments = GROUP.base_mul(GROUP.scalars(self.polynomials[role]))
            statement = possession.Statement(context, k, commitments)
            proof = prove_possession.prove(GROUP, self.random, statement, self.polynomials[role][0])
            reveals[role] = s.DkgReveal(
                attempt, _hexes(commitments.encode()), Schnorr(proof.commitment.hex(), proof.response.hex())
            )
        for role, reveal in reveals.items():
            self.append("tally", role, drafts.Draft(s.DkgCommit(attempt, body_digest(reveal).hex())))
        for role, reveal in reveals.items():
            self.append("tally", role, drafts.Draft(reveal))
        for role in self.trustees:
            self.append("tally", role, drafts.Draft(s.DkgShares(attempt, self._boxed(role))))
        if abandon:
            self.append("tally", "trustee/2", drafts.Draft(s.DkgComplaint(attempt, "trustee/1")))
            return
        leaves = [record.leaf_hash for _, record in keygen.attempts(self.view)[-1].records]
        for role in self.trustees:
            self.append("tally", role, drafts.Draft(s.DkgAck(attempt, keygen.transcript_digest(leaves).hex())))
        for k, role in enumerate(self.trustees, 1):
            self.secrets[role] = sum(self.share(dealer, k) for dealer in self.trustees) % GROUP_ORDER
        self.append("tally", "tally", drafts.Draft(self.drill(1, self.trustees)))

    def share(self, dealer: str, k: int) -> int:
        """f_dealer(k)."""
        return sum(a * pow(k, m, GROUP_ORDER) for m, a in enumerate(self.polynomials[dealer])) % GROUP_ORDER

    def _boxed(self, dealer: str) -> list[s.BoxedShare]:
        return [
            s.BoxedShare(
                to,
                self.box_keys[dealer]
                .seal(self.share(dealer, k).to_bytes(32, "little"), self.box_keys[to].public, self.random)
                .hex(),
            )
            for k, to in enumerate(self.trustees, 1)
        ]

    def drill(self, number: int, trustees: Sequence[str]) -> s.Drill:
        """A drill in which these trustees took part."""
        key = keygen.joint_key(self.view)
        assert key is not None
        base = drill_base(self.view, key.context, number)
        shares = []
        for role in trustees:
            k = int(role.split("/")[1])
            made = prove_decryption.decrypt(GROUP, base, self.secrets[role])
            statement = decryption.Statement(
                drill_context(key.context, number), "drill", "drill", k, key.verification.slice(k - 1, k), base, made
            )
            proof = prove_decryption.prove(GROUP, self.random, statement, self.secrets[role])
            shares.append(s.DrillShare(role, made.encode().hex(), _equality(proof)))
        return s.Drill(number, shares)

    def publish_roll(self) -> None:
        """The roll of all voters' credentials."""
        credentials: dict[str, list[bytes]] = {}
        for voter in self.voters:
            credentials.setdefault(voter.urn, []).append(voter.key.public)
        self.append("registry", "registry", drafts.roll(self.offer, credentials))

    def set_up(self) -> None:
        """Setup, audit plans and system opinions."""
        lnere = {urn.id: sum(voter.urn == urn.id for voter in self.voters) for urn in self.offer.urns}
        release = hashlib.sha3_256(b"release").hexdigest()
        registry = self.checkpoint("registry")
        self.append("tally", "authority", drafts.setup(self.view, registry=registry, lnere=lnere, release=release))
        for role in self.auditors:
            self.append("tally", role, drafts.audit_plan(f"plan {role}".encode(), ["source", "protocol"]))
            report = f"system report {role}".encode()
            self.append("tally", role, drafts.system_opinion(self.view, favourable=True, report=report))

    def open_box(self) -> None:
        """The order to open."""
        tally = self.checkpoint("tally")
        self.append("ballot", "authority", drafts.opening(self.view, tally=tally, now=OPENS))

    def ballot(self, voter: Voter, choices: Sequence[Choice]) -> Record:
        """A ballot, signed and in no log yet."""
        key = keygen.joint_key(self.view)
        assert key is not None
        contests = [self.view.contests[c] for urn in self.offer.urns if urn.id == voter.urn for c in urn.contests]
        data = b"".join(encode_choice(contest, choice) for contest, choice in zip(contests, choices, strict=True))
        messages = encode_blocks(GROUP, data)
        r = GROUP.random_scalars(len(messages), self.random)
        a = _hexes(GROUP.base_mul(r).encode())
        b = _hexes((messages + GROUP.fixed_mul(key.joint, r)).encode())
        blocks = [ballot_pok.Block(contest.id, j, b"", b"") for contest in contests for j in range(contest.blocks)]
        blocks = [
            ballot_pok.Block(block.contest, block.index, bytes.fromhex(a[i]), bytes.fromhex(b[i]))
            for i, block in enumerate(blocks)
        ]
        context = self.view.context or b""
        statement = ballot_pok.Statement(context, voter.urn, voter.key.public, key.joint.encode(), blocks)
        proofs = prove_ballot.prove(GROUP, self.random, statement, r)
        body = v.Ballot(
            context.hex(),
            voter.urn,
            [
                v.ContestBallot(
                    contest.id,
                    [v.Ciphertext(a[i], b[i]) for i, block in enumerate(blocks) if block.contest == contest.id],
                    [
                        Schnorr(proofs[i].commitment.hex(), proofs[i].response.hex())
                        for i, block in enumerate(blocks)
                        if block.contest == contest.id
                    ],
                )
                for contest in contests
            ],
        )
        return self.sign("ballot", voter.key.public.hex(), body, voter.key)

    def cast_all(self) -> None:
        """Every voter who votes."""
        for voter in self.voters:
            if voter.choices is not None:
                self.admit("ballot", self.ballot(voter, voter.choices))

    def close_box(self) -> None:
        """Close, marks, and the list to mix."""
        self.append("ballot", "ballot-box", drafts.close(self.view, now=CLOSES, late=0))
        ballots = sum(self.view.ballots_by_urn().values())
        ballot = self.checkpoint("ballot")
        self.append("registry", "registry", drafts.marks(self.view, ballot=ballot, countries={"US": ballots}))
        registry = self.checkpoint("registry")
        self.append("tally", "tally", drafts.tally_input(self.view, ballot=ballot, registry=registry))
        for batch in small_batches(self.view):
            self.append("tally", "authority", drafts.small_batch_decision(self.view, batch, "few voters"))

    def mix_all(self) -> None:
        """Every mixer, every batch."""
        for role in self.mixers[:2]:
            gate = self.checkpoint("tally")
            for urn, contest in self.view.batches:
                self.append("tally", role, self.shuffle(role, urn, contest, gate))

    def shuffle(self, role: str, urn: str, contest: str, gate: str) -> drafts.Draft:
        """One shuffle of what its batch holds now."""
        key, context = keygen.joint_key(self.view), self.view.context
        assert key is not None
        assert context is not None
        source, rows = mixing.last_outputs(self.view)[urn, contest], self.view.ballots_by_urn()[urn]
        if rows < 2:
            return drafts.Draft(v.Shuffle(context.hex(), urn, contest, rows, source, None, gate))
        width = self.view.contests[contest].blocks
        inputs = GROUP.decode(self.blobs[source.sha256])
        outputs, witness = prove_shuffle.shuffle(GROUP, self.random, key.joint, inputs, width)
        number = int(role.split("/")[1])
        statement = shuffle_proof.Statement(context, urn, contest, number, width, key.joint, inputs, outputs)
        output, proof = outputs.encode(), prove_shuffle.prove(GROUP, self.random, statement, witness)
        refs = drafts.blob_of(output), drafts.blob_of(proof)
        return drafts.Draft(v.Shuffle(context.hex(), urn, contest, rows, *refs, gate), (output, proof))

    def decrypt_all(self, trustees: int | None = None) -> None:
        """The first so many trustees (t where nobody says otherwise), every batch."""
        gate = self.checkpoint("tally")
        for role in self.trustees[: self.t if trustees is None else trustees]:
            for urn, contest in self.view.batches:
                self.append("tally", role, self.decryption(role, urn, contest, gate))

    def decryption(self, role: str, urn: str, contest: str, gate: str) -> drafts.Draft:
        """One trustee's shares of one batch."""
        key, context = keygen.joint_key(self.view), self.view.context
        assert key is not None
        assert context is not None
        rows, k = self.view.ballots_by_urn()[urn], int(role.split("/")[1])
        if not rows:
            return drafts.Draft(v.Decryption(context.hex(), urn, contest, 0, drafts.blob_of(b""), None, gate), (b"",))
        bases, _ = output_elements(self.view, (urn, contest))
        shares = prove_decryption.decrypt(GROUP, bases, self.secrets[role])
        verification = key.verification.slice(k - 1, k)
        statement = decryption.Statement(context, urn, contest, k, verification, bases, shares)
        proof = prove_decryption.prove(GROUP, self.random, statement, self.secrets[role])
        blob = shares.encode()
        body = v.Decryption(context.hex(), urn, contest, rows, drafts.blob_of(blob), _equality(proof), gate)
        return drafts.Draft(body, (blob,))

    def count(self) -> None:
        """All result batches and the result."""
        for batch in self.view.batches:
            self.append("tally", "tally", drafts.result_batch(self.view, batch))
        self.append("tally", "tally", drafts.result(self.view, gate=self.checkpoint("tally")))

    def certify(self) -> None:
        """Both auditors' opinions and the certification."""
        checkpoints = {name: self.checkpoint(name) for name in ("registry", "ballot", "tally")}
        for role in self.auditors:
            self.append(
                "tally",
                role,
                drafts.opinion(
                    self.view,
                    favourable=True,
                    checkpoints=checkpoints,
                    report=f"report {role}".encode(),
                    tool=("vemre", "0"),
                ),
            )
        self.append("tally", "authority", drafts.certification(self.view, gate=self.checkpoint("tally")))


def refusal(act: Any) -> CheckFailed:
    """The CheckFailed that `act()` raises."""
    try:
        act()
    except CheckFailed as failure:
        return failure
    raise AssertionError("nothing was refused")


def _hexes(data: bytes) -> list[str]:
    return [data[start : start + 32].hex() for start in range(0, len(data), 32)]


def _equality(proof: decryption.Proof) -> Equality:
    return Equality(proof.t1.hex(), proof.t2.hex(), proof.response.hex())


def leaf(record: Record) -> str:
    """A record's leaf hash, as other records name it."""
    return merkle.leaf_hash(record.entry).hex()

"""Makes the practice election, which anybody can vote in and nobody can rely on: every key in it is public.

    python ballot/client/practice/make.py [FILE]

writes `election.json` beside this file, or FILE, anew. All of it follows from the text `SEED`, so two runs write the
same bytes. It is a whole election up to its opening, small, with one voter: the page verifies it as it verifies a real
one, and then takes the part of the ballot box and of both auditors with the keys that stand in the file.

Its origins end in `.invalid`, a name that nobody can own, and its keys are in no other policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from vemre.crypto.boxes import BoxKey
from vemre.crypto.credential import Credential
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.dkg import Ceremony, KeyShare, deal
from vemre.election.drill import drill_share
from vemre.election.rules import engine, keygen
from vemre.election.rules.view import Anchors, View
from vemre.group import load
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.params import GROUP_ORDER
from vemre.records import setup_bodies as s
from vemre.records.fields import Bilingual, format_time, parse_time
from vemre.records.policy import AuditorAnchor, LogAnchors, Policy
from vemre.records.record import body_digest, parse
from vemre.types import LOG_NAMES, LogName

FILE: Final = Path(__file__).resolve().parent / "election.json"
SEED: Final = "VeMRE practice election 1: all keys are public, nothing here is real"
ELECTION: Final = "00000000-0000-4000-8000-7072616374ca"
HOST: Final = "practica.vemre.invalid"
OPENS, CLOSES = parse_time("2026-01-01T00:00:00Z"), parse_time("2099-12-31T23:59:59Z")
URN: Final = "urna-practica"
TRUSTEES: Final = ("trustee/1", "trustee/2")
MIXERS: Final = ("mixer/1", "mixer/2")
AUDITORS: Final = ("auditor/1", "auditor/2")


class Stream:
    """Bytes that follow from the seed and a name."""

    def __init__(self, name: str) -> None:
        self._name = f"{SEED}\n{name}\n".encode()
        self._taken = 0

    def __call__(self, count: int) -> bytes:
        self._taken += count
        return hashlib.shake_256(self._name).digest(self._taken)[-count:] if count else b""


def offer() -> s.Offer:
    """Parties and candidates that do not exist, with all that a real ballot paper has."""
    mock, mock_en = "SIMULACRO: ", "MOCK: "
    president = s.Contest(
        id="presidencia",
        title=Bilingual(f"{mock}Presidencia", f"{mock_en}Presidency"),
        legend="Simulacro: esta boleta no cuenta",
        options=[
            s.Option("sol", "Candidata Inventada Uno", "SOL"),
            s.Option("nopal", "Candidata Inventada Uno", "NOPAL"),
            s.Option("luna", "Candidato Inventado Dos", "LUNA"),
            s.Option("mar", "Candidata Inventada Tres", "MAR"),
        ],
        coalitions=[s.Coalition("jardin", "Candidata Inventada Uno", ["sol", "nopal"])],
        write_in_bytes=58,
        blocks=2,
    )
    senate = s.Contest(
        id="senadurias",
        title=Bilingual(f"{mock}Senadurías", f"{mock_en}Senate"),
        legend="Simulacro: esta boleta no cuenta",
        options=[
            s.Option("sol", "Partido del Sol", "SOL"),
            s.Option("nopal", "Partido del Nopal", "NOPAL"),
            s.Option("luna", "Partido de la Luna", "LUNA"),
        ],
        coalitions=[],
        write_in_bytes=58,
        blocks=2,
    )
    return s.Offer([s.Urn(URN, "Estado de Práctica", ["presidencia", "senadurias"])], [president, senate])


class Practice:
    """The election and everybody's keys, act by act; each record is admitted by the rules."""

    def __init__(self) -> None:
        # One back end, so that the same bytes come out on every machine.
        self.group = load("reference")
        roles = ("authority", "registry", "ballot-box", "tally", *TRUSTEES, *MIXERS, *AUDITORS)
        self.keys = {role: SigningKey.generate(Stream(f"sign {role}")) for role in roles}
        self.boxes = [BoxKey.generate(Stream(f"box {role}")) for role in TRUSTEES]
        self.log_keys = {name: SigningKey.generate(Stream(f"log {name}")) for name in LOG_NAMES}
        self.logs = {name: LogSigner(f"{HOST}/{ELECTION}/{name}", key) for name, key in self.log_keys.items()}
        self.witness_keys = {role: SigningKey.generate(Stream(f"witness {role}")) for role in AUDITORS}
        self.witnesses = {
            role: Ed25519Cosigner(f"{role.replace('/', '-')}.{HOST}/w", key) for role, key in self.witness_keys.items()
        }
        self.credential = Credential.generate(Stream("credential"))
        self.policy = Policy(
            logs=LogAnchors(**{name: str(signer.vkey) for name, signer in self.logs.items()}),
            auditors={
                role: AuditorAnchor(self.keys[role].public.hex(), [str(self.witnesses[role].vkey)]) for role in AUDITORS
            },
            authority=self.keys["authority"].public.hex(),
            quorum=2,
        )
        self.blobs: dict[str, bytes] = {}
        # What verification draws leaves no trace in the record.
        self.view = View(Anchors(self.policy), self.blobs.__getitem__, self.group, Stream("verification"))

    def append(self, log: LogName, signer: str, draft: drafts.Draft) -> bytes:
        """Sign and admit a record; gives its leaf hash."""
        entry = drafts.sign_entry(draft.body, log=self.logs[log].origin, signer=signer, key=self.keys[signer])
        self.blobs.update({hashlib.sha256(data).hexdigest(): data for data in draft.blobs})
        record = parse(entry)
        engine.admit(self.view, log, record)
        return record.leaf_hash

    def checkpoint(self, log: LogName) -> str:
        """The checkpoint of a log as it stands, cosigned by both auditors."""
        size = len(self.view.logs[log])
        root = self.view.logs[log].root(size)
        note = SignedCheckpoint.parse(self.logs[log].sign(size, root)).note
        checkpoint = Checkpoint(self.logs[log].origin, size, root)
        return note.with_lines([w.cosign(checkpoint, OPENS) for w in self.witnesses.values()]).encode().decode()

    def run(self) -> None:
        """Everything up to the opening."""
        self.append("tally", "authority", drafts.manifest(self._manifest(), drafts.offer_blob(offer())))
        self._generate_key()
        public = self.credential.signing_key(ELECTION).public
        self.append("registry", "registry", drafts.roll(offer(), {URN: [public]}))
        release = hashlib.sha3_256(SEED.encode()).hexdigest()
        registry = self.checkpoint("registry")
        self.append("tally", "authority", drafts.setup(self.view, registry=registry, lnere={URN: 1}, release=release))
        for role in AUDITORS:
            self.append("tally", role, drafts.audit_plan(b"Simulacro", ["simulacro"]))
            self.append("tally", role, drafts.system_opinion(self.view, favourable=True, report=b"Simulacro"))
        self.append("ballot", "authority", drafts.opening(self.view, tally=self.checkpoint("tally"), now=OPENS))

    def _manifest(self) -> s.Manifest:
        public = {role: key.public.hex() for role, key in self.keys.items()}
        vkeys = {name: str(signer.vkey) for name, signer in self.logs.items()}
        members = [
            s.TrusteeMember(role, f"Custodio de práctica {k}", public[role], box.public.hex())
            for k, (role, box) in enumerate(zip(TRUSTEES, self.boxes, strict=True), 1)
        ]
        return s.Manifest(
            election_id=ELECTION,
            name=Bilingual("SIMULACRO: elección de práctica", "MOCK: practice election"),
            timeline=s.Timeline(format_time(OPENS), format_time(CLOSES)),
            offer=drafts.blob_of(drafts.offer_blob(offer())),
            policy=s.PolicyRules("forbidden", 2, 0, 2),
            trustees=s.Trustees(2, members),
            mixers=[s.Mixer(role, f"Mezclador de práctica {k}", public[role]) for k, role in enumerate(MIXERS, 1)],
            auditors=[
                s.Auditor(role, f"Auditor de práctica {k}", public[role], [str(self.witnesses[role].vkey)])
                for k, role in enumerate(AUDITORS, 1)
            ],
            authority=s.Authority(public["authority"]),
            registry=s.LogParty(public["registry"], vkeys["registry"]),
            ballot_box=s.LogParty(public["ballot-box"], vkeys["ballot"]),
            tally=s.LogParty(public["tally"], vkeys["tally"]),
        )

    def _generate_key(self) -> None:
        context = keygen.dkg_context(body_digest(self.view.manifest), 1)
        ceremony = Ceremony(1, context, 2, tuple(box.public for box in self.boxes))
        dealings = [
            deal(self.group, Stream(f"dealing {role}"), ceremony, k, box)
            for k, (role, box) in enumerate(zip(TRUSTEES, self.boxes, strict=True), 1)
        ]
        each = list(zip(TRUSTEES, dealings, strict=True))
        sent = [self.append("tally", role, drafts.Draft(dealing.commit)) for role, dealing in each]
        sent += [self.append("tally", role, drafts.Draft(dealing.reveal)) for role, dealing in each]
        sent += [self.append("tally", role, drafts.Draft(dealing.shares)) for role, dealing in each]
        for role in TRUSTEES:
            self.append("tally", role, drafts.Draft(s.DkgAck(1, keygen.transcript_digest(sent).hex())))
        key = keygen.joint_key(self.view)
        assert key is not None
        shares = [
            drill_share(self.group, Stream(f"drill {role}"), key, KeyShare(1, k, total % GROUP_ORDER), 1)
            for k, role in enumerate(TRUSTEES, 1)
            for total in [sum(dealing.share(k) for dealing in dealings)]
        ]
        self.append("tally", "tally", drafts.Draft(s.Drill(1, shares)))

    def document(self) -> dict[str, Any]:
        """What the page gets: the logs, the blobs, and the keys of those whose part it takes."""
        return {
            "about": SEED,
            "policy": msgspec.json.encode(self.policy).decode(),
            "voter": {"urn": URN, "credential": self.credential.shown()},
            "logs": {
                name: {
                    "checkpoint": self.checkpoint(name),
                    "entries": [record.entry.decode() for record in self.view.logs[name].records],
                }
                for name in LOG_NAMES
            },
            "blobs": [base64.b64encode(data).decode() for _, data in sorted(self.blobs.items())],
            "keys": {
                "ballot": self.log_keys["ballot"].seed().hex(),
                "auditors": {self.witnesses[role].vkey.name: self.witness_keys[role].seed().hex() for role in AUDITORS},
            },
        }


def build() -> bytes:
    """The file, byte for byte the same each time."""
    practice = Practice()
    practice.run()
    return json.dumps(practice.document(), ensure_ascii=False, indent=1).encode() + b"\n"


def main(arguments: Sequence[str]) -> None:
    """Write the file."""
    (Path(arguments[0]) if arguments else FILE).write_bytes(build())


if __name__ == "__main__":
    main(sys.argv[1:])

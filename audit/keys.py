"""An auditor's keys: one signs plans and opinions, the other cosigns checkpoints as a witness. `vemre audit init`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.translations import say
from vemre.crypto.keyfile import KeyFile
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.log.note import Vkey, check_key_name
from vemre.log.signer import Ed25519Cosigner
from vemre.records.policy import Policy
from vemre.storage import keyfiles
from vemre.types import Random

KEY_FILE: Final = "auditor.key"
KIND: Final = "auditor"


@dataclass(frozen=True)
class AuditorKeys:
    """Both keys. `insecure` says that nothing protects them."""

    role: str
    name: str
    sign: SigningKey
    witness: Ed25519Cosigner
    insecure: bool = False

    def public(self) -> dict[str, str | list[str]]:
        """What manifest and policy say of this auditor."""
        return {
            "role": self.role,
            "name": self.name,
            "sign": self.sign.public.hex(),
            "witness": [str(self.witness.vkey)],
        }

    def role_in(self, policy: Policy) -> str:
        """The role id that the policy gives to these keys. Raises Refused("auditor-not-in-policy")."""
        for role, anchor in policy.auditors.items():
            if anchor.sign == self.sign.public.hex() and str(self.witness.vkey) in anchor.witness:
                return role
        raise Refused("auditor-not-in-policy")

    def witness_role_in(self, policy: Policy) -> str:
        """The role id for whose quorum this witness counts; a spare witness has another signing key than the auditor.

        Raises Refused("auditor-not-in-policy").
        """
        for role, anchor in policy.auditors.items():
            if str(self.witness.vkey) in anchor.witness:
                return role
        raise Refused("auditor-not-in-policy")


def create(
    folder: Path, role: str, name: str, witness: str, passphrase: bytes, random: Random, *, insecure: bool
) -> AuditorKeys:
    """Make both keys. `name` is the auditor's; `witness` the name of its witness key, such as ``auditor.example/w1``.

    Raises Refused("witness-name-unusable"), KeyFileError where there are keys already, OSError.
    """
    try:
        check_key_name(witness)
    except CheckFailed:
        raise Refused("witness-name-unusable") from None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sign, cosign = SigningKey.generate(random), SigningKey.generate(random)
    keys = AuditorKeys(role, name, sign, Ed25519Cosigner(witness, cosign), insecure)
    secret = {"sign": sign.seed().hex(), "witness": cosign.seed().hex()}
    keyfiles.create(folder / KEY_FILE, KeyFile(KIND, keys.public(), secret, insecure), passphrase, random)
    return keys


def load(folder: Path, passphrase: bytes, *, allow_insecure: bool) -> AuditorKeys:
    """The keys of an auditor. Raises KeyFileError and OSError."""
    key = keyfiles.load(folder / KEY_FILE, passphrase, KIND, allow_insecure=allow_insecure)
    try:
        sign, witness = (SigningKey.from_seed(bytes.fromhex(key.secret[part])) for part in ("sign", "witness"))
        name = Vkey.parse(key.public["witness"][0]).name
        cosigner = Ed25519Cosigner(name, witness)
        return AuditorKeys(str(key.public["role"]), str(key.public["name"]), sign, cosigner, key.insecure)
    except (KeyError, IndexError, TypeError, ValueError, CheckFailed):
        raise KeyFileError("the key file does not hold what an auditor needs") from None


@click.command("init", cls=Command, help="audit-init-about")
@option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="audit-option-data")
@option("--number", required=True, type=click.IntRange(1, 99), help="audit-option-number")
@option("--name", required=True, help="audit-option-name")
@option("--witness", required=True, help="audit-option-witness")
@passphrase_options
@json_option
def init(data: Path, number: int, name: str, witness: str, passphrase: Passphrase, as_json: bool) -> None:
    """Makes the keys and prints their public halves."""
    secret = passphrase.get(confirm=True)
    role = f"auditor/{number}"
    made = create(data, role, name, witness, secret, os.urandom, insecure=passphrase.insecure).public()
    if as_json:
        console.put_json(made)
        return
    for field, value in made.items():
        console.put(f"{field}: {value if isinstance(value, str) else ', '.join(value)}")
    console.say(say("audit-init-done", folder=str(data)))

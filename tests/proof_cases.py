"""Honest proofs of every kind, small, and every way to alter one part of a statement or of a proof."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from vemre.checks import Check
from vemre.group import Elements, Group, Scalars, load
from vemre.params import GROUP_ORDER
from vemre.proofs import ballot_pok, decryption, possession, shuffle
from vemre.proofs.batch import Equations
from vemre.proofs.prove import ballot as prove_ballot
from vemre.proofs.prove import decryption as prove_decryption
from vemre.proofs.prove import possession as prove_possession
from vemre.proofs.prove import shuffle as prove_shuffle

CONTEXT = bytes(range(32))
WHERE = "tally/20"
KINDS = ("possession", "ballot", "shuffle", "decryption")
IDENTITY = bytes(32)
NOT_AN_ELEMENT = b"\xff" * 32
NOT_A_SCALAR = GROUP_ORDER.to_bytes(32, "little")


@dataclass(frozen=True)
class Case:
    """A proof that holds. `check` is what refuses it once altered, `party` who is then named."""

    group: Group
    statement: Any
    proof: Any
    check: Check
    party: str

    def verify(self, statement: Any = None, proof: Any = None) -> None:
        """The product's verification, of this case or with another statement or proof."""
        statement = self.statement if statement is None else statement
        proof = self.proof if proof is None else proof
        if self.check is Check.DKG_POP:
            possession.verify(self.group, statement, proof, where=WHERE, party=self.party)
        elif self.check is Check.BALLOT_POK:
            claim = ballot_pok.Claim(statement, proof, WHERE, self.party)
            ballot_pok.verify(self.group, os.urandom, [claim])
        elif self.check is Check.SHUFFLE:
            shuffle.verify(self.group, os.urandom, statement, proof, where=WHERE, party=self.party)
        else:
            decryption.verify(self.group, os.urandom, statement, proof, where=WHERE, party=self.party)

    def add_to(self, equations: Equations, proof: Any = None, where: str = WHERE) -> None:
        """The same as part of a batch."""
        proof = self.proof if proof is None else proof
        if self.check is Check.DKG_POP:
            possession.add_to(equations, self.statement, proof, where=where, party=self.party)
        elif self.check is Check.BALLOT_POK:
            ballot_pok.add_ballots(equations, [ballot_pok.Claim(self.statement, proof, where, self.party)])
        elif self.check is Check.SHUFFLE:
            shuffle.add_to(equations, self.statement, proof, where=where, party=self.party)
        else:
            decryption.add_to(equations, self.statement, proof, where=where, party=self.party)

    def challenges(self, statement: Any) -> list[bytes | int]:
        """Every challenge over the statement alone, the commitments unchanged."""
        if self.check is Check.DKG_POP:
            return [statement.challenge(self.proof.commitment)]
        if self.check is Check.BALLOT_POK:
            pairs = zip(statement.blocks, self.proof, strict=True)
            return [statement.challenge(block, proof.commitment) for block, proof in pairs]
        if self.check is Check.SHUFFLE:
            return [statement.transcript(self.proof[: 32 * self.statement.rows]).challenge_bytes("u")]
        return [statement.transcript().challenge_bytes("d")]


# --- honest proofs -------------------------------------------------------------------------------------------


@cache
def possession_case(group: Group, threshold: int = 3) -> Case:
    secrets = scalars(group, threshold)
    statement = possession.Statement(CONTEXT, 2, decoded(group, group.base_mul(secrets)))
    proof = prove_possession.prove(group, os.urandom, statement, secrets[0])
    return Case(group, statement, proof, Check.DKG_POP, "trustee/2")


@cache
def ballot_case(group: Group, blocks: tuple[int, ...] = (2, 1), urn: str = "urna-1") -> Case:
    """A ballot with a contest for every item of `blocks`, of that many ciphertexts."""
    places = [(f"contest-{i}", j) for i, width in enumerate(blocks) for j in range(width)]
    key, r = points(group, 1), scalars(group, len(places))
    a = chunks(group.base_mul(r).encode())
    b = chunks((points(group, len(places)) + group.fixed_mul(key, r)).encode())
    listed = [ballot_pok.Block(*place, a_, b_) for place, a_, b_ in zip(places, a, b, strict=True)]
    statement = ballot_pok.Statement(CONTEXT, urn, os.urandom(32), key.encode(), listed)
    proofs = prove_ballot.prove(group, os.urandom, statement, r)
    return Case(group, statement, proofs, Check.BALLOT_POK, "ballot-box")


@cache
def shuffle_case(group: Group, rows: int = 3, width: int = 2) -> Case:
    statement, witness = shuffled(group, rows, width)
    return Case(group, statement, prove_shuffle.prove(group, os.urandom, statement, witness), Check.SHUFFLE, "mixer/2")


def shuffled(group: Group, rows: int, width: int) -> tuple[shuffle.Statement, prove_shuffle.Witness]:
    """Random ciphertexts, shuffled honestly."""
    key, inputs = points(group, 1), points(group, 2 * rows * width)
    outputs, witness = prove_shuffle.shuffle(group, os.urandom, key, inputs, width)
    statement = shuffle.Statement(CONTEXT, "urna-1", "contest-1", 2, width, key, inputs, decoded(group, outputs))
    return statement, witness


@cache
def decryption_case(group: Group, count: int = 3) -> Case:
    secret = scalars(group, 1)
    key, bases = decoded(group, group.base_mul(secret)), points(group, count)
    shares = decoded(group, prove_decryption.decrypt(group, bases, secret[0]))
    statement = decryption.Statement(CONTEXT, "urna-1", "contest-1", 2, key, bases, shares)
    proof = prove_decryption.prove(group, os.urandom, statement, secret[0])
    return Case(group, statement, proof, Check.DECRYPT_PROOF, "trustee/2")


CASES: dict[str, Callable[[Group], Case]] = {
    "possession": possession_case,
    "ballot": ballot_case,
    "shuffle": shuffle_case,
    "decryption": decryption_case,
}


# --- one part altered ----------------------------------------------------------------------------------------


def altered_statements(case: Case) -> dict[str, Any]:
    """The statement with each item changed singly (and each place of each list)."""
    statement = case.statement
    found: dict[str, Any] = {}
    for field in fields(statement):
        value = getattr(statement, field.name)
        if field.name == "blocks":
            for i, block in enumerate(value):
                for inner in fields(block):
                    changed = replace(block, **{inner.name: _other(case.group, getattr(block, inner.name))})
                    listed = [*value[:i], changed, *value[i + 1 :]]
                    found[f"blocks[{i}].{inner.name}"] = replace(statement, blocks=listed)
        elif isinstance(value, Elements):
            for i in range(len(value)):
                found[f"{field.name}[{i}]"] = replace(statement, **{field.name: with_other(case.group, value, i)})
        elif field.name != "width":  # a shuffle's width is changed together with its proof, which gets another length
            found[field.name] = replace(statement, **{field.name: _other(case.group, value)})
    return found


def altered_proofs(case: Case) -> Iterator[tuple[str, Any, Check]]:
    """The proof with each field changed singly, in each way, and what then refuses it."""
    for name, encoding, put in _proof_fields(case):
        scalar = name.startswith(("response", "s"))
        yield name, put(_other(case.group, encoding, scalar=scalar)), case.check
        if scalar:
            yield f"{name} not reduced", put(NOT_A_SCALAR), Check.SCALAR
        else:
            yield f"{name} not canonical", put(NOT_AN_ELEMENT), Check.ELEMENT
            yield f"{name} identity", put(IDENTITY), Check.IDENTITY


def _proof_fields(case: Case) -> Iterator[tuple[str, bytes, Callable[[bytes], Any]]]:
    """Every field: its name, its encoding, and the proof with another encoding in its place."""
    proof = case.proof
    if isinstance(proof, bytes):
        rows, width = case.statement.rows, case.statement.width
        counts = {"C": rows, "D": rows, "T1": 1, "T2": 1, "T3": 1, "T4": 2 * width, "E": rows}
        counts |= {"s1": 1, "s2": 1, "s3": 1, "s4": width, "sy": rows, "sz": rows}
        names = [f"{name}[{i}]" for name, count in counts.items() for i in range(count)]
        for i, (name, encoding) in enumerate(zip(names, chunks(proof), strict=True)):
            yield name, encoding, lambda new, at=32 * i: proof[:at] + new + proof[at + 32 :]
    elif isinstance(proof, list):
        for i, inner in enumerate(proof):
            for field in fields(inner):
                yield (
                    f"{field.name}[{i}]",
                    getattr(inner, field.name),
                    lambda new, i=i, inner=inner, name=field.name: [
                        *proof[:i],
                        replace(inner, **{name: new}),
                        *proof[i + 1 :],
                    ],
                )
    else:
        for field in fields(proof):
            yield field.name, getattr(proof, field.name), lambda new, name=field.name: replace(proof, **{name: new})


def _other(group: Group, value: Any, *, scalar: bool = False) -> Any:
    """Another value of the same kind."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if scalar:
        return ((int.from_bytes(value, "little") + 1) % GROUP_ORDER).to_bytes(32, "little")
    try:
        return (group.decode(value) + group.generator()).encode()
    except Exception:  # a context or credential, which need not be an element
        return bytes([value[0] ^ 1]) + value[1:]


def with_other(group: Group, elements: Elements, index: int) -> Elements:
    """The vector with G added at one place."""
    changed = elements.slice(index, index + 1) + group.generator()
    return elements.slice(0, index).concat(changed, elements.slice(index + 1, len(elements)))


# --- material ------------------------------------------------------------------------------------------------


def scalars(group: Group, count: int) -> Scalars:
    return group.random_scalars(count, os.urandom)


def points(group: Group, count: int) -> Elements:
    """Random elements, as they come from the outside: decoded."""
    return decoded(group, group.base_mul(scalars(group, count)))


def decoded(group: Group, elements: Elements) -> Elements:
    return group.decode(elements.encode())


def chunks(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def every_case() -> list[tuple[str, Case]]:
    """One of each kind, with the default arithmetic."""
    return [(kind, CASES[kind](load())) for kind in KINDS]

"""All proofs of the golden record, which an independent implementation made."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
from proof_cases import chunks

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.proofs import ballot_pok, decryption, possession, shuffle, threshold


def canonical(value: Any) -> bytes:
    """Enough for bodies without numbers that have several spellings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def number(role: str) -> int:
    return int(role.partition("/")[2])


def points(group: Group, encodings: list[str]) -> Elements:
    return group.decode(bytes.fromhex("".join(encodings)))


@pytest.fixture(scope="module")
def setup_context(golden: Any) -> bytes:
    return hashlib.sha256(b"VEMRE-1/setup" + canonical(golden.one("setup"))).digest()


@pytest.fixture(scope="module")
def dkg_context(golden: Any) -> bytes:
    digest = hashlib.sha256(canonical(golden.one("manifest"))).digest()
    attempt = golden.one("setup")["attempt"]
    return hashlib.sha256(b"VEMRE-1/dkg" + digest + attempt.to_bytes(4, "big")).digest()


@pytest.fixture(scope="module")
def joint_key(group: Group, golden: Any) -> Elements:
    return points(group, [golden.one("setup")["joint_key"]])


@pytest.fixture(scope="module")
def verification_keys(group: Group, golden: Any) -> Elements:
    return points(group, golden.one("setup")["verification_keys"])


def proof_of(fields: dict[str, str], kind: type[Any]) -> Any:
    return kind(**{name: bytes.fromhex(value) for name, value in fields.items()})


def test_possessions(group: Group, golden: Any, dkg_context: bytes) -> None:
    assert len(golden.entries["dkg-reveal"]) == 3
    for entry in golden.entries["dkg-reveal"]:
        commitments = points(group, entry["body"]["commitments"])
        statement = possession.Statement(dkg_context, number(entry["signer"]), commitments)
        possession.verify(group, statement, proof_of(entry["body"]["pop"], possession.Proof))


def test_keys_follow_from_the_commitments(
    group: Group, golden: Any, joint_key: Elements, verification_keys: Elements
) -> None:
    dealt = [points(group, entry["body"]["commitments"]) for entry in golden.entries["dkg-reveal"]]
    assert group.concat([one.slice(0, 1) for one in dealt]).sum().encode() == joint_key.encode()
    keys = [threshold.verification_key(group, dealt, k).encode() for k in (1, 2, 3)]
    assert b"".join(keys) == verification_keys.encode()


def ballots(golden: Any, context: bytes, joint_key: Elements) -> list[ballot_pok.Claim]:
    claims = []
    for index, entry in enumerate(golden.entries["ballot"]):
        blocks, proofs = [], []
        for contest in entry["body"]["contests"]:
            for j, pair in enumerate(contest["ciphertexts"]):
                blocks.append(
                    ballot_pok.Block(contest["contest"], j, bytes.fromhex(pair["a"]), bytes.fromhex(pair["b"]))
                )
            proofs += [proof_of(pok, ballot_pok.Proof) for pok in contest["pok"]]
        credential = bytes.fromhex(entry["signer"])
        statement = ballot_pok.Statement(context, entry["body"]["urn"], credential, joint_key.encode(), blocks)
        claims.append(ballot_pok.Claim(statement, proofs, f"ballot/{index}", "ballot-box"))
    return claims


def test_ballots(group: Group, golden: Any, setup_context: bytes, joint_key: Elements) -> None:
    claims = ballots(golden, setup_context, joint_key)
    assert [len(claim.proofs) for claim in claims] == [3] * 6 + [2] * 3
    ballot_pok.verify(group, os.urandom, claims)


def test_ballots_are_bound_to_their_setup(group: Group, golden: Any, joint_key: Elements) -> None:
    with pytest.raises(CheckFailed) as caught:
        ballot_pok.verify(group, os.urandom, ballots(golden, bytes(32), joint_key))
    assert (caught.value.check, caught.value.where) == (Check.BALLOT_POK, "ballot/0")


def test_shuffles(group: Group, golden: Any, setup_context: bytes, joint_key: Elements) -> None:
    widths = set()
    sources = {(b["urn"], b["contest"]): b["input"] for b in golden.one("tally-input")["batches"]}
    for entry in golden.entries["shuffle"]:
        body = entry["body"]
        batch = body["urn"], body["contest"]
        inputs, outputs = group.decode(golden.blob(sources[batch])), group.decode(golden.blob(body["output"]))
        width = len(inputs) // body["rows"] // 2
        statement = shuffle.Statement(setup_context, *batch, number(entry["signer"]), width, joint_key, inputs, outputs)
        shuffle.verify(group, os.urandom, statement, golden.blob(body["proof"]))
        sources[batch] = body["output"]
        widths.add(width)
    assert widths == {1, 2}


def test_decryptions(group: Group, golden: Any, setup_context: bytes, verification_keys: Elements) -> None:
    outputs = {(e["body"]["urn"], e["body"]["contest"]): e["body"]["output"] for e in golden.entries["shuffle"]}
    shares: dict[tuple[str, str], dict[int, Elements]] = {}
    for entry in golden.entries["decryption"]:
        body, trustee = entry["body"], number(entry["signer"])
        batch = body["urn"], body["contest"]
        both = group.decode(golden.blob(outputs[batch]))
        made = group.decode(golden.blob(body["shares"]))
        key, bases = verification_keys.slice(trustee - 1, trustee), both.take(range(0, len(both), 2))
        statement = decryption.Statement(setup_context, *batch, trustee, key, bases, made)
        decryption.verify(group, os.urandom, statement, proof_of(body["proof"], decryption.Proof))
        shares.setdefault(batch, {})[trustee] = made
    assert all(set(by_trustee) == {1, 3} for by_trustee in shares.values())

    for batch, by_trustee in shares.items():
        both = group.decode(golden.blob(outputs[batch]))
        messages = threshold.combine_shares(group, both.take(range(1, len(both), 2)), by_trustee)
        readable = [message[0] % 2 == 0 and message[31] == 0 for message in chunks(messages.encode())]
        # One irregular plaintext stands in the record; everything else is an encoded block.
        assert readable.count(False) <= 1


def test_drill(group: Group, golden: Any, dkg_context: bytes, verification_keys: Elements) -> None:
    body = golden.one("drill")
    tail = dkg_context + body["number"].to_bytes(4, "big")
    r = group.reduce_scalars(hashlib.sha512(b"VEMRE-1/drill-r" + tail).digest())
    context = hashlib.sha256(b"VEMRE-1/drill" + tail).digest()
    assert len(body["shares"]) == 3
    for share in body["shares"]:
        trustee = number(share["trustee"])
        key = verification_keys.slice(trustee - 1, trustee)
        statement = decryption.Statement(
            context, "drill", "drill", trustee, key, group.base_mul(r), points(group, [share["share"]])
        )
        decryption.verify(group, os.urandom, statement, proof_of(share["proof"], decryption.Proof))

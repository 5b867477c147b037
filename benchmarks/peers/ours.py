"""The same steps with VeMRE's own code: ballots of one block on ristretto255, one shuffle, one custodian's shares; and,
for whole elections, `vemre audit verify` on a record on disk.

    python benchmarks/peers/ours.py --ballots 1000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import Cost, measured

import vemre
from vemre import group as groups
from vemre.proofs import ballot_pok, decryption, shuffle
from vemre.proofs.prove import ballot as prove_ballot
from vemre.proofs.prove import decryption as prove_decryption
from vemre.proofs.prove import shuffle as prove_shuffle

CONTEXT = bytes(32)
SHAPE = ("--urns", "1", "--blocks", "1", "--trustees", "3", "--threshold", "2")
"""As the peers' elections: one question, 2 of 3 trustees; two mixers."""
MAKER = Path(__file__).resolve().parent.parent / "big_record.py"


def steps(ballots: int) -> dict[str, float]:
    """Processor seconds of each step; what a program would read from files is decoded inside."""
    group = groups.load()
    secret = group.random_scalars(1, os.urandom)
    key = group.base_mul(secret)
    costs: dict[str, Cost] = {}

    with measured(costs, "encrypt"):
        claims, pairs = [], []
        for number in range(ballots):
            r = group.random_scalars(1, os.urandom)
            message = group.base_mul(group.random_scalars(1, os.urandom))
            a = group.base_mul(r).encode()
            b = (message + group.mul(key, r)).encode()
            block = ballot_pok.Block("contest", 0, a, b)
            signer = number.to_bytes(32, "big")
            statement = ballot_pok.Statement(CONTEXT, "urn", signer, key.encode(), [block])
            claims.append(ballot_pok.Claim(statement, prove_ballot.prove(group, os.urandom, statement, r)))
            pairs.append(a + b)
    with measured(costs, "verify_ballots"):
        ballot_pok.verify(group, os.urandom, claims)
    inputs = group.decode(b"".join(pairs))
    with measured(costs, "shuffle"):
        mixed, witness = prove_shuffle.shuffle(group, os.urandom, key, inputs, 1)
        made = mixed.encode()
        proof = prove_shuffle.prove(
            group,
            os.urandom,
            shuffle.Statement(CONTEXT, "urn", "contest", 1, 1, key, inputs, group.decode(made)),
            witness,
        )
    with measured(costs, "verify_shuffle"):
        outputs = group.decode(made)
        statement_of = shuffle.Statement(CONTEXT, "urn", "contest", 1, 1, key, group.decode(b"".join(pairs)), outputs)
        shuffle.verify(group, os.urandom, statement_of, proof)
    bases = group.decode(b"".join(made[64 * i : 64 * i + 32] for i in range(ballots)))
    with measured(costs, "decrypt"):
        shares = prove_decryption.decrypt(group, bases, secret[0]).encode()
        statement_d = decryption.Statement(CONTEXT, "urn", "contest", 1, key, bases, group.decode(shares))
        shown = prove_decryption.prove(group, os.urandom, statement_d, secret[0])
    with measured(costs, "verify_decrypt"):
        read = decryption.Statement(CONTEXT, "urn", "contest", 1, key, bases, group.decode(shares))
        decryption.verify(group, os.urandom, read, shown)
    return {name: cost.cpu for name, cost in costs.items()}


def whole(ballots: int) -> float:
    """Processor seconds of `vemre audit verify`, interpreter included, on an election of that many ballots."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        making = [sys.executable, str(MAKER), "--ballots", str(ballots), *SHAPE, "--out", str(folder / "election")]
        subprocess.run(making, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        record, policy = folder / "election" / "record", folder / "election" / "policy.json"
        command = [sys.executable, "-m", "vemre.cli", "audit", "verify", str(record), "--policy", str(policy)]
        costs: dict[str, Cost] = {}
        with measured(costs, "verify"):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return costs["verify"].cpu


def run(ballots: int) -> dict[str, Any]:
    """All steps, as the peers' drivers give theirs."""
    return {
        "peer": "vemre",
        "version": vemre.__version__,
        "group": f"ristretto255 ({groups.backends()[0]})",
        "ballots": ballots,
        "seconds": {**steps(ballots), "verify": whole(ballots)},
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ballots", type=int, default=1000)
    print(json.dumps(run(parser.parse_args(words).ballots)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the voter's client in TypeScript refuses to encrypt upon [CLIENT-SETUP]: the whole conformance corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from client_program import Client

CASES: Final = Path(__file__).resolve().parents[2] / "conformance" / "cases"
GOLDEN: Final = Path(__file__).resolve().parents[2] / "vectors" / "golden"

KEY: Final = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737"
"""A public credential that is on no roll: whoever says so has verified all that comes before."""
NOT_ON_ROLL: Final = {"refused": "credential-not-on-roll"}
NOT_YET: Final = {"no-setup", "not-cosigned-yet"}
LATER: Final = frozenset(
    [
        "BALLOT-CONTESTS",
        "BALLOT-CONTEXT",
        "BALLOT-ELIGIBLE",
        "BALLOT-FRESH",
        "BALLOT-ONCE",
        "BALLOT-POK",
        "BALLOT-SIGNATURE",
        "BALLOT-TIME",
        "CERTIFY-TWO",
        "CLOSE-COUNT",
        "CONTEXT",
        "DECRYPT-ONCE",
        "DECRYPT-PROOF",
        "DECRYPT-QUORUM",
        "DRILL",
        "MIN-BATCH",
        "MIX-CHAIN",
        "MIX-COUNT",
        "OPINION",
        "RECONCILE",
        "RESULT",
        "ROWS",
        "SHUFFLE",
        "SHUFFLE-LENGTH",
        "SYSTEM-TWO",
        "TALLY-INPUT",
    ]
)
"""Checks of what comes after the setup, and of drills: nothing that an encryption rests on."""
LATER_CASES: Final = frozenset(
    [
        "BLOB-DIGEST-01",
        "CANONICAL-48",
        "CHECKPOINT-03",
        "CHECKPOINT-04",
        "CHECKPOINT-05",
        "ELEMENT-01",
        "ELEMENT-02",
        "ELEMENT-03",
        "ELEMENT-04",
        "ELEMENT-05",
        "ELEMENT-06",
        "ELEMENT-07",
        "ELEMENT-10",
        "GATE-02",
        "GATE-03",
        "GATE-04",
        "GATE-05",
        "GATE-06",
        "IDENTITY-01",
        "IDENTITY-02",
        "IDENTITY-03",
        "IDENTITY-04",
        "ORDER-01",
        "ORDER-02",
        "ORDER-03",
        "ORDER-04",
        "ORDER-06",
        "ORDER-07",
        "ORDER-08",
        "RECORD-ROLE-01",
        "RECORD-ROLE-02",
        "RECORD-ROLE-05",
        "RECORD-SIGNATURE-07",
        "SCALAR-01",
        "SCALAR-02",
        "SCALAR-03",
        "SCALAR-04",
        "SETUP-04",
    ]
)
"""Other cases of the corpus whose fault comes after the setup."""
OTHERS: Final = frozenset({"ORDER-09", "ROLL-KEYS-10"})
"""Faults before the setup that touch other voters alone: a replacement before the roll, another's credential."""
OTHER_ID: Final = {"LOG-29": "NOTE", "ROLL-UNIQUE-04": "ROLL-FROZEN"}


def answer(client: Client, case: Path) -> dict[str, Any]:
    """What the client makes of a record, for a credential that is on no roll: the first thing that is wrong."""
    paths = {"record": str(case / "record"), "policy": str(case / "policy.json")}
    answers = (client.ask("open", **paths, urn=urn, credential=KEY) for urn in ("urna-09", "urna-17"))
    return next((found for found in answers if found != NOT_ON_ROLL), NOT_ON_ROLL)


def test_the_golden_record_is_accepted(client: Client) -> None:
    assert client.good("open", record=str(GOLDEN / "record"), policy=str(GOLDEN / "policy.json"))["id"]


@pytest.mark.slow
def test_what_the_corpus_breaks_before_the_vote_is_refused(client: Client) -> None:
    """Every record of the corpus: refused, with the id that the corpus states, unless the fault comes later."""
    reached = 0
    for case in sorted(CASES.iterdir()):
        expected = json.loads((case / "case.json").read_text(encoding="utf-8"))["check"]
        found = answer(client, case)
        later = expected is None or expected in LATER or case.name in LATER_CASES | OTHERS
        if found == NOT_ON_ROLL:
            assert later, f"{case.name} is accepted"
            reached += 1
        elif "refused" in found:
            assert found["refused"] in NOT_YET, (case.name, found)
        else:
            assert not later, (case.name, found)
            assert found["failed"] == OTHER_ID.get(case.name, expected), (case.name, found)
    assert reached > 100


@pytest.mark.slow
def test_valid_elections_of_the_corpus_are_accepted_once_they_have_a_setup(client: Client) -> None:
    for case in sorted(CASES.glob("VALID-*")):
        found = answer(client, case)
        has_setup = b'"type":"setup"' in b"".join(
            path.read_bytes() for path in (case / "record" / "tally" / "tile" / "entries").rglob("*") if path.is_file()
        )
        assert found == (NOT_ON_ROLL if has_setup else {"refused": "no-setup"}), case.name

"""A2: a verifier that computes the challenge and does not use it accepts any proof. Every field of every proof,
altered alone, in every way, is refused by the right rule, and the party is named."""

from __future__ import annotations

from typing import Any

import pytest
from proof_cases import WHERE, Case, altered_proofs, every_case

from vemre.checks import Check
from vemre.errors import CheckFailed

ALTERED = [
    pytest.param(case, proof, check, id=f"{kind}: {name}")
    for kind, case in every_case()
    for name, proof, check in altered_proofs(case)
]


@pytest.mark.parametrize(("case", "proof", "check"), ALTERED)
def test_one_field_altered_is_refused(case: Case, proof: Any, check: Check) -> None:
    with pytest.raises(CheckFailed) as caught:
        case.verify(proof=proof)
    assert (caught.value.check, caught.value.where, caught.value.party) == (check, WHERE, case.party)


@pytest.mark.parametrize("case", [pytest.param(case, id=kind) for kind, case in every_case()])
def test_the_proof_as_it_was_is_accepted(case: Case) -> None:
    case.verify()

"""The tally's place in the election: what its writer refuses beyond the rules."""

from __future__ import annotations

from tally import attempts
from vemre.checks import Check
from vemre.election.rules import keygen
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records.record import Record
from vemre.records.setup_bodies import DkgCommit
from vemre.service.node import ElectionNode


class TallyNode(ElectionNode):
    """The node of the tally log."""

    def check_timely(self, view: View, record: Record) -> None:
        """A new attempt at the key begins only after the authority has ended the one before, or a single trustee
        could begin anew for ever. Raises CheckFailed(DKG-ORDER)."""
        body = record.body
        if not isinstance(body, DkgCommit) or not view.tally.records:
            return
        found = keygen.attempts(view)
        if found and body.attempt > found[-1].number and not attempts.declared_void(view, found[-1]):
            problem = f"the authority has not ended attempt {found[-1].number}"
            raise CheckFailed(Check.DKG_ORDER, problem, party=record.signer)

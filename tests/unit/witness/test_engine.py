"""What a witness verifies, cosigns, keeps and tells."""

from pathlib import Path

import pytest
from served_simulator import Served
from simulator import OPENS
from witnesses import offer, witness_of

from audit.hooks.events import EntryEvent, Event, FindingEvent, IncidentEvent
from vemre.checks import Check
from vemre.election import drafts
from vemre.log.checkpoint import open_checkpoint
from vemre.log.note import parse_signature_lines


def add_incident(served: Served, text: str, *, signer: str = "tally", check: bool = True) -> None:
    served.simulator.append("tally", signer, drafts.incident("note", text, OPENS), check=check)


def test_verified_entries_are_cosigned(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    witness.round()
    answer = witness.add_checkpoint(offer(served, "tally"), 0)
    assert answer.status == 200, answer.body
    line = parse_signature_lines(answer.body.decode())
    note = served.note("tally").with_lines(line)
    anchors = served.simulator.view.anchors
    opened = open_checkpoint(note.encode(), anchors.logs["tally"], anchors.witnesses["auditor/1"])
    assert list(opened.cosigners.values()) == [OPENS]
    witness.close()


def test_what_is_not_verified_yet_is_asked_for_again(served: Served, tmp_path: Path) -> None:
    witness = witness_of(served, tmp_path)
    answer = witness.add_checkpoint(offer(served, "tally"), 0)
    assert (answer.status, answer.retry_after) == (503, 2)
    witness.start(60)
    assert witness.add_checkpoint(offer(served, "tally"), 30).status == 200
    witness.close()

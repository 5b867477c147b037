"""The pages that check, over a real ballot box: what tests of them share."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from served import BallotBoxUnderTest
from simulator import GROUP, Simulator, Voter

from vemre.crypto import tracker
from vemre.election.casting import encrypt_ballot
from vemre.election.challenge import Opening, fingerprint
from vemre.election.choice import Choice
from vemre.election.choice_names import contests_of_urn
from vemre.election.rules import keygen

if TYPE_CHECKING:
    from playwright.sync_api import Page


def opening(sim: Simulator, voter: Voter, choices: Sequence[Choice]) -> Opening:
    """A ballot that a voter's device encrypted, laid open."""
    key = keygen.joint_key(sim.view)
    assert key is not None
    assert sim.view.context is not None
    contests = contests_of_urn(sim.offer, voter.urn)
    named = {contest.id: choice for contest, choice in zip(contests, choices, strict=True)}
    made = encrypt_ballot(
        GROUP,
        os.urandom,
        context=sim.view.context,
        joint_key=key.joint,
        offer=sim.offer,
        urn=voter.urn,
        key=voter.key,
        choices=named,
    )
    return made.challenge()


def fragment(data: bytes) -> str:
    """Bytes as the fragment of an address."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def fingerprint_of(found: Opening) -> str:
    """What the first device displays."""
    return tracker.shown(fingerprint(found.body))


def cast(box: BallotBoxUnderTest, voter: Voter, choices: Sequence[Choice]) -> dict[str, Any]:
    """The ballot box's answer to a ballot."""
    answer = box.cast(voter, box.ballot(voter, choices))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    return found


def save(page: Page, button: str, folder: Path) -> Path:
    """The file that a button hands over."""
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path

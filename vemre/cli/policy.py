"""The policy file of a command: the trust anchors, from a file that the person names."""

from __future__ import annotations

from pathlib import Path

from vemre.cli import files
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed
from vemre.records.policy import MAX_POLICY_BYTES, PolicyError, parse_policy


def read_anchors(path: Path) -> Anchors:
    """The trust anchors of a policy file. Raises PolicyError where they cannot be used, OSError, Refused."""
    try:
        return Anchors(parse_policy(files.read(path, limit=MAX_POLICY_BYTES)))
    except CheckFailed as failure:
        raise PolicyError(failure.detail) from None

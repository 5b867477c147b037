"""Blobs that are documents of a fixed form but enter no other rule [CANONICAL]. Source: protocol, appendix A."""

from __future__ import annotations

from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v
from vemre.records.fields import Hex32
from vemre.records.record import parse_value
from vemre.types import LOG_NAMES


def check_documents(view: View) -> bool:
    """[CANONICAL] of the lists of files and assets: canonical JSON objects of path to digest."""
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in view.new(log, "integrity", "page-assets"):
            if view.trusts(log, index):
                continue
            body = record.body
            assert isinstance(body, v.Integrity | v.PageAssets)
            data = view.blob(body.files if isinstance(body, v.Integrity) else body.assets, log.writer)
            try:
                parse_value(data, dict[str, Hex32], limit=len(data))
            except CheckFailed as failure:
                raise failure.located(where=log.where(index), party=record.signer) from None
    return True

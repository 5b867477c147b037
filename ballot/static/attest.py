"""Which page is served, on the record.

    GET  /page-assets            what the page's list is, and where the log says so
    POST /official/page-assets   put the page that is served now on the record; 201 new, 200 it stands there

The box does so by itself when it opens, in the same commit as `open`. A box that starts with another page later (a
build that was corrected) takes no ballot before an official has said so in the log, where witnesses look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from ballot.node import BallotNode
from vemre.crypto import canonical
from vemre.errors import Refused


class OnRecord(BaseModel):
    """The digests (SHA-256, hex) of the list that is served and of the one that the log names last, null where there
    is none, and where the record of it stands. `differences` are the paths that are not the same in both."""

    served: str | None
    recorded: str | None
    index: int | None
    leaf_hash: str | None
    differences: list[str]


def attest_routes(node: BallotNode, digests: Mapping[str, str], official: Callable[..., Any]) -> APIRouter:
    """The routes of a box that serves files with these digests; `official` lets officials pass. From now on the node
    takes no ballot that the record does not cover."""
    router = APIRouter(tags=["page"])
    served = canonical.encode(dict(digests)) if digests else None
    node.serve_page(served)

    def standing() -> OnRecord:
        found = node.page_on_record()
        recorded: dict[str, str] = {}
        if found is not None:
            recorded = node.page_list(found.body.assets.sha256)
        return OnRecord(
            served=None if served is None else sha256(served).hexdigest(),
            recorded=None if found is None else found.body.assets.sha256,
            index=None if found is None else found.index,
            leaf_hash=None if found is None else found.leaf_hash.hex(),
            differences=sorted(
                path for path in {*digests, *recorded} if found is not None and digests.get(path) != recorded.get(path)
            ),
        )

    @router.get("/page-assets", summary="Which page is served, and which is on the record")
    def shown() -> OnRecord:
        return standing()

    @router.post(
        "/official/page-assets",
        status_code=201,
        responses={200: {"model": OnRecord}},
        dependencies=[Depends(official)],
        summary="Put the page that is served on the record",
    )
    async def put(response: Response) -> OnRecord:
        if served is None:
            raise Refused("page-not-built")
        appended = await node.append_page()
        if not appended.new:
            response.status_code = 200
        return standing()

    return router

"""The service compares its own installation with the audited list, and says so in its log.

POST /official/integrity     body: the audited list (canonical JSON); 201 where the record is new, 200 where it stands
                             there already

For officials with their token. An auditor on site does the same with a key of its own (`vemre audit integrity record`):
a service that was altered can say of itself what it likes.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from vemre.election import release
from vemre.election.drafts import Draft
from vemre.election.rules.view import View
from vemre.errors import Refused
from vemre.records import vote_bodies as v
from vemre.service import deployment
from vemre.service.middleware import BodyRule
from vemre.service.node import ElectionNode
from vemre.service.official import holder_of

BODIES: Final = {"/official/integrity": BodyRule(release.MAX_LIST_BYTES)}
"""What `make_app` must be told of this router."""


class Stated(BaseModel):
    """Where the record stands, which release it compares with, and what differs."""

    index: int
    leaf_hash: str
    release: str
    differences: list[str]


def integrity_routes(node: ElectionNode, official: bytes) -> APIRouter:
    """The route. `official` is the digest of the officials' token."""
    router = APIRouter(prefix="/official", tags=["official"], dependencies=[Depends(holder_of(official))])

    @router.post(
        "/integrity",
        status_code=201,
        responses={200: {"model": Stated}},
        summary="Compare the installation with the audited list, on the record",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    async def integrity(request: Request, response: Response) -> Stated:
        audited = release.parse_list(await request.body())
        draft = release.draft(node.role, audited, await run_in_threadpool(deployment.scan))
        appended = await node.append_own(lambda view: _about_setup(view, draft))
        if not appended.new:
            response.status_code = 200
        assert isinstance(draft.body, v.Integrity)
        return Stated(
            index=appended.index,
            leaf_hash=appended.leaf_hash.hex(),
            release=draft.body.release,
            differences=draft.body.differences,
        )

    return router


def _about_setup(view: View, draft: Draft) -> Draft:
    """The draft, unless the setup names another release. Raises Refused("release-not-audited")."""
    assert isinstance(draft.body, v.Integrity)
    if view.setup is not None and view.setup.release != draft.body.release:
        raise Refused("release-not-audited", release=view.setup.release)
    return draft

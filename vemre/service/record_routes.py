"""Takes records that others signed.

POST /records        a submission (`vemre.records.bundle`); 201 where it is new, 200 where it stands there already
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from vemre.records.bundle import MEDIA_TYPE
from vemre.service.middleware import BodyRule
from vemre.service.node import ElectionNode


class Placed(BaseModel):
    """Where a record stands in the log."""

    index: int
    leaf_hash: str


def bodies(limit: int) -> dict[str, BodyRule]:
    """What `make_app` must be told of this router; `limit` is in bytes, blobs included."""
    return {"/records": BodyRule(limit, (MEDIA_TYPE,))}


def record_routes(node: ElectionNode) -> APIRouter:
    """The route; every refusal is the problem of the rule that does not hold."""
    router = APIRouter(tags=["records"])

    @router.post("/records", status_code=201, responses={200: {"model": Placed}}, summary="Submit a signed record")
    async def records(request: Request, response: Response) -> Placed:
        data = await request.body()
        appended = await node.submit(data)
        if not appended.new:
            response.status_code = 200
        return Placed(index=appended.index, leaf_hash=appended.leaf_hash.hex())

    return router

"""What officials do about access, over HTTP. Every act is noted with whose token it was.

POST /official/access-links             send the links that are lacking
POST /official/recovery                 {"user","reason"}: open a recovery
GET  /official/recovery                 those that wait for another official
POST /official/recovery/{id}/confirm    by another official: the access is void, a new link goes out
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from ballot.access import letters
from ballot.access.api_models import Confirmed, RecoveriesAnswer, RecoveryAnswer, RecoveryOrder
from ballot.access.letters import Occasion
from ballot.access.means import Means
from ballot.access.recovery import Recoveries, Recovery
from vemre.records.fields import format_time

Official = Callable[[Request], str]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
_logger = structlog.get_logger(__name__)


class LinksAnswer(BaseModel):
    """How many links were sent, and how many accounts cannot have one for want of a telephone number."""

    sent: int
    without_phone: int


def routes(means: Means, occasion: Callable[[str], Occasion], official: Official) -> APIRouter:
    """The routes of officials. `occasion` is what letters say, given the address that the request came to."""
    acts = APIRouter(prefix="/official", tags=["official"])
    recoveries, work = Recoveries(means), means.work
    who = Depends(official)

    @acts.post("/access-links", summary="Send the access links that are lacking")
    async def access_links(request: Request, name: str = who) -> LinksAnswer:
        said = occasion(str(request.base_url))
        done = await work.rows(lambda: letters.send_lacking(means, said))
        _logger.info("access-links-sent", sent=done.sent, who=name)
        return LinksAnswer(sent=done.sent, without_phone=done.without_phone)

    @acts.post("/recovery", summary="Open a recovery")
    async def open_recovery(order: RecoveryOrder, name: str = who) -> RecoveryAnswer:
        return _answer(await work.rows(lambda: recoveries.open(order.user, order.reason, name)))

    @acts.get("/recovery", summary="The recoveries that wait for another official", dependencies=[who])
    async def waiting() -> RecoveriesAnswer:
        return RecoveriesAnswer(recoveries=[_answer(found) for found in await work.rows(recoveries.waiting)])

    @acts.post("/recovery/{id}/confirm", summary="Confirm a recovery, as another official")
    async def confirm(id: Id, request: Request, name: str = who) -> Confirmed:
        said = occasion(str(request.base_url))
        await work.rows(lambda: recoveries.confirm(id, name, said))
        return Confirmed()

    return acts


def _answer(found: Recovery) -> RecoveryAnswer:
    return RecoveryAnswer(
        id=found.id,
        user=found.user,
        reason=found.reason,
        opened_by=found.opened_by,
        opened=format_time(found.opened),
    )

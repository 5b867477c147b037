"""The roll over HTTP for representatives of parties: they look and observe, and change nothing (LGIPE, articles 333 and
336 to 338). They see the fields that the settings name, never contact data.

    GET  /partidos/nominal?order=country|entity    the roll in one of its orders (text/csv)
    GET  /partidos/observaciones                   what the own party observed, with the answers
    POST /partidos/observaciones                   {"folio", "text", "request"}
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from registry import nominal
from registry.api_models import Folio, Identifier, Order, Text
from registry.api_review import After, Limit, Observations, Observed, as_observed, listing, observed
from registry.enrolling import Enrolling
from registry.roles import By
from registry.store import RegistryStore


class ObservationOrder(Order):
    """What is observed, and of whom. `request` is an identifier that the caller makes up, one for each observation."""

    folio: Folio
    text: Text
    request: Identifier


def routes(
    enrolling: Enrolling, store: RegistryStore, fields: tuple[str, ...], party: Callable[[Request], By]
) -> APIRouter:
    """The routes. `fields` is what parties see; `party` lets their representatives pass and gives which party it is."""
    router = APIRouter(prefix="/partidos", tags=["parties"])
    signed_in = Depends(party)

    @router.get("/nominal", summary="The roll in one of its orders", response_class=StreamingResponse)
    async def roll(order: nominal.Order, by: By = signed_in) -> StreamingResponse:
        return await listing(enrolling, store, order, fields, by)

    @router.get("/observaciones", summary="What the own party observed")
    async def own(by: By = signed_in, after: After = 0, limit: Limit = 100) -> Observations:
        return await observed(enrolling, by.who, after, limit, by)

    @router.post("/observaciones", status_code=201, summary="Observe an entry of the roll")
    async def observe(order: ObservationOrder, by: By = signed_in) -> Observed:
        return as_observed(await enrolling.observe_entry(order.folio, order.text, order.request, by))

    return router

"""Wires the ballot box."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI

from ballot import api
from ballot.access import api as access_api
from ballot.access import api_official, letters
from ballot.access.means import Means
from ballot.box import COMPONENTS, BallotBox
from ballot.node import BallotNode
from ballot.sessions import StoredSessions
from ballot.settings import BallotSettings
from ballot.static import serve_page
from vemre.election.rules.view import Anchors
from vemre.service.delivery import Courier, Outbox, open_senders
from vemre.service.holders import named_official
from vemre.service.identity import Identity
from vemre.service.station import Station

TITLE = "VeMRE ballot box"


def create_app(settings: BallotSettings, identity: Identity, anchors: Anchors) -> FastAPI:
    """The ballot box's application, over the data folder that ``vemre ballot init`` made."""
    station = Station(
        TITLE, settings, identity, anchors, BallotNode, components=COMPONENTS, bodies=api.BODIES, mirror=True
    )
    return assemble(station, settings)


def assemble(station: Station[BallotNode], settings: BallotSettings) -> FastAPI:
    """The routes on an open station."""
    box = BallotBox(station, settings)
    station.on_close(box.shut)
    means = _means(station, settings, box)
    station.on_close(means.work.shut)
    official = named_official(settings.data_dir)
    station.add(api.routes(box, means.sessions, official))
    station.add(access_api.routes(means, box.ballot_of))
    station.add(api_official.routes(means, box.occasion, official))
    station.add(_courier_at_work(means.courier))
    serve_page(station, settings)
    return station.app


def _means(station: Station[BallotNode], settings: BallotSettings, box: BallotBox) -> Means:
    engine, clock, random = station.engine, station.clock, station.random
    senders = open_senders(settings)
    courier = Courier(
        Outbox(settings.outbox, box.store.vault, clock),
        senders,
        ready=lambda message: letters.is_ready(engine, message),
        help_contact=settings.help_contact,
        clock=clock,
    )
    sessions = StoredSessions(engine, clock, random)
    return Means(box.store, sessions, courier, frozenset(senders), box.over, clock, random)


def _courier_at_work(courier: Courier) -> APIRouter:
    """No routes: the courier goes as long as the application runs."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        work = asyncio.create_task(courier.run())
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    return APIRouter(lifespan=lifespan)

"""Wires the ballot box."""

from __future__ import annotations

import structlog
from fastapi import FastAPI

from ballot import api
from ballot.access import api as access_api
from ballot.access import api_official, api_passkeys, letters
from ballot.access.means import Means
from ballot.box import COMPONENTS, BallotBox
from ballot.node import BallotNode
from ballot.received import Received
from ballot.sessions import StoredSessions
from ballot.settings import BallotSettings
from ballot.static import serve_page
from vemre.election.rules.view import Anchors
from vemre.service.delivery import Courier, Message, Outbox, open_senders
from vemre.service.delivery.routes import delivery_routes
from vemre.service.holders import named
from vemre.service.identity import Identity
from vemre.service.station import Station

TITLE = "VeMRE ballot box"
_logger = structlog.get_logger(__name__)


def create_app(settings: BallotSettings, identity: Identity, anchors: Anchors) -> FastAPI:
    """The ballot box's application, over the data folder that ``vemre ballot init`` made."""
    station = Station(
        TITLE, settings, identity, anchors, BallotNode, components=COMPONENTS, bodies=api.BODIES, mirror=True
    )
    return assemble(station, settings)


def assemble(station: Station[BallotNode], settings: BallotSettings) -> FastAPI:
    """The routes on an open station."""
    sessions = StoredSessions(station.engine, station.clock, station.random)
    box = BallotBox(station, settings, sessions)
    station.on_close(box.shut)
    station.alongside(box.prepare)
    means = _means(station, settings, box, sessions)
    station.on_close(means.work.shut)
    official = named(settings.data_dir)
    station.add(api.routes(box, official, settings.help_contact))
    station.app.router.routes.insert(0, api.first_route(box.intake))
    station.add(access_api.routes(means, box.ballot_of))
    station.add(api_passkeys.routes(means))
    station.add(api_official.routes(means, box.occasion, official))
    station.add(delivery_routes(means.courier, official, _note_addresses))
    station.alongside(means.courier.run)
    Received(station, box.store, means.courier)
    serve_page(station, settings)
    return station.app


def _means(station: Station[BallotNode], settings: BallotSettings, box: BallotBox, sessions: StoredSessions) -> Means:
    engine, clock, random = station.engine, station.clock, station.random
    senders, outbox = open_senders(settings), Outbox(settings.outbox, box.store.vault, clock)
    public_url, devices = settings.public_url, station.wall_clock

    def ready(message: Message) -> bool:
        return letters.is_ready(engine, message)

    # What acts left that came to no end.
    outbox.keep_only(ready)
    courier = Courier(outbox, senders, ready=ready, help_contact=settings.help_contact, clock=clock)
    return Means(box.store, sessions, courier, frozenset(senders), public_url, box.over, clock, devices, random)


async def _note_addresses(count: int, who: str) -> None:
    _logger.info("personal-data-used", act="deliveries", voters=count, who=who)

"""Wires the ballot box."""

from __future__ import annotations

from fastapi import FastAPI

from ballot import api
from ballot.box import COMPONENTS, BallotBox
from ballot.node import BallotNode
from ballot.sessions import TokenSessions
from ballot.settings import BallotSettings
from ballot.static import serve_page
from vemre.election.rules.view import Anchors
from vemre.service.identity import OFFICIAL, Identity, token_digest
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
    station.add(api.routes(box, TokenSessions(box.store), token_digest(settings.data_dir, OFFICIAL)))
    serve_page(station, settings)
    return station.app

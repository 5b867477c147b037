"""Wires the tally."""

from __future__ import annotations

from fastapi import FastAPI

from tally.service import api
from tally.service.node import TallyNode
from tally.service.office import COMPONENTS, Office
from vemre.election.rules.view import Anchors
from vemre.service.identity import OFFICIAL, Identity, token_digest
from vemre.service.settings import ServiceSettings
from vemre.service.station import Station

TITLE = "VeMRE tally"


def create_app(settings: ServiceSettings, identity: Identity, anchors: Anchors) -> FastAPI:
    """The tally's application, over the data folder that ``vemre tally init`` made."""
    station = Station(TITLE, settings, identity, anchors, TallyNode, components=COMPONENTS)
    return assemble(station, settings)


def assemble(station: Station[TallyNode], settings: ServiceSettings) -> FastAPI:
    """The routes on an open station."""
    station.add(api.routes(Office(station), token_digest(settings.data_dir, OFFICIAL)))
    return station.app

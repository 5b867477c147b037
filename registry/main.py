"""Wires the registry."""

from __future__ import annotations

from fastapi import FastAPI

from registry import api
from registry.core import ROSTER
from registry.office import COMPONENTS, Office
from registry.settings import RegistrySettings
from vemre.election.rules.view import Anchors
from vemre.service.identity import OFFICIAL, Identity, token_digest
from vemre.service.node import ElectionNode
from vemre.service.station import Station

TITLE = "VeMRE registry"


def create_app(settings: RegistrySettings, identity: Identity, anchors: Anchors) -> FastAPI:
    """The registry's application, over the data folder that ``vemre registry init`` made."""
    station = Station(TITLE, settings, identity, anchors, ElectionNode, components=COMPONENTS, bodies=api.BODIES)
    return assemble(station, settings)


def assemble(station: Station[ElectionNode], settings: RegistrySettings) -> FastAPI:
    """The routes on an open station."""
    office = Office(station, settings)
    digests = [token_digest(settings.data_dir, name) for name in (OFFICIAL, ROSTER)]
    station.add(api.routes(office, *digests))
    return station.app

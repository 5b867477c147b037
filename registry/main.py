"""Wires the registry."""

from __future__ import annotations

from fastapi import FastAPI

from registry import api, api_applications, api_parties, api_review
from registry.core import ROSTER
from registry.node import RegistryNode
from registry.office import COMPONENTS, Office
from registry.pages.main import add_pages
from registry.roles import holder_of_role
from registry.settings import RegistrySettings
from vemre.election.rules.view import Anchors
from vemre.service.delivery.routes import delivery_routes
from vemre.service.identity import Identity, token_digest
from vemre.service.station import Station

TITLE = "VeMRE registry"


def create_app(settings: RegistrySettings, identity: Identity, anchors: Anchors) -> FastAPI:
    """The registry's application, over the data folder that ``vemre registry init`` made."""
    station = Station(TITLE, settings, identity, anchors, RegistryNode, components=COMPONENTS, bodies=api.BODIES)
    return assemble(station, settings)


def assemble(station: Station[RegistryNode], settings: RegistrySettings) -> FastAPI:
    """The routes on an open station."""
    office = Office(station, settings)
    enrolling, store = office.enrolling, office.store
    official = holder_of_role(settings.data_dir, "official")
    party = holder_of_role(settings.data_dir, "party")
    for router in (
        api.routes(office, official, token_digest(settings.data_dir, ROSTER)),
        api_applications.routes(enrolling),
        api_review.routes(enrolling, store, settings.official_fields, official),
        delivery_routes(enrolling.letters.courier, official, enrolling.note_addresses),
        api_parties.routes(enrolling, store, settings.party_fields, party),
    ):
        station.add(router)
    add_pages(station, office, settings)
    return station.app

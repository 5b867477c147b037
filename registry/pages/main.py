"""Wires the pages."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter

from registry.node import RegistryNode
from registry.office import Office
from registry.pages import applicants, letters, lists, officials, own, parties, paths, problem_pages, review
from registry.pages.holders import Holders
from registry.pages.sessions import Sessions
from registry.pages.site import Site
from registry.settings import RegistrySettings
from vemre.service.station import Station


def add_pages(station: Station[RegistryNode], office: Office, settings: RegistrySettings) -> None:
    """Serve the pages, and errors as pages to whoever asks for one."""
    store = office.store
    site = Site(Sessions(store.engine, store.vault, station.clock, station.random), settings)
    for router in _routers(site, office, settings):
        station.add(router)
    problem_pages.install(station.app, site)


def _routers(site: Site, office: Office, settings: RegistrySettings) -> Iterator[APIRouter]:
    enrolling, store = office.enrolling, office.store
    officials_, parties_ = (
        Holders(site, settings.data_dir, "official", paths.OFFICE),
        Holders(site, settings.data_dir, "party", paths.PARTY),
    )
    yield applicants.routes(site, enrolling, settings)
    yield own.routes(site, enrolling)
    yield officials_.routes()
    yield review.routes(site, enrolling, officials_)
    yield officials.routes(site, enrolling, store, officials_)
    yield letters.routes(site, enrolling, officials_)
    yield lists.routes(site, enrolling, store, settings.official_fields, officials_, paths.OFFICE)
    yield parties_.routes()
    yield parties.routes(site, enrolling, store, parties_)
    yield lists.routes(site, enrolling, store, settings.party_fields, parties_, paths.PARTY)

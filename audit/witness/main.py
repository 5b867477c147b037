"""Wires the witness as a service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI

from audit.assets.watch import Look, PageRecord, PageWatch
from audit.hooks.settings import HookSetting
from audit.keys import AuditorKeys
from audit.witness.api import create_app
from audit.witness.election import Election
from audit.witness.engine import Watched, Witness
from audit.witness.ground import Foreign
from audit.witness.hub import EventHub
from audit.witness.sources import Connections
from audit.witness.web import web_routes
from vemre import group
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.note import Vkey
from vemre.records import vote_bodies as v
from vemre.service.protection import Protection
from vemre.service.settings import ServiceSettings
from vemre.service.station import clock_of, wall_clock
from vemre.types import LogName


@dataclass(frozen=True)
class Plan:
    """What a witness is to do: the election of `anchors` at `urls`, and the foreign logs (``VKEY[=URL]``)."""

    settings: ServiceSettings
    keys: AuditorKeys
    anchors: Anchors | None
    urls: Mapping[LogName, str]
    foreign: tuple[str, ...]
    interval: float
    post: bool
    pages: tuple[Look, ...] = ()
    page_interval: float = 60.0
    hooks: tuple[HookSetting, ...] = ()


def build(plan: Plan) -> FastAPI:
    """The application of a witness. Raises Refused("auditor-not-in-policy" or "hook-unusable"), StoreError, what the
    options are wrong in as Refused."""
    watched, role, connections = None, None, Connections()
    if plan.anchors is not None:
        role = plan.keys.witness_role_in(plan.anchors.policy)
        posts = {name: connections.quick(url) for name, url in plan.urls.items()} if plan.post else None
        watched = Watched(plan.anchors, connections.of_services(plan.urls), posts)
    clock = clock_of(plan.settings, plan.keys, wall_clock)
    witness = Witness(
        plan.settings.data_dir,
        plan.settings.database,
        name=plan.keys.name,
        cosigner=plan.keys.witness,
        role=role,
        watched=watched,
        foreign=[foreign_log(text, connections) for text in plan.foreign],
        group=group.load(),
        random=os.urandom,
        clock=clock,
    )
    witness.at_close(connections.close)
    hub = EventHub(os.urandom(8).hex())
    witness.listen(hub)
    pages = web_routes(witness.status, hub, witness.evidence, clock)
    protection = Protection.of(plan.settings)
    app = create_app(witness, interval=plan.interval, routers=[pages], hooks=plan.hooks, protection=protection)
    if plan.pages:
        watch = PageWatch(
            plan.pages, lambda: witness.look(page_record), witness.round, witness.ground.findings,
            app.state.metrics.registry, plan.page_interval,
        )  # fmt: skip
        app.include_router(watch.routes())
    app.state.at_end.append(hub.close)
    return app


def page_record(election: Election) -> PageRecord | None:
    """The last verified `page-assets` record."""
    log = election.view.ballot
    index = log.last("page-assets")
    if index is None or index >= election.size("ballot"):
        return None
    body = log.records[index].body
    assert isinstance(body, v.PageAssets)
    return PageRecord(index, log.records[index].leaf_hash.hex(), election.mirror.blob(body.assets.sha256))


def foreign_log(text: str, connections: Connections) -> Foreign:
    """A foreign log as an option names it. Raises Refused("witness-log-unusable"), Unreachable."""
    vkey, separator, url = text.partition("=http")
    try:
        found = Vkey.parse(vkey)
    except CheckFailed as failure:
        raise Refused("witness-log-unusable", reason=failure.detail) from None
    return Foreign(found, connections.of_files(f"http{url}") if separator else None)

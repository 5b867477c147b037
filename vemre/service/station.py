"""A service put together: database, log, blobs, the followed logs, the node, and the application around them.

Opened when the process starts, closed when it ends. What a service adds are its own tables, routes and decisions.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, Protocol, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from vemre import group as groups
from vemre.election.rules.view import Anchors
from vemre.errors import Refused
from vemre.records.policy import MAX_POLICY_BYTES, PolicyError, parse_policy
from vemre.service import integrity_routes, log_routes, record_routes
from vemre.service.app import make_app
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.feeder import Feeder, check_evidence
from vemre.service.follower import Follower
from vemre.service.identity import OFFICIAL, Identity, token_digest
from vemre.service.middleware import BodyRule
from vemre.service.mirror import MirroredSource
from vemre.service.node import ElectionNode
from vemre.service.protection import Protection
from vemre.service.sequencer import Sequencer, new_holder
from vemre.service.settings import ServiceSettings
from vemre.service.sources import LogSource
from vemre.service.witnesses import Witnesses, list_witnesses, read_policy
from vemre.service.writer import Writer
from vemre.storage import schema
from vemre.storage.blobs import BlobStore, FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.lease import Lease
from vemre.storage.log_store import LogStore
from vemre.storage.shared_blobs import SharedBlobStore
from vemre.types import LOG_NAMES, Clock, LogName, Random

N = TypeVar("N", bound=ElectionNode)
MAX_SUBMISSION_BYTES: Final = 32 << 20


def wall_clock() -> int:
    """The time now in whole POSIX seconds."""
    return int(time.time())


class Keys(Protocol):
    """Keys that know whether they are insecure."""

    @property
    def insecure(self) -> bool: ...


def clock_of(settings: ServiceSettings, identity: Keys, clock: Clock) -> Clock:
    """The clock of a service: the given one, in a trial ahead by what its file says (0 where there is none yet).

    Raises Refused("settings-unusable") where a trial's clock is set for keys that are not insecure: whoever moves the
    clock of a ballot box decides when voting ends.
    """
    path = settings.trial_clock_file
    if path is None:
        return clock
    if not identity.insecure:
        raise Refused("settings-unusable", fields="trial_clock_file")

    def ahead() -> int:
        try:
            return clock() + int(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return clock()

    return ahead


def read_anchors(settings: ServiceSettings) -> Anchors:
    """The trust anchors of the policy file. Raises PolicyError, OSError, Refused("settings-unusable")."""
    if settings.policy_file is None:
        raise Refused("settings-unusable", fields="policy_file")
    with open(settings.policy_file, "rb") as file:
        data = file.read(MAX_POLICY_BYTES + 1)
    return Anchors(parse_policy(data))


class Station(Generic[N]):
    """One service's parts. `sources` are the logs to follow, by name (over HTTP by the settings' addresses); with
    `mirror` they are kept on disk, and an older state of them is good enough where they do not answer."""

    def __init__(
        self,
        title: str,
        settings: ServiceSettings,
        identity: Identity,
        anchors: Anchors,
        node: type[N],
        *,
        components: Iterable[schema.Component] = (),
        bodies: Mapping[str, BodyRule] | None = None,
        sources: Mapping[LogName, LogSource] | None = None,
        mirror: bool = False,
        random: Random = os.urandom,
        clock: Clock = wall_clock,
    ) -> None:
        """Opens the database and reads the log. Raises StoreError, PolicyError where the policy names other keys,
        Refused("witnesses-unusable")."""
        if anchors.logs[identity.name] != identity.log.vkey:
            raise PolicyError(f"the policy names another key for the {identity.name} log")
        self.settings = settings
        self.identity = identity
        self.anchors = anchors
        self.wall_clock = clock
        self.clock = clock = clock_of(settings, identity, clock)
        self.random = random
        self._clients: list[ServiceClient] = []
        self._at_end: list[Callable[[], None]] = []
        self._alongside: list[Callable[[], Coroutine[Any, Any, None]]] = []
        own = {**log_routes.BODIES, **record_routes.bodies(MAX_SUBMISSION_BYTES), **integrity_routes.BODIES}
        rules = {**own, **(bodies or {})}
        protection = Protection.of(settings)
        self.app = make_app(identity.name, title, bodies=rules, lifespan=self._lifespan, protection=protection)
        stop, metrics = self.app.state.stop, self.app.state.metrics
        holder = new_holder()
        self.engine = open_engine(settings.database, holder)
        schema.upgrade(self.engine, *components)
        self.store = LogStore(self.engine, identity.log)
        shared = self.engine.dialect.name == "postgresql"
        # With connections of its own: the lease does not wait until requests give one back.
        lease = Lease(open_engine(settings.database, holder), self.store.log_id, holder) if shared else None
        self.sequencer = Sequencer(lease, stop, metrics)
        files = FileBlobStore(settings.data_dir / "blob")
        self.blobs: BlobStore = SharedBlobStore(files, self.engine) if shared else files
        check_evidence(self.store, settings.data_dir)
        listed = list_witnesses(
            read_policy(settings.witnesses_file), anchors.witnesses, identity.log.vkey, list(anchors.logs.values())
        )
        self.witnesses = Witnesses(listed, self.store, clock, metrics)
        self.feeder = Feeder(self.store, self.witnesses, stop, settings.data_dir, self.sequencer)
        self.writer = Writer(self.store, stop, metrics, lambda: self.sequencer.holds)
        self.writer.on_commit(self.feeder.grown)
        found = dict(sources) if sources is not None else self._http_sources()
        if mirror:
            found = {
                name: MirroredSource(source, settings.data_dir / "followed" / name) for name, source in found.items()
            }
        self.sources: Mapping[LogName, LogSource] = found
        self.node: N = node(
            identity.name,
            anchors=anchors,
            group=groups.load(),
            random=random,
            clock=clock,
            writer=self.writer,
            blobs=self.blobs,
            key=identity.sign,
            followers={name: self._follower(name, source) for name, source in found.items()},
            freshen=self.sequencer.freshen,
        )
        self.sequencer.follow = self.node.catch_up
        self.store.behind = self.sequencer.freshen
        self.add(log_routes.log_routes(self.store, self.blobs, anchors.witnesses, self.witnesses, anchors.quorum))
        self.add(log_routes.address_route(self._address))
        self.add(record_routes.record_routes(self.node))
        self.add(integrity_routes.integrity_routes(self.node, token_digest(settings.data_dir, OFFICIAL)))

    def add(self, router: APIRouter) -> None:
        """Serve more routes."""
        self.app.include_router(router)

    def on_close(self, act: Callable[[], None]) -> None:
        """Do something at the end, before database and connections are closed."""
        self._at_end.append(act)

    def alongside(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run something in the application's event loop while it serves; cancelled at the end, and waited for."""
        self._alongside.append(act)

    def url_of(self, name: LogName) -> str:
        """Where another service answers. Raises Refused("settings-unusable")."""
        url: str | None = getattr(self.settings, f"{name}_url")
        if url is None:
            raise Refused("settings-unusable", fields=f"{name}_url")
        return url

    def _address(self, name: LogName, base: str) -> str | None:
        """Where everybody finds a log; `base` is where the request that asks came to."""
        if name == self.identity.name:
            return self.settings.public_url or base
        url: str | None = getattr(self.settings, f"{name}_url")
        return url

    def client(self, name: LogName, token: str | None = None) -> ServiceClient:
        """A connection to another service, closed with the station."""
        client = ServiceClient(self.url_of(name), token=token)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close database and connections. A closed station is of no more use; the application's end closes it."""
        for act in self._at_end:
            act()
        for client in self._clients:
            client.close()
        self.engine.dispose()

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        try:
            # Nothing is written before the witnesses that answer were asked, and the lease goes after the last write.
            async with self.feeder, self.sequencer, self.writer:
                tasks = [asyncio.create_task(act()) for act in self._alongside]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await run_in_threadpool(self.close)

    def _http_sources(self) -> dict[LogName, LogSource]:
        others = [name for name in LOG_NAMES if name != self.identity.name]
        return {name: HttpSource(self.client(name)) for name in others}

    def _follower(self, name: LogName, source: LogSource) -> Follower:
        anchors = self.anchors
        return Follower(name, anchors.logs[name], source, auditors=anchors.witnesses, quorum=anchors.quorum)

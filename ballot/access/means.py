"""What every act of access works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ballot.access.work import Work
from ballot.sessions import StoredSessions
from ballot.store import BallotStore
from vemre.service.delivery import Channel, Courier, Message
from vemre.service.vault import Vault
from vemre.types import Clock, Random


@dataclass(frozen=True)
class Means:
    """The ballot box's rows, its courier, its clock.

    `channels` are those that somebody serves; `public_url` is where browsers find the box; `over` says whether the
    vote has ended, so that no new access is made; `devices` is the clock that voters' devices go by, which a trial does
    not move.
    """

    store: BallotStore
    sessions: StoredSessions
    courier: Courier
    channels: frozenset[Channel]
    public_url: str | None
    over: Callable[[], bool]
    clock: Clock
    devices: Clock
    random: Random
    work: Work = field(default_factory=Work)

    @property
    def vault(self) -> Vault:
        """The vault of the box."""
        return self.store.vault

    def nonce(self) -> str:
        """32 hexadecimal digits that nobody had before."""
        return self.random(16).hex()

    def send(self, *messages: Message) -> None:
        """Put messages into the outbox, durably. The courier has to be woken after the commit that makes them true."""
        for message in messages:
            self.courier.outbox.put(message)
        self.courier.outbox.sync()

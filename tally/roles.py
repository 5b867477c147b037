"""Runs trustees and mixers: looks at the election, does what is due, hands it over. The I/O around the two cores.

An act is made, then its bytes and the key file's new state become durable, then the bytes leave: over HTTP, or as
files on a stick. Whatever interrupts this, the next run hands over the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from tally import mixer_core, trustee_core
from tally.acts import DRILL_SHARE, Act
from tally.keys import RoleFile
from tally.mixer_core import MixerState
from tally.trustee_core import TrusteeState
from vemre.cli import files
from vemre.crypto import canonical
from vemre.election.mixing import Mixed
from vemre.election.opening import Opened
from vemre.election.rules.view import View
from vemre.election.workers import Promise
from vemre.errors import Refused
from vemre.messages import RemoteProblem, Unreachable
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.record import parse_value, plain
from vemre.records.setup_bodies import Drill
from vemre.service.client import ServiceClient
from vemre.service.election_source import ElectionSource
from vemre.types import Random

POLL_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 3600.0
UNTIMELY: Final = frozenset(
    {
        "check-checkpoint",
        "check-dkg-ack",
        "check-dkg-order",
        "check-gate",
        "check-order",
        "drill-number",
        "key-not-complete",
        "logs-out-of-step",
        "not-cosigned-yet",
        "not-due",
        "unavailable",
    }
)
"""Refusals that come of being early or late: look again, and see what is due then."""


# --- the two roles --------------------------------------------------------------------------------------------


class Role(Protocol):
    """A core with its state: what the runner needs of it."""

    @property
    def acts(self) -> dict[str, str]:
        """Digests of prepared acts, by name."""

    @property
    def role(self) -> str:
        """The role id."""

    def due(self, view: View) -> list[Act]:
        """Every act that is due now."""

    def finished(self, view: View) -> bool:
        """Whether nothing more will be due."""

    def begin(self, view: View, acts: Sequence[Act], gate: str, random: Random, store: Callable[[], None]) -> None:
        """Begin acts that are due and were not made yet, as far as the view's workers do them elsewhere; `perform`
        takes what comes of them. `store` puts the state into the key file, durably."""

    def perform(self, view: View, act: Act, gate: str, random: Random, saved: bytes | None) -> bytes:
        """The bytes of an act; changes the state."""

    def store(self, file: RoleFile) -> None:
        """Put the state into the key file, durably."""


@dataclass
class Trustee:
    """A trustee's core with its state. With `drill`, a drill is asked for."""

    state: TrusteeState
    drill: bool = False
    _started: dict[str, Promise[Opened]] = field(default_factory=dict)

    @property
    def acts(self) -> dict[str, str]:
        return self.state.acts

    @property
    def role(self) -> str:
        return self.state.role

    def due(self, view: View) -> list[Act]:
        return trustee_core.due_acts(view, self.state, drill=self.drill)

    def finished(self, view: View) -> bool:
        return trustee_core.finished(view, self.state)

    def perform(self, view: View, act: Act, gate: str, random: Random, saved: bytes | None) -> bytes:
        return trustee_core.perform(view, self.state, act, gate, random, saved, self._started.pop(act.name, None))

    def begin(self, view: View, acts: Sequence[Act], gate: str, random: Random, store: Callable[[], None]) -> None:
        acts = [act for act in acts if act.type == "decryption" and act.name not in self._started]
        if trustee_core.note_lists(view, self.state, acts):
            # Shares are about to leave this process: from here on, no other list may be decrypted.
            store()
        self._started |= {act.name: trustee_core.start(view, self.state, act, gate, random) for act in acts}

    def store(self, file: RoleFile) -> None:
        if self.state.destroyed:
            file.destroy(self.state.secrets())
        else:
            file.save(self.state.secrets())


@dataclass
class Mixer:
    """A mixer's core with its state. With `stand_in`, it takes batches of a mixer that does not come."""

    state: MixerState
    stand_in: bool = False
    _started: dict[str, Promise[Mixed]] = field(default_factory=dict)

    @property
    def acts(self) -> dict[str, str]:
        return self.state.acts

    @property
    def role(self) -> str:
        return self.state.role

    def due(self, view: View) -> list[Act]:
        return mixer_core.due_acts(view, self.state, stand_in=self.stand_in)

    def finished(self, view: View) -> bool:
        return mixer_core.finished(view, self.state)

    def perform(self, view: View, act: Act, gate: str, random: Random, saved: bytes | None) -> bytes:
        return mixer_core.perform(view, self.state, act, gate, random, saved, self._started.pop(act.name, None))

    def begin(self, view: View, acts: Sequence[Act], gate: str, random: Random, store: Callable[[], None]) -> None:  # noqa: ARG002
        acts = [act for act in acts if act.type == "shuffle" and act.name not in self._started]
        self._started |= {act.name: mixer_core.start(view, self.state, act, gate, random) for act in acts}

    def store(self, file: RoleFile) -> None:
        file.save(self.state.secrets())


# --- where acts go --------------------------------------------------------------------------------------------


class Outlet(Protocol):
    """Where the bytes of an act go. Handing over the same bytes twice does no harm."""

    def given(self, role: str, acts: Collection[Act]) -> set[str]:
        """The names of the acts that have been handed over already, as far as that is known here."""

    def hand_over(self, role: str, act: Act, data: bytes) -> None:
        """Raises RemoteProblem, Unreachable, OSError."""


class HttpOutlet:
    """The tally service."""

    def __init__(self, tally: ServiceClient) -> None:
        self._tally = tally

    def given(self, role: str, acts: Collection[Act]) -> set[str]:
        """Shares of a drill that the tally holds; records show in the log."""
        if not any(act.type == DRILL_SHARE for act in acts):
            return set()
        drill = self._tally.get_json("/drills/next")
        here = role in drill.get("trustees", ())
        return {act.name for act in acts if here and act.type == DRILL_SHARE and act.number == drill.get("number")}

    def hand_over(self, role: str, act: Act, data: bytes) -> None:  # noqa: ARG002
        """Send it."""
        submit(self._tally, data, drill=act.type == DRILL_SHARE)


class FolderOutlet:
    """A folder on a stick, one file for each act: ``<role>.<act>.vemre``, or ``.json`` for a share of a drill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def given(self, role: str, acts: Collection[Act]) -> set[str]:
        """The acts whose file is there."""
        return {act.name for act in acts if self._path(role, act).is_file()}

    def hand_over(self, role: str, act: Act, data: bytes) -> None:
        """Write it, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files.write(self._path(role, act), data, overwrite=True)

    def _path(self, role: str, act: Act) -> Path:
        suffix = "json" if act.type == DRILL_SHARE else "vemre"
        return self._folder / f"{role.replace('/', '-')}.{act.name}.{suffix}"


def submit(tally: ServiceClient, data: bytes, *, drill: bool) -> object:
    """Send the bytes of an act to the tally; gives its answer."""
    if not drill:
        return tally.submit(data)
    found = parse_value(data, Drill, limit=MAX_ENTRY_BYTES)
    if len(found.shares) != 1:
        raise Refused("file-unusable", file="—", reason="not one share of a drill")
    share = canonical.encode(plain(found.shares[0]))
    return tally.decode(tally.post(f"/drills/{found.number}/shares", share, "application/json"))


# --- the runner -----------------------------------------------------------------------------------------------


@dataclass
class Runner:
    """One role at work. `tell` is called with each act that was handed over."""

    source: ElectionSource
    file: RoleFile
    role: Role
    outlet: Outlet
    random: Random
    tell: Callable[[Act], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    _handed: set[str] = field(default_factory=set)

    def step(self) -> Act | None:
        """Do the one act that is due now; gives it, or None where there is none."""
        view = self.source.refresh()
        acts = self.role.due(view)
        done = self._handed | self.outlet.given(self.role.role, acts)
        acts = [act for act in acts if act.name not in done]
        if not acts:
            return None
        if not view.workers.here:
            unmade = [act for act in acts if act.name not in self.role.acts][: view.workers.ahead]
            self.role.begin(view, unmade, self.source.gate("tally"), self.random, lambda: self.role.store(self.file))
        self.do(view, acts[0])
        return acts[0]

    def do(self, view: View, act: Act) -> None:
        """Make an act, make it durable, hand it over."""
        digest = self.role.acts.get(act.name)
        saved = self.file.get_act(act.name, digest) if digest and act.kept else None
        data = self.role.perform(view, act, self.source.gate("tally"), self.random, saved)
        if act.kept and data != saved:
            self.role.acts[act.name] = self.file.put_act(act.name, data)
        self.role.store(self.file)
        self.outlet.hand_over(self.role.role, act, data)
        self._handed.add(act.name)
        self.tell(act)

    def explain(self) -> None:
        """Say why nothing is due, where that is for want of cosignatures: Refused("not-cosigned-yet")."""
        waiting = None if self.role.finished(self.source.view) else self.source.waiting()
        if waiting is not None:
            raise waiting

    def run_due(self) -> list[Act]:
        """Every act that is due on the election as it stands, for a stick that is carried to and fro."""
        done = []
        while (act := self.step()) is not None:
            done.append(act)
        return done

    def attend(self, *, poll: float = POLL_SECONDS, patience: float = PATIENCE_SECONDS) -> None:
        """Do all due acts as they come, until nothing more will. Waits where others are late.

        Raises what cannot be waited for, and Refused or Unreachable where nothing changed for `patience` seconds.
        """
        waited = 0.0
        while True:
            problem: Exception | None = None
            try:
                if self.step() is not None:
                    waited = 0.0
                    continue
                if self.role.finished(self.source.view):
                    return
            except (Refused, Unreachable, RemoteProblem) as error:
                if not _untimely(error):
                    raise
                problem = error
            if waited >= patience:
                if problem is None:
                    self.explain()
                raise problem or Refused("nothing-happens", seconds=int(patience))
            self.sleep(poll)
            waited += poll


def _untimely(error: Refused | Unreachable | RemoteProblem) -> bool:
    return isinstance(error, Unreachable) or error.code in UNTIMELY

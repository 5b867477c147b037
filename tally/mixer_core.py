"""A mixer's decisions: which batch is its to mix, and the bytes of the shuffle. No I/O.

Permutation and re-encryption scalars exist within `mix` alone, where the view's workers are, and nowhere else. The view
is verified, and stands on checkpoints that a quorum of auditors cosigned. Source: protocol, section 9.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tally.acts import Act
from tally.keys import secret_bytes
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.mixing import Mixed, shuffle_draft, start_mixing
from vemre.election.rules import mixing
from vemre.election.rules.view import View, role_number
from vemre.election.workers import Promise
from vemre.errors import KeyFileError, Refused
from vemre.types import Random


@dataclass
class MixerState:
    """Everything that a mixer's key file holds."""

    role: str
    sign: SigningKey
    election: str | None = None
    """The digest of the one manifest that the key serves."""
    acts: dict[str, str] = field(default_factory=dict)
    """Digests of the acts that were prepared, by name."""

    def secrets(self) -> dict[str, Any]:
        """As values of canonical JSON, for the key file."""
        return {"acts": dict(self.acts), "election": self.election, "sign": self.sign.seed().hex()}

    @classmethod
    def from_secrets(cls, role: str, value: Mapping[str, Any]) -> MixerState:
        """Back from a key file, a fresh one included. Raises KeyFileError."""
        try:
            election = value.get("election")
            acts = {str(name): str(digest) for name, digest in value.get("acts", {}).items()}
            sign = SigningKey.from_seed(secret_bytes(value, "sign"))
            return cls(role, sign, None if election is None else str(election), acts)
        except (AttributeError, TypeError):
            raise KeyFileError("the mixer's state in the file is damaged") from None


def due_acts(view: View, state: MixerState, *, stand_in: bool = False) -> list[Act]:
    """The batches that are this mixer's to mix now, in manifest order.

    Mixer k takes what mixer k-1 put out. With `stand_in` it takes any batch that waits for a mixer, in the place of
    one that does not come. Raises Refused: "other-election", "not-in-manifest".
    """
    check_place(view, state)
    if view.tally_input is None or view.tally.first("decryption") is not None:
        return []
    found, sources = [], mixing.last_outputs(view)
    for batch, mixers in mixing.mixers_of(view).items():
        waits = len(mixers) < view.manifest.policy.mixers and state.role not in mixers
        if waits and (stand_in or role_number(state.role) == len(mixers) + 1):
            found.append(Act("shuffle", batch=batch, source=sources[batch].sha256))
    return found


def next_act(view: View, state: MixerState, given: Collection[str] = (), *, stand_in: bool = False) -> Act | None:
    """The first due act that was not given yet."""
    return next((act for act in due_acts(view, state, stand_in=stand_in) if act.name not in given), None)


def finished(view: View, state: MixerState) -> bool:
    """Whether every batch has all its mixers, or this one has mixed every batch."""
    if view.tally_input is None:
        return False
    if view.tally.first("decryption") is not None:
        return True
    needed = view.manifest.policy.mixers
    return all(len(mixers) >= needed or state.role in mixers for mixers in mixing.mixers_of(view).values())


def check_place(view: View, state: MixerState) -> None:
    """The manifest is the one that the key serves, and names it. Raises Refused."""
    if state.election not in (None, view.manifest_digest.hex()):
        raise Refused("other-election", role=state.role)
    keys = {mixer.id: mixer.sign for mixer in view.manifest.mixers}
    if keys.get(state.role) != state.sign.public.hex():
        raise Refused("not-in-manifest", role=state.role)


def start(view: View, state: MixerState, act: Act, gate: str, random: Random) -> Promise[Mixed]:
    """Begin a shuffle that is due, where the view's workers are. Raises CheckFailed and Refused where it is not due."""
    assert act.batch is not None
    return start_mixing(view, random, state.role, act.batch, gate)


def perform(
    view: View,
    state: MixerState,
    act: Act,
    gate: str,
    random: Random,
    saved: bytes | None = None,
    started: Promise[Mixed] | None = None,
) -> bytes:
    """The submission of a shuffle that is due. `gate` is a cosigned checkpoint of the tally log that covers what the
    batch holds now; `saved` the bytes of an earlier run; `started` this same act under way. Raises CheckFailed and
    Refused where it is not due."""
    state.election = view.manifest_digest.hex()
    if saved is not None:
        return saved
    assert act.batch is not None
    draft = shuffle_draft(view, random, state.role, act.batch, gate, started)
    return drafts.sign(draft, log=view.anchors.logs["tally"].name, signer=state.role, key=state.sign)

"""A trustee's decisions: which act is due, and what bytes it is. No I/O; holds secrets.

The view is verified, and stands on checkpoints that a quorum of auditors cosigned. Whoever calls stores the state
before the bytes leave the machine. Source: protocol, sections 5, 10 and 11.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tally import attempts
from tally.acts import DRILL_SHARE, Act
from tally.keys import secret_bytes
from vemre.checks import Check
from vemre.crypto import canonical
from vemre.crypto.boxes import BoxKey
from vemre.crypto.signing import SigningKey
from vemre.election import dkg, dkg_steps, drafts
from vemre.election.dkg import Dealing, KeyShare
from vemre.election.dkg_steps import DkgMessage
from vemre.election.drill import drill_share
from vemre.election.opening import DecryptedLists, Opened, decryption_draft, start_opening
from vemre.election.rules import decrypting, keygen, mixing
from vemre.election.rules.view import View, role_number
from vemre.election.workers import Promise
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.kinds import KIND_OF_BODY
from vemre.records.record import plain
from vemre.types import Random

STATEMENT: Final = "The share of the key, the box key and every polynomial of this trustee were deleted."


@dataclass
class TrusteeState:
    """Everything that a trustee's key file holds. Its representation shows no secret."""

    role: str
    sign: SigningKey
    box: BoxKey | None
    """None once the key is destroyed."""
    election: str | None = None
    """The digest of the one manifest that the keys serve."""
    dealings: dict[int, Dealing] = field(default_factory=dict, repr=False)
    share: KeyShare | None = None
    lists: DecryptedLists = field(default_factory=DecryptedLists, repr=False)
    acts: dict[str, str] = field(default_factory=dict)
    """Digests of the acts that were prepared, by name."""

    @property
    def number(self) -> int:
        """k of ``trustee/k``."""
        return role_number(self.role)

    @property
    def destroyed(self) -> bool:
        """Whether the key is gone."""
        return self.box is None

    def secrets(self) -> dict[str, Any]:
        """As values of canonical JSON, for the key file."""
        return {
            "acts": dict(self.acts),
            "box": self.box.secret().hex() if self.box else None,
            "dealings": [dealing.secrets() for _, dealing in sorted(self.dealings.items())],
            "election": self.election,
            "lists": self.lists.plain(),
            "share": self.share.secrets() if self.share else None,
            "sign": self.sign.seed().hex(),
        }

    @classmethod
    def from_secrets(cls, role: str, value: Mapping[str, Any]) -> TrusteeState:
        """Back from a key file, a fresh one included. Raises KeyFileError."""
        try:
            dealings = [Dealing.from_secrets(item) for item in value.get("dealings", [])]
            share, election = value.get("share"), value.get("election")
            return cls(
                role=role,
                sign=SigningKey.from_seed(secret_bytes(value, "sign")),
                box=BoxKey(secret_bytes(value, "box")) if value["box"] is not None else None,
                election=None if election is None else str(election),
                dealings={dealing.attempt: dealing for dealing in dealings},
                share=None if share is None else KeyShare.from_secrets(share),
                lists=DecryptedLists.from_plain(value.get("lists", [])),
                acts={str(name): str(digest) for name, digest in value.get("acts", {}).items()},
            )
        except (AttributeError, KeyError, TypeError):
            raise KeyFileError("the trustee's state in the file is damaged") from None


# --- what is due ----------------------------------------------------------------------------------------------


def due_acts(view: View, state: TrusteeState, *, drill: bool = False) -> list[Act]:
    """Every act that is due now, in order; those of one list do not wait for one another.

    With `drill`, a share of the next drill is due as soon as there is a key. Raises Refused: "other-election",
    "not-in-manifest", "key-state-lost".
    """
    check_place(view, state)
    if state.destroyed:
        return [] if _logged(view, state, "destruction") else [Act("destruction")]
    found = _setup_acts(view, state) if view.setup_index is None else _decryptions(view, state)
    if _drill_is_due(view, drill):
        found.append(Act(DRILL_SHARE, len(view.tally.indices("drill")) + 1))
    return found


def next_act(view: View, state: TrusteeState, given: Collection[str] = (), *, drill: bool = False) -> Act | None:
    """The first due act that was not given yet."""
    return next((act for act in due_acts(view, state, drill=drill) if act.name not in given), None)


def finished(view: View, state: TrusteeState) -> bool:
    """Whether nothing more is expected of this trustee but, one day, the destruction of its key."""
    if state.destroyed:
        return _logged(view, state, "destruction")
    return view.tally.first("result-batch") is not None


def check_place(view: View, state: TrusteeState) -> None:
    """The manifest is the one that the keys serve, and names them. Raises Refused."""
    if state.election not in (None, view.manifest_digest.hex()):
        raise Refused("other-election", role=state.role)
    member = next((member for member in view.manifest.trustees.members if member.id == state.role), None)
    box = state.box.public.hex() if state.box else (member.box if member else "")
    if member is None or (member.sign, member.box) != (state.sign.public.hex(), box):
        raise Refused("not-in-manifest", role=state.role)


def _setup_acts(view: View, state: TrusteeState) -> list[Act]:
    number = attempts.current(view)
    dealing, found = state.dealings.get(number), keygen.attempts(view)
    if dealing is None:
        if len(found) < number or state.role not in found[-1].commits:
            return [Act("dkg-commit", number)]
        # Whoever has acknowledged needs its box key alone, unless somebody complains.
        blamed = any(accused == state.role for _, accused in set(found[-1].complaints) - set(found[-1].answers))
        if state.role not in found[-1].acks or blamed:
            raise Refused("key-state-lost", role=state.role)
        return []
    message = dkg_steps.due(view, dealing, _box(state))
    return [] if message is None else [_dkg_act(message)]


def _dkg_act(message: DkgMessage) -> Act:
    other = None
    if isinstance(message, s.DkgComplaint):
        other = message.against
    elif isinstance(message, s.DkgAnswer):
        other = message.to
    return Act(KIND_OF_BODY[type(message)].name, message.attempt, other=other)


def _drill_is_due(view: View, asked: bool) -> bool:
    """By itself, a drill is due before the setup until one had everybody, and after the close before the list to mix;
    in between, whenever the tally asks for one."""
    members = {member.id for member in view.manifest.trustees.members}
    found = keygen.attempts(view)
    if not found or set(found[-1].acks) != members or found[-1].number != attempts.current(view):
        return False
    if asked:
        return True
    if view.setup_index is None:
        return not any(len(body.shares) == len(members) for _, _, body in view.tally.of(s.Drill))
    return view.close is not None and view.tally_input is None


def _decryptions(view: View, state: TrusteeState) -> list[Act]:
    """Batches to decrypt: all mixing is done, nothing is counted, and the batch lacks shares, this trustee's among
    them. A small one waits for the authority's decision."""
    if view.tally_input is None or view.tally.first("result-batch") is not None:
        return []
    if any(len(mixers) < view.manifest.policy.mixers for mixers in mixing.mixers_of(view).values()):
        return []
    small, decided, rows = decrypting.small_batches(view), decrypting.decisions(view), decrypting.rows_of(view)
    found = []
    for batch, records in decrypting.decryptions(view).items():
        done = {record.signer for _, record in records}
        waits = batch in small and batch not in decided
        if rows[batch] and not waits and state.role not in done and len(done) < view.manifest.trustees.threshold:
            found.append(Act("decryption", batch=batch))
    return found


def _logged(view: View, state: TrusteeState, type_: str) -> bool:
    return any(view.tally.records[index].signer == state.role for index in view.tally.indices(type_))


# --- what the act is ------------------------------------------------------------------------------------------


def note_lists(view: View, state: TrusteeState, acts: Sequence[Act]) -> bool:
    """Note the lists of decryptions that are about to start; says whether the state, which is changed, must be stored
    first. Raises CheckFailed(DECRYPT-ONCE)."""
    for act in acts:
        _permit(view, state, act)
    return bool(acts)


def start(view: View, state: TrusteeState, act: Act, gate: str, random: Random) -> Promise[Opened]:
    """Begin a decryption that is due and whose list is noted and stored, where the view's workers are. Raises
    CheckFailed and Refused where the key must not be used."""
    assert act.batch is not None
    return start_opening(view, random, key_share(view, state), state.lists, act.batch, gate)


def perform(
    view: View,
    state: TrusteeState,
    act: Act,
    gate: str,
    random: Random,
    saved: bytes | None = None,
    started: Promise[Opened] | None = None,
) -> bytes:
    """The bytes of an act that is due: a submission, or a drill with one share as canonical JSON.

    `gate` is a cosigned checkpoint of the tally log; `saved` the bytes of an earlier run; `started` this same
    decryption under way. The state is changed: store it before the bytes leave. Raises CheckFailed and Refused where
    the key must not be used.
    """
    state.election = view.manifest_digest.hex()
    match act.type:
        case "decryption":
            return _decrypt(view, state, act, gate, random, saved, started)
        case _ if act.kept and saved is not None:
            return saved
        case "drill-share":
            assert act.number is not None
            return _share_of_drill(view, state, act.number, random)
        case "destruction":
            return _destroy(view, state)
    return _sign(view, state, drafts.Draft(_dkg_message(view, state, act, random)))


def _dkg_message(view: View, state: TrusteeState, act: Act, random: Random) -> DkgMessage:
    assert act.number is not None
    box = _box(state)
    dealing = state.dealings.get(act.number)
    if dealing is None:
        ceremony = dkg_steps.ceremony(view, act.number)
        dealing = dkg.deal(view.group, random, ceremony, state.number, box)
        state.dealings[act.number] = dealing
    message = dkg_steps.due(view, dealing, box)
    if message is None or _dkg_act(message) != act:
        raise Refused("not-due", reason=act.type)
    return message


def key_share(view: View, state: TrusteeState) -> KeyShare:
    """x_k of the key that all acknowledged; kept in the state. Raises Refused."""
    key = keygen.joint_key(view)
    if state.share is None or key is None or state.share.attempt != key.attempt:
        state.share = dkg_steps.key_share(view, state.number, _box(state))
    return state.share


def _share_of_drill(view: View, state: TrusteeState, number: int, random: Random) -> bytes:
    share, key = key_share(view, state), keygen.joint_key(view)
    assert key is not None
    return canonical.encode(plain(s.Drill(number, [drill_share(view.group, random, key, share, number)])))


def _decrypt(
    view: View,
    state: TrusteeState,
    act: Act,
    gate: str,
    random: Random,
    saved: bytes | None,
    started: Promise[Opened] | None,
) -> bytes:
    batch = act.batch
    assert batch is not None
    share = key_share(view, state)
    # Asked again even where the bytes are at hand: the list may be another by now.
    _permit(view, state, act)
    if saved is not None:
        return saved
    return _sign(view, state, decryption_draft(view, random, share, state.lists, batch, gate, started))


def _permit(view: View, state: TrusteeState, act: Act) -> None:
    assert act.batch is not None
    try:
        state.lists.permit(drafts.context_of(view), *act.batch, mixing.last_outputs(view)[act.batch].sha256)
    except CheckFailed as failure:
        raise failure.located(party="tally") from None


def _destroy(view: View, state: TrusteeState) -> bytes:
    """The statement; in the state, every secret but the signing key is gone."""
    if view.tally.first("certification") is None:
        raise Refused("not-due", reason="certification")
    data = _sign(view, state, drafts.Draft(v.Destruction(drafts.context_of(view), STATEMENT)))
    state.box, state.share = None, None
    state.dealings.clear()
    return data


def _sign(view: View, state: TrusteeState, draft: drafts.Draft) -> bytes:
    return drafts.sign(draft, log=view.anchors.logs["tally"].name, signer=state.role, key=state.sign)


def _box(state: TrusteeState) -> BoxKey:
    if state.box is None:
        raise CheckFailed(Check.ORDER, "the key is destroyed", party=state.role)
    return state.box

"""The witnesses of one log: who they are, and how each one stands.

Auditors' witness keys come from the election's policy file; the file of witnesses (`vemre.log.witness_policy`) says
where some of them take checkpoints, and may name others. Those others are *observers*: their cosignatures are kept and
shown, and count for no quorum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from prometheus_client import Counter, Gauge

from vemre.errors import Refused
from vemre.log.encoding import MAX_SIZE
from vemre.log.note import MAX_NOTE_BYTES, KeyType, SignatureLine, Vkey
from vemre.log.witness_policy import MAX_WITNESS_POLICY_BYTES, WitnessPolicy, WitnessPolicyError
from vemre.service.metrics import Metrics
from vemre.storage.log_store import LogStore
from vemre.types import Clock

State = Literal["ok", "waiting", "failing", "alarm"]
MAX_LINES: Final = 16
"""Readers of a checkpoint accept at least so many signature lines (C2SP signed-note)."""
FRESH_SECONDS: Final = 60
"""So long after a cosignature a witness is well even if the log has grown since."""

_SIGNATURE_BYTES: Final = {KeyType.ED25519: 64, KeyType.COSIGNATURE: 72, KeyType.ML_DSA_44: 2428}


@dataclass(frozen=True)
class Witness:
    """One witness key. `auditor` is the role whose quorum it counts for, or None for an observer; `url` the submission
    prefix, or None for one that posts its cosignatures itself."""

    vkey: Vkey
    auditor: str | None
    url: str | None


@dataclass(frozen=True)
class Standing:
    """How a witness stands. `size` is that of the last checkpoint that it cosigned and `time` what it said the time
    was; `came` is when that came, by our clock; `failure` why the last attempt failed, in technical English."""

    size: int | None = None
    time: int | None = None
    came: int | None = None
    failure: str | None = None
    alarm: bool = False


def read_policy(path: Path | None) -> WitnessPolicy | None:
    """The file of witnesses. Raises OSError, Refused("witnesses-unusable")."""
    if path is None:
        return None
    with open(path, "rb") as file:
        data = file.read(MAX_WITNESS_POLICY_BYTES + 1)
    try:
        return WitnessPolicy.parse(data)
    except WitnessPolicyError as error:
        raise Refused("witnesses-unusable", line=error.line, reason=error.reason) from None


def list_witnesses(
    policy: WitnessPolicy | None, auditors: Mapping[str, Sequence[Vkey]], log: Vkey, logs: Sequence[Vkey]
) -> tuple[Witness, ...]:
    """Every witness of `log`: the auditors' keys, then the observers of the file.

    `logs` are the keys of all logs of the election. Raises Refused("witnesses-unusable") where the file is for other
    logs, a key of it is a log's, two keys could be taken for one another, or checkpoints would grow too long.
    """
    known = {key: auditor for auditor, keys in reversed(list(auditors.items())) for key in keys}
    ordered = [key for keys in auditors.values() for key in keys]
    if policy is None:
        return tuple(Witness(key, known[key], None) for key in dict.fromkeys(ordered))
    if policy.logs and log not in policy.logs:
        raise _unusable(f"the file names logs, and {log.name} is none of them")
    urls = {found.vkey: found.url for found in policy.witnesses}
    observers = [key for key in urls if key not in known]
    names = {(key.name, key.key_id) for key in (*logs, *known)}
    publics = {key.public for key in (*logs, *known)}
    for key in observers:
        # A line is told by name and key id alone, so these must not be shared, whoever has the keys.
        if key.public in publics or (key.name, key.key_id) in names:
            raise _unusable(f"key {key.name}: an auditor's or a log's key under another name, or one like it")
        names.add((key.name, key.key_id))
    if observers:
        _check_length(log, [*known, *observers])
    return tuple(Witness(key, known.get(key), urls.get(key)) for key in dict.fromkeys([*ordered, *observers]))


def _check_length(log: Vkey, witnesses: Sequence[Vkey]) -> None:
    """The longest checkpoint with all lines is within what every reader takes."""
    keys = [log, *witnesses]
    text = f"{log.name}\n{MAX_SIZE}\n{'=' * 44}\n\n"
    lines = [str(SignatureLine(key.name, key.key_id, bytes(_SIGNATURE_BYTES[key.type]))) for key in keys]
    if len(lines) > MAX_LINES:
        raise _unusable(f"{len(witnesses)} witness keys with the auditors', at most {MAX_LINES - 1} are possible")
    if len((text + "".join(lines)).encode()) > MAX_NOTE_BYTES:
        raise _unusable(f"checkpoints with all cosignatures would have more than {MAX_NOTE_BYTES} bytes")


def _unusable(reason: str) -> Refused:
    return Refused("witnesses-unusable", line=0, reason=reason)


class Witnesses:
    """The witnesses of a log and how they stand, also as metrics. For the event loop's thread."""

    def __init__(self, listed: Sequence[Witness], store: LogStore, clock: Clock, metrics: Metrics) -> None:
        self.listed = tuple(listed)
        self.vkeys = [witness.vkey for witness in listed]
        self._store = store
        self._clock = clock
        self._standing = {witness.vkey: Standing() for witness in listed}
        self._metrics = _WitnessMetrics(metrics)
        for vkey, (size, time) in store.last_cosigned(self.vkeys).items():
            self._standing[vkey] = Standing(size, time)
        for vkey in self.vkeys:
            self._metrics.show(vkey, self._standing[vkey], partial(self._age, vkey))

    def standing(self, vkey: Vkey) -> Standing:
        """How a witness stands."""
        return self._standing[vkey]

    def state(self, vkey: Vkey) -> State:
        """In one word: ``alarm`` over ``failing`` over ``ok``; ``waiting`` for one that has nothing to show yet."""
        standing = self._standing[vkey]
        if standing.alarm:
            return "alarm"
        if standing.failure is not None:
            return "failing"
        fresh = standing.came is not None and self._clock() - standing.came < FRESH_SECONDS
        return "ok" if fresh or standing.size == self._store.size else "waiting"

    def cosigned(self, vkey: Vkey, size: int, time: int) -> None:
        """A cosignature came, whichever way."""
        standing = self._standing[vkey]
        if standing.size is None or size >= standing.size:
            standing = replace(standing, size=size, time=time)
        self._change(vkey, replace(standing, came=self._clock(), failure=None))

    def failed(self, vkey: Vkey, reason: str) -> None:
        """An attempt to get a cosignature failed."""
        self._metrics.failures(vkey).inc()
        self._change(vkey, replace(self._standing[vkey], failure=reason))

    def alarm(self, vkey: Vkey) -> None:
        """The witness says that it saw more of the log than there is. It stays so until the service starts again."""
        self._change(vkey, replace(self._standing[vkey], alarm=True))

    def _change(self, vkey: Vkey, standing: Standing) -> None:
        self._standing[vkey] = standing
        self._metrics.change(vkey, standing)

    def _age(self, vkey: Vkey) -> float:
        standing = self._standing[vkey]
        last = standing.came if standing.came is not None else standing.time
        return float("nan") if last is None else float(max(0, self._clock() - last))


class _WitnessMetrics:
    """What Prometheus sees of each witness key."""

    def __init__(self, metrics: Metrics) -> None:
        labels, registry = ("witness", "key"), metrics.registry
        self._size = Gauge(
            "vemre_witness_cosigned_size", "Entries that the witness cosigned last.", labels, registry=registry
        )
        self._age = Gauge(
            "vemre_witness_cosigned_age_seconds",
            "Seconds since the last cosignature; not a number before the first.",
            labels,
            registry=registry,
        )
        self._failures = Counter("vemre_witness_failures", "Attempts that failed.", labels, registry=registry)
        self._alarm = Gauge(
            "vemre_witness_alarm", "1 where the witness saw more than there is.", labels, registry=registry
        )

    def show(self, vkey: Vkey, standing: Standing, age: Callable[[], float]) -> None:
        """Show a witness from now on."""
        self._failures.labels(*_labels(vkey))
        self._age.labels(*_labels(vkey)).set_function(age)
        self.change(vkey, standing)

    def change(self, vkey: Vkey, standing: Standing) -> None:
        """Show how it stands."""
        self._size.labels(*_labels(vkey)).set(standing.size or 0)
        self._alarm.labels(*_labels(vkey)).set(standing.alarm)

    def failures(self, vkey: Vkey) -> Counter:
        """Its counter."""
        return self._failures.labels(*_labels(vkey))


def _labels(vkey: Vkey) -> tuple[str, str]:
    return vkey.name, vkey.key_id.hex()

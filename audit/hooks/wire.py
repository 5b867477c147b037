"""What a witness and the process of a hook say to each other: lines of JSON over a pair of connected sockets.

The witness speaks first, with `Begin`, and gets an `Answer` for it and for each event after it (a document, see
`audit.hooks.document`). ``{"close": true}`` ends the process; so does the end of the connection.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from prometheus_client import Metric

MAX_LINE: Final = 1 << 20
CLOSE: Final = b'{"close":true}'
_FAMILY: Final = re.compile(r"\A[a-zA-Z][a-zA-Z0-9_]{0,63}\Z")
_LABEL: Final = re.compile(r"\A[a-zA-Z][a-zA-Z0-9_]{0,63}\Z")
_TYPES: Final = frozenset({"counter", "gauge", "histogram", "summary"})
_MAX_SAMPLES: Final = 2_000


class Sample(msgspec.Struct, array_like=True):
    """One value of a metric."""

    name: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct, array_like=True):
    """A metric as the hook's registry has it; `type` is one of Prometheus's."""

    name: str
    help: str
    type: str
    samples: list[Sample]


class Begin(msgspec.Struct):
    """Which hook to make."""

    use: str
    name: str
    witness: str
    settings: dict[str, Any]


class Answer(msgspec.Struct):
    """`error` is None where all is well; `hears` are the kinds of events that the hook wants (to `Begin` alone)."""

    error: str | None = None
    hears: list[str] = []
    metrics: list[Family] = []


def families(metrics: Iterable[Metric]) -> list[Family]:
    """Metrics as a hook's process sends them; what is no number stays at home."""
    return [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            [
                Sample(sample.name, dict(sample.labels), sample.value)
                for sample in metric.samples
                if math.isfinite(sample.value)
            ],
        )
        for metric in metrics
    ]


def shown(sent: Iterable[Family], prefix: str) -> list[Metric]:
    """Metrics as the witness shows them, `prefix` before every name. What could garble its ``/metrics`` is left out."""
    found = []
    for family in sent:
        if family.type not in _TYPES or not _FAMILY.match(family.name):
            continue
        metric = Metric(prefix + family.name, family.help[:200], family.type)
        for sample in family.samples[:_MAX_SAMPLES]:
            suffix = sample.name.removeprefix(family.name)
            if suffix in ("", "_total", "_sum", "_count", "_bucket") and all(map(_LABEL.match, sample.labels)):
                metric.add_sample(prefix + family.name + suffix, sample.labels, sample.value)
        found.append(metric)
    return found

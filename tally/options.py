"""Options that the commands of trustees, mixers and the authority share: which election, from where, and to where."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from tally.authority import Order
from vemre import group as groups
from vemre.cli import console, files
from vemre.cli.command import option
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.election.rules.view import Anchors
from vemre.election.workers import HERE, Workers
from vemre.errors import Refused
from vemre.group import Group
from vemre.service.client import ServiceClient
from vemre.service.election_source import ElectionSource, from_folder, from_urls
from vemre.service.verified import Verified
from vemre.types import LOG_NAMES, LogName

FILE: Final = click.Path(path_type=Path, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@dataclass(frozen=True)
class Election:
    """Which election a command is about: trust anchors, and the three services or a record on a stick."""

    policy: Path
    record: Path | None
    urls: dict[LogName, str]

    def anchors(self) -> Anchors:
        """The trust anchors. Raises PolicyError, OSError."""
        return read_anchors(self.policy)

    @contextmanager
    def source(self, workers: Workers = HERE, verified: Verified | None = None) -> Iterator[ElectionSource]:
        """The election as it is now, with heavy work done by `workers`, and what the caller `verified` before. Raises
        Refused("source-missing")."""
        with ExitStack() as stack:
            if self.record is not None:
                sources = from_folder(self.record)
            elif self.urls:
                sources = from_urls(self.urls, lambda url: stack.enter_context(ServiceClient(url)))
            else:
                raise Refused("source-missing")
            yield ElectionSource(self.anchors(), sources, groups.load(), os.urandom, workers=workers, verified=verified)

    @contextmanager
    def service(self, name: LogName) -> Iterator[ServiceClient]:
        """A connection to one of the services. Raises Refused("destination-missing")."""
        if name not in self.urls:
            raise Refused("destination-missing", option=f"--{name}-url")
        with ServiceClient(self.urls[name]) as client:
            yield client


def election_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--policy``, ``--from`` and the three addresses, given to the function as one `election: Election`."""

    @wraps(function)
    def wrapped(*args: Any, policy: Path, record: Path | None, **others: Any) -> Any:
        urls = {name: url for name in LOG_NAMES if (url := others.pop(f"{name}_url"))}
        return function(*args, election=Election(policy, record, urls), **others)

    decorated: Callable[..., Any] = wrapped
    for name in reversed(LOG_NAMES):
        decorated = option(f"--{name}-url", help=f"service-option-{name}-url")(decorated)
    decorated = option("--from", "record", type=FOLDER, help="tally-option-from")(decorated)
    return option("--policy", required=True, type=FILE, help="service-option-policy")(decorated)


def guard_secrets(group: Group, *, insecure_reference: bool) -> None:
    """Secrets go only to arithmetic that hides them from whoever can measure its time; a trial may say otherwise, and
    is told once.

    Raises Refused("reference-arithmetic").
    """
    if group.constant_time:
        return
    if not insecure_reference:
        raise Refused("reference-arithmetic", option="--insecure-reference")
    console.say(say("tally-slow-arithmetic"), style="bold yellow")


def hand_over(orders: Sequence[Order], urls: Mapping[LogName, str], out: Path | None, as_json: bool) -> None:
    """Submit signed records to the services of their logs, or write them to ``--out`` (numbered where they are many).

    Raises Refused("destination-missing") where there is neither, RemoteProblem, Unreachable, OSError.
    """
    done: list[dict[str, Any]] = []
    for number, order in enumerate(orders):
        if out is not None:
            path = out if len(orders) == 1 else out.with_name(f"{out.stem}-{number + 1}{out.suffix}")
            files.write(path, order.submission, overwrite=True)
            done.append({"type": order.type, "log": order.log, "file": str(path)})
            continue
        if order.log not in urls:
            raise Refused("destination-missing", option=f"--{order.log}-url")
        with ServiceClient(urls[order.log]) as client:
            answer = client.submit(order.submission)
        done.append({"type": order.type, "log": order.log, **answer})
    if as_json:
        console.put_json({"records": done})
        return
    for item in done:
        code = "tally-order-written" if "file" in item else "tally-order-logged"
        console.put(say(code, **{name: str(value) for name, value in item.items()}))

"""``--executor``: where heavy work is done. In this process, in processes of this machine, or on a Dask cluster.

A Dask cluster runs whatever its clients send and can send back whatever it likes, which its clients unpickle: whoever
connects to one trusts its machines and everyone who can reach its scheduler. A verifier does so for its verdict alone,
and is told. A role with secrets must say so (``--trust-cluster``), and its connection is encrypted or stays on this
machine.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import vemre
from vemre.cli import console
from vemre.cli.command import option
from vemre.cli.translations import say
from vemre.election.workers import HERE, Workers
from vemre.errors import Refused
from vemre.group import backends

if TYPE_CHECKING:
    from distributed import Client

LOCAL: Final = "local"
PROCESSES: Final = "processes"
_DASK: Final = "dask"
_CONNECT_SECONDS: Final = 15
_PATIENCE_SECONDS: Final = 900.0
"""A cluster that has lost all its workers says nothing; what it does not answer for so long is done here."""
_MOST_AHEAD: Final = 64
_ONE_CORE: Final = "RAYON_NUM_THREADS"


@dataclass(frozen=True)
class ExecutorChoice:
    """What ``--executor`` and ``--trust-cluster`` said."""

    name: str = LOCAL
    trusted: bool = False

    def __post_init__(self) -> None:
        """Raises Refused("executor-unknown")."""
        if self.name not in (LOCAL, PROCESSES) and not self._is_cluster():
            raise Refused("executor-unknown", value=self.name)

    def _is_cluster(self) -> bool:
        try:
            parts = urlsplit(self.name)
            return parts.scheme == _DASK and bool(parts.hostname and parts.port) and parts.netloc == self._place
        except ValueError:
            return False

    @property
    def _place(self) -> str:
        """HOST:PORT of a cluster's scheduler."""
        return self.name.removeprefix(f"{_DASK}://")

    @contextmanager
    def workers(self, *, secrets: bool = False) -> Iterator[Workers]:
        """The workers, while the block runs. `secrets` says that what is done with them is not for others' eyes.

        Raises Refused: "cluster-not-trusted", "cluster-not-encrypted", "dask-missing", "cluster-unreachable",
        "cluster-differs".
        """
        if self.name == LOCAL:
            yield HERE
        elif self.name == PROCESSES:
            # Loaded where it is asked for: it takes longer than many a verification.
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            with ProcessPoolExecutor(count, get_context("spawn"), use_one_core) as pool:
                yield Workers(pool, ahead=2 * count, lost=_teller())
        else:
            if secrets and not self.trusted:
                raise Refused("cluster-not-trusted", option="--trust-cluster")
            with self._cluster(secrets=secrets) as client:
                threads = sum(client.nthreads().values())
                ahead = min(2 * threads, _MOST_AHEAD)
                executor = client.get_executor()
                yield Workers(executor, ahead=ahead, patience=_PATIENCE_SECONDS, lost=_teller())

    @contextmanager
    def _cluster(self, *, secrets: bool) -> Iterator[Client]:
        try:
            import dask
            from distributed import Client, Security
        except ImportError:
            raise Refused("dask-missing") from None
        # Where Dask's own settings name keys for TLS, they are used.
        security = Security()
        encrypted = security.tls_ca_file is not None
        if secrets and not encrypted and not _is_this_machine(urlsplit(self.name).hostname or ""):
            raise Refused("cluster-not-encrypted", place=self._place)
        address = f"{'tls' if encrypted else 'tcp'}://{self._place}"
        # Pieces are large by design.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "4GB"}):
            try:
                client = Client(address, timeout=_CONNECT_SECONDS, security=security, set_as_default=False)
            except (OSError, ValueError, RuntimeError) as error:
                raise Refused("cluster-unreachable", place=self._place, reason=type(error).__name__) from None
            with client:
                self._check_workers(client)
                yield client

    def _check_workers(self, client: Client) -> None:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            found = client.run(describe)
        except Exception as error:
            raise Refused("cluster-unreachable", place=self._place, reason=type(error).__name__) from None
        for worker, description in found.items():
            if description != describe():
                raise Refused("cluster-differs", place=str(worker), version=vemre.__version__)


def describe() -> tuple[str, tuple[str, ...]]:
    """What a worker must have in common with whoever sends it work: the version, and the back ends."""
    return vemre.__version__, backends()


def use_one_core() -> None:
    """In a process of a pool, before the arithmetic is first used: there are as many processes as cores."""
    os.environ[_ONE_CORE] = "1"


def executor_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--executor``, given to the function as one `executor: ExecutorChoice`, for work with public data."""

    @wraps(function)
    def wrapped(*args: Any, executor: str, **others: Any) -> Any:
        return function(*args, executor=ExecutorChoice(executor), **others)

    return _executor(wrapped)


def secret_executor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--executor`` and ``--trust-cluster``, given as one `executor: ExecutorChoice`, for roles with secrets."""

    @wraps(function)
    def wrapped(*args: Any, executor: str, trust_cluster: bool, **others: Any) -> Any:
        return function(*args, executor=ExecutorChoice(executor, trust_cluster), **others)

    return _executor(option("--trust-cluster", is_flag=True, help="cli-option-trust-cluster")(wrapped))


def _executor(function: Callable[..., Any]) -> Callable[..., Any]:
    metavar = f"{LOCAL}|{PROCESSES}|{_DASK}://HOST:PORT"
    return option("--executor", default=LOCAL, metavar=metavar, help="cli-option-executor")(function)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _teller() -> Callable[[Exception], None]:
    """Says once that the executor failed."""
    told = False

    def tell(error: Exception) -> None:
        nonlocal told
        if not told:
            told = True
            console.say(say("executor-lost", reason=type(error).__name__), style="yellow")

    return tell

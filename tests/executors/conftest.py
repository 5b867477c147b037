"""Real executors: two workers of a Dask cluster on this machine, and two processes of a pool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from vemre.cli.executors import use_one_core

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes; one that is killed comes back."""
    # Even without a dashboard the scheduler has a port for it, and by default everybody's is the same.
    elsewhere = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, scheduler_kwargs=elsewhere) as found:
        yield found


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster, set_as_default=False) as client:
        # After a test that killed workers, new ones may be long in coming on a busy machine.
        client.wait_for_workers(2, timeout=600)
        assert len(client.nthreads()) == 2
        yield client


@pytest.fixture(params=["dask", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Each kind in turn."""
    if request.param == "dask":
        yield request.getfixturevalue("client").get_executor()
        return
    with ProcessPoolExecutor(2, get_context("spawn"), use_one_core) as pool:
        yield pool

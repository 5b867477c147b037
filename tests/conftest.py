"""What all tests share: databases to run against, and the line that says what was not run.

Tests that take `database_url` run on SQLite and on PostgreSQL. The server is the one that `VEMRE_TEST_POSTGRES`
names (a role that may create databases), or a private one started from the machine's own binaries. Where there is
neither, those tests are left out and a line of the summary says so; with `VEMRE_REQUIRE_ALL=1` they fail instead.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
import structlog
from hypothesis import HealthCheck, settings

from vemre import group

# No test is about time: these machines are shared, and a slow minute is no defect.
settings.register_profile("vemre", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vemre")

pytest_plugins = ["browser", "pages", "sharing"]
REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"
POSTGRES_URL = os.environ.get("VEMRE_TEST_POSTGRES", "")
OF_ARITHMETIC = [
    Path(__file__).parent / name
    for name in ("attacks", "unit/election", "unit/rules", "unit/audit/test_golden.py", "conformance/test_corpus.py")
]
"""What must hold with either arithmetic and does not try both by itself: attacks, rules, good and bad records."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--arithmetic",
        choices=group.backends(),
        help="the back end of all tests that do not try each; without it the fastest there is",
    )
    parser.addoption(
        "--of-arithmetic",
        action="store_true",
        help="only what must hold with either back end; name no paths, for their modules would be loaded too early",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Takes effect before any test module loads the arithmetic."""
    chosen = config.getoption("--arithmetic")
    if chosen is not None:
        group.backends = lambda: (chosen,)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what does not depend on the arithmetic, where that was asked for."""
    if not config.getoption("--of-arithmetic"):
        return None
    here = {collection_path, *collection_path.parents}
    related = any(path in here or collection_path in path.parents for path in OF_ARITHMETIC)
    return None if related else True


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that runs in this process sends its logs elsewhere; the next test finds them where they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def postgres_binaries() -> Path | None:
    """The newest server on this machine, as Debian installs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def why_no_postgres() -> str | None:
    """Why there is no PostgreSQL to test with, or None."""
    if POSTGRES_URL:
        return None
    if postgres_binaries() is None:
        return "no server binaries, and VEMRE_TEST_POSTGRES names no server: make deps installs them"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL refuses to run as root, and there is no setpriv"
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a database runs on both, and some need what PostgreSQL alone has."""
    if "postgres_url" in metafunc.fixturenames:
        metafunc.parametrize("postgres_url", ["postgresql"], indirect=True)
    if "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run, and pages where an arithmetic was chosen: browsers have their own."""
    left_out: set[pytest.Item] = set()
    if config.getoption("--arithmetic") is not None:
        left_out.update(item for item in items if "browser" in getattr(item, "fixturenames", ()))
    if config.getoption("--of-arithmetic"):
        # Other verifiers, and commands, choose for themselves.
        corpus = [item for item in items if item.path == OF_ARITHMETIC[-1]]
        left_out.update(item for item in corpus if not item.name.startswith("test_the_verifier_finds_it"))
    if not REQUIRE_ALL and why_no_postgres() is not None:
        left_out.update(item for item in items if "postgresql" in item.name.partition("[")[2])
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why, after everything else that is printed."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    reason = why_no_postgres()
    if reason is not None:
        print(f"NOT RUN: PostgreSQL tests ({reason})")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server on which databases may be created."""
    if POSTGRES_URL:
        yield POSTGRES_URL
        return
    reason, binaries = why_no_postgres(), postgres_binaries()
    if reason is not None or binaries is None:
        pytest.fail(f"PostgreSQL tests cannot run: {reason}")
    with tempfile.TemporaryDirectory(prefix="vemre-postgres-", ignore_cleanup_errors=True) as folder:
        user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = f"{folder}/data"

        def run(*command: str) -> None:
            subprocess.run([*user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)

        run(str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        # The socket is in the folder and no port is opened, so several test runs never meet.
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        run(str(binaries / "pg_ctl"), "-D", data, "-l", f"{folder}/log", "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of the PostgreSQL server."""
    with _new_database(postgres_server) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: an SQLite file, or a fresh database of the PostgreSQL server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.sqlite"
        return
    with _new_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@contextmanager
def _new_database(server_url: str) -> Iterator[str]:
    server = sqlalchemy.make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"vemre_test_{uuid.uuid4().hex}"
    admin = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()

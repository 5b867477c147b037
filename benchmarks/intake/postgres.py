"""A PostgreSQL of its own for one measurement: the machine's own binaries, as durable as they are by default."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path:
    """The newest server on this machine, as Debian installs it. Raises SystemExit."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise SystemExit("no PostgreSQL server here: install it (make deps), or name one: --database postgresql://...")
    return found[-1].parent


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of an empty database; `folder`, which must not be there yet, holds its data. It listens on a socket
    in the folder alone."""
    programs = binaries()
    folder.mkdir()
    user: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root. It must be able to reach its folder.
        for parent in (folder.parent, folder):
            parent.chmod(parent.stat().st_mode | 0o111)
        shutil.chown(folder, "postgres", "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")

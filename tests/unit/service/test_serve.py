"""A service as a process: the line it prints, its lock, its end."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from vemre.errors import Refused
from vemre.service.serve import data_lock, database_lock, listening
from vemre.storage.engine import sqlite_url

PROGRAM = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from vemre.service.app import make_app
from vemre.service.serve import serve
from vemre.service.settings import ServiceSettings

mode = sys.argv[2]

@asynccontextmanager
async def lifespan(app):
    if mode == "broken":
        raise RuntimeError("hunter2")
    yield
    print("lifespan ended", file=sys.stderr, flush=True)

def build():
    app = make_app("example", "Example", lifespan=lifespan)

    @app.post("/stop")
    async def stop() -> None:
        app.state.stop.request("lost")

    return app

sys.exit(serve(build, ServiceSettings(data_dir=Path(sys.argv[1]), port=0)))
"""


def start(folder: Path, mode: str = "well") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=30)
    finally:
        process.kill()


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def ask(url: str, method: str = "GET") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
        data: bytes = answer.read()
    return data


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_until_a_signal(tmp_path: Path, number: int) -> None:
    process = start(tmp_path / "data")
    line = announced(process)
    assert line["service"] == "example"
    assert line["pid"] == process.pid
    assert line["url"] == f"http://127.0.0.1:{line['port']}"
    assert json.loads(ask(line["url"] + "/health"))["status"] == "ok"
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    process.send_signal(number)
    out, err = finish(process)
    assert (process.returncode, out) == (0, "")
    assert "lifespan ended" in err
    assert "Traceback" not in err


def test_second_process_on_the_same_data_is_refused(tmp_path: Path) -> None:
    process = start(tmp_path)
    announced(process)
    try:
        with pytest.raises(Refused, match="already-running"), data_lock(tmp_path):
            pass
    finally:
        process.terminate()
        finish(process)
    with data_lock(tmp_path):
        pass


def test_second_process_on_the_same_sqlite_file_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "log.sqlite3")
    with database_lock(url):
        program = "import sys; from vemre.service.serve import database_lock; database_lock(sys.argv[1]).__enter__()"
        other = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=False)
        assert other.returncode
        assert "database-in-use" in other.stderr
    with database_lock(url), database_lock("postgresql://somewhere/else"):
        pass


def test_service_that_stops_itself_ends_with_two(tmp_path: Path) -> None:
    process = start(tmp_path)
    ask(announced(process)["url"] + "/stop", "POST")
    _, err = finish(process)
    assert process.returncode == 2
    assert "lifespan ended" in err


def test_service_that_cannot_start_says_so_without_texts(tmp_path: Path) -> None:
    process = start(tmp_path, "broken")
    out, err = finish(process)
    assert (process.returncode, out) == (2, "")
    assert "hunter2" not in err
    assert "RuntimeError" in err


def test_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    process = start(tmp_path)
    announced(process)
    process.kill()
    finish(process)
    with data_lock(tmp_path):
        pass


def test_address_in_use() -> None:
    with listening("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(Refused) as refused, listening("127.0.0.1", port):
            pass
        assert refused.value.params["address"] == f"127.0.0.1:{port}"
    with pytest.raises(Refused), listening("203.0.113.1", 0):
        pass
    if socket.has_ipv6:
        with listening("::1", 0) as listener:
            assert listener.getsockname()[1] > 0

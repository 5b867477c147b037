"""Somebody else's sender of text messages: found by its name, and told apart from what it cannot take."""

import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from vemre.service import vault as vaults
from vemre.service.delivery import Courier, Delivered, DeliverySettings, Message, Outbox, open_senders

EXAMPLE = Path(__file__).parents[3] / "examples" / "sms-sender"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example installed, as a package manager would: its module, and what its pyproject.toml says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    ((group, entries),) = project["entry-points"].items()
    ((name, value),) = entries.items()
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    shutil.copy(EXAMPLE / "vemre_sms_gateway.py", site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "vemre_sms_gateway", raising=False)


@contextmanager
def gateway(answers: dict[str, int]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A gateway, with what it took: the key that was shown, and the message."""
    taken: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = answers.get(message["to"], 200)
            if status == 200:
                taken.append((self.headers["Authorization"], message))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/messages", taken
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("installed")
def test_the_example_hands_over_and_says_what_it_cannot(tmp_path: Path) -> None:
    vaults.create(tmp_path / "vault")
    outbox = Outbox(tmp_path / "outbox", vaults.load(tmp_path / "vault"))
    numbers = ("+13125550001", "+13125550002", "+13125550003")
    for place, to in enumerate(numbers):
        outbox.put(Message(f"{place:032x}", "sms", to, "sms-code", {"code": "123456", "minutes": "5"}))
    (tmp_path / "key").write_text("gateway-key\n")
    with gateway({numbers[1]: 422, numbers[2]: 429}) as (url, taken):
        config = tmp_path / "gateway.toml"
        config.write_text(f'url = "{url}"\nkey_file = "{tmp_path / "key"}"\n')
        settings = DeliverySettings(data_dir=tmp_path, sms_sender="gateway", sms_config=config)
        courier = Courier(outbox, open_senders(settings))
        assert courier.flush() == Delivered(1, 2, 2)
        text = "Su clave es 123456 y vale 5 minutos. No la comparta con nadie. / Your code is 123456, "
        ((key, message),) = taken
        assert (key, message["to"]) == ("Bearer gateway-key", numbers[0])
        assert message["text"].startswith(text)
        found = {entry.problem: entry.refused for entry in outbox.entries("sms")}
        assert found == {"HTTP 422": True, "HTTP 429": False}
    assert courier.flush() == Delivered(0, 1, 2)


@pytest.mark.usefixtures("installed")
def test_without_its_settings_it_is_down(tmp_path: Path) -> None:
    vaults.create(tmp_path / "vault")
    outbox = Outbox(tmp_path / "outbox", vaults.load(tmp_path / "vault"))
    outbox.put(Message("0" * 32, "sms", "+13125550001", "sms-code", {"code": "1", "minutes": "5"}))
    courier = Courier(outbox, open_senders(DeliverySettings(data_dir=tmp_path, sms_sender="gateway")))
    assert courier.flush() == Delivered(0, 1, 1)

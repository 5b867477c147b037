"""The pages of a witness whose status a test sets, on a real server."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from served import listening

from audit.hooks.events import CheckpointEvent, FindingEvent, GateEvent, IncidentEvent
from audit.witness.hub import EventHub
from audit.witness.status import LogStatus, WitnessStatus
from audit.witness.web import web_routes
from vemre.service.app import make_app

sys.path.insert(0, str(Path(__file__).parent))

NOW = 1_717_000_000
NAME = "auditoria.example/testigo-1"
HOSTILE = "<script>alert(1)</script>\u202eevil\x1b[2J"


def log(name: str, seen: int, lag: int = 0) -> LogStatus:
    origin = f"voto.example/5e6f7a8b-0000-4000-8000-000000000001/{name}"
    return LogStatus(name, origin, seen, seen - lag, seen - lag, NOW - 9, NOW - 75)


def finding(number: int = 1, **changes: object) -> FindingEvent:
    values: dict[str, object] = {
        "number": number,
        "check": "CHECKPOINT",
        "where": "ballot/checkpoint",
        "party": "ballot-box",
        "detail": "two roots are signed for 120 entries",
        "provable": True,
        "evidence": f"{number:04d}-checkpoint",
        "time": NOW - 60,
    }
    return FindingEvent(**{**values, **changes})  # type: ignore[arg-type]


EVENTS = (
    CheckpointEvent("voto.example/x/registry", 412, "00" * 32, NOW, cosigned=True, note="note\n"),
    GateEvent("tally", 12, "setup", (("registry", 400),), ("auditor/1", "auditor/2")),
    IncidentEvent("ballot", 3, "ballot-box", "outage", "Interrupción de 4 minutos", "2024-05-29T00:00:00Z"),
)


class Witnessed:
    """What the pages are made of; `url` is where they are."""

    def __init__(self, evidence: Path) -> None:
        self.hub = EventHub("ab12", events=50)
        self.evidence = evidence
        self.logs = (log("registry", 412), log("ballot", 120_345), log("tally", 17))
        self.findings: tuple[FindingEvent, ...] = ()
        self.waiting: str | None = None
        self.url = ""

    def status(self) -> WitnessStatus:
        vkeys = (f"{NAME}+5f1c2d3e+BEhAWk0bZ0J1",)
        return WitnessStatus(
            NAME, vkeys, "verify", "auditor/1", "open", self.logs, self.findings, NOW - 86_400, NOW, self.waiting
        )

    def keep(self, found: FindingEvent) -> None:
        """A finding with its evidence."""
        folder = self.evidence / found.evidence
        (folder / "record" / "tally" / "tile" / "entries").mkdir(parents=True)
        (folder / "evidence.json").write_text('{"format": "vemre-evidence-1"}\n')
        (folder / "record" / "tally" / "tile" / "entries" / "000").write_bytes(b"\0\1x")
        self.findings = (*self.findings, found)


@pytest.fixture
def witnessed(tmp_path: Path) -> Iterator[Witnessed]:
    """A witness in good order."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    made = Witnessed(folder)
    app = make_app("witness", "Witness")
    app.include_router(web_routes(made.status, made.hub, folder, lambda: NOW))
    with listening(app) as made.url:
        yield made
        # The server waits for streams that are still read.
        made.hub.close()


@pytest.fixture
def get(witnessed: Witnessed) -> Iterator[Callable[..., httpx2.Response]]:
    """Asks for an address below the witness's."""
    with httpx2.Client(base_url=witnessed.url, trust_env=False, timeout=30) as client:

        def ask(path: str, **headers: str) -> httpx2.Response:
            return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

        yield ask

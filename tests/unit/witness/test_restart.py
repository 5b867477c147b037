"""After a restart a witness goes on from where it was: nothing old is verified or fetched again."""

from pathlib import Path

import httpx2
import pytest
from served_simulator import Served
from simulator import OPENS
from witnesses import witness_of

from vemre.crypto import ed25519
from vemre.election import drafts
from vemre.types import LogName


def add_incident(served: Served, text: str) -> None:
    served.simulator.append("tally", "tally", drafts.incident("note", text, OPENS))


def test_a_restart_neither_verifies_nor_fetches_again(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.simulator.reach("cast")
    witness = witness_of(served, tmp_path)
    witness.round()
    sizes = {name: len(log) for name, log in served.simulator.view.logs.items()}
    assert {log.name: log.verified for log in witness.status().logs} == sizes
    witness.close()

    signatures: list[bytes] = []
    real = ed25519.verify
    monkeypatch.setattr(ed25519, "verify", lambda *given: (signatures.append(given[1]), real(*given))[1])
    for name in ("verify", "verify_sheets"):
        monkeypatch.setattr(f"vemre.proofs.ballot_pok.{name}", lambda *_: pytest.fail("a proof was verified again"))
    paths: list[str] = []
    answer = served._answer

    def watched(name: LogName, request: httpx2.Request) -> httpx2.Response:
        paths.append(request.url.path)
        return answer(name, request)

    monkeypatch.setattr(served, "_answer", watched)
    again = witness_of(served, tmp_path)
    again.round()
    assert {log.name: log.verified for log in again.status().logs} == sizes
    assert not [path for path in paths if "/tile/" in path or "/blob/" in path]
    assert again.status().waiting is None
    before = len(signatures)
    add_incident(served, "one")
    again.round()
    assert again.election is not None
    assert again.election.size("tally") == sizes["tally"] + 1
    own = [entry for entry in signatures[before:] if entry.startswith(b"VEMRE-1/record\n")]
    assert len(own) <= 2, "the new record's signature, and no other's"
    again.close()

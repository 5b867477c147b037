"""The page "verify it yourself" in a real browser, on records as they are published: a folder that any server serves,
and an auditor's witness."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import second_verifier
from browser import DESKTOP, PHONE, axe, overflow, showing
from served import listening
from served_simulator import Served
from simulator import GROUP, OPENS, Simulator
from static_files import serving
from witnesses import witness_of

from audit.page import beside_a_record, verifier_page
from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from audit.witness.api import create_app
from audit.witness.hub import EventHub
from audit.witness.web import web_routes
from vemre.cli.policy import read_anchors
from vemre.service.client import HttpSource
from vemre.service.election_source import ElectionSource
from vemre.service.export import export

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MILLISECONDS = 300_000


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A counted election with the page beside it, and its policy."""
    folder = tmp_path_factory.mktemp("exported")
    simulator = Simulator(trustees=2, threshold=2).reach("counted")
    served = Served(simulator)
    served.cosign_all()
    sources = {name: HttpSource(client) for name, client in served.clients().items()}
    export(
        ElectionSource(simulator.view.anchors, sources, GROUP, os.urandom), folder / "record", page=beside_a_record()
    )
    (folder / "policy.json").write_bytes(msgspec.json.encode(simulator.policy))
    return folder / "record", folder / "policy.json"


def test_both_verifiers_take_a_record_with_the_page_in_it(exported: tuple[Path, Path]) -> None:
    record, policy = exported
    assert (record / "index.html").is_file()
    code, report = second_verifier.verdict(record, policy)
    assert (code, report["verdict"]) == (0, "valid")
    assert verify_record(RecordFolder(record), read_anchors(policy), GROUP, os.urandom).valid


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_served_folder_verifies_itself_in_the_browser(
    browser: Browser, exported: tuple[Path, Path], size: tuple[int, int]
) -> None:
    record, policy = exported
    # Logs that are not there are asked for, and the browser tells of every 404.
    with serving(record) as url, showing(browser, size, errors=True) as page:
        page.goto(f"{url}/")
        assert page.input_value("#url") == f"{url}/"
        assert (axe(page), overflow(page)) == ([], 0)
        assert verdict(page, policy) == "valid"
        assert (axe(page), overflow(page)) == ([], 0)
        # Members of a coalition share a candidate, so parties tell them apart.
        assert page.get_by_role("rowheader", name="PAN + PRI", exact=True).count() > 0
        assert page.get_by_role("rowheader", name="PAN · PAN", exact=True).count() > 0


def test_a_changed_byte_is_found_in_the_browser(browser: Browser, exported: tuple[Path, Path], tmp_path: Path) -> None:
    record, policy = exported
    for source in record.rglob("*"):
        target = tmp_path / source.relative_to(record)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.write_bytes(source.read_bytes())
    [bundle, *_] = (tmp_path / "ballot" / "tile" / "entries").rglob("*.p/*")
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    with serving(tmp_path) as url, showing(browser, errors=True) as page:
        page.goto(f"{url}/?lang=en")
        assert page.inner_text("h1") == "Verify it yourself"
        assert verdict(page, policy) == "invalid"


def test_a_page_from_a_disk_proposes_no_address(browser: Browser, exported: tuple[Path, Path]) -> None:
    record, policy = exported
    with showing(browser, errors=True) as page:
        page.goto((record / "index.html").as_uri())
        assert page.input_value("#url") == ""
        page.set_input_files("#folder", str(record))
        assert verdict(page, policy) == "valid"


@pytest.mark.slow
def test_a_witness_shows_its_own_copy_to_verify(browser: Browser, tmp_path: Path) -> None:
    simulator = Simulator(trustees=2, threshold=2).reach("counted")
    served = Served(simulator)
    served.cosign_all()
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(simulator.policy))
    witness = witness_of(served, tmp_path / "witness")
    witness.round()
    pages = web_routes(witness.status, EventHub("ab12"), witness.evidence, lambda: OPENS)
    with (
        listening(create_app(witness, interval=3600, routers=[pages])) as url,
        showing(browser, errors=True) as page,
    ):
        page.goto(f"{url}/?lang=en")
        page.click("text=Verify it yourself")
        assert page.input_value("#url") == f"{url}/record/"
        assert page.inner_text("h1") == "Verify it yourself"
        assert verdict(page, policy) == "valid"
    witness.close()


def test_its_own_policy_lets_nothing_else_in() -> None:
    policy = verifier_page("./").policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "'sha256-" in policy


def verdict(page: Page, policy: Path) -> str:
    """What the page says of the proposed record."""
    page.set_input_files("#policy", str(policy))
    page.click("#start")
    page.wait_for_selector("#verdict:not(:empty), #problem:not(:empty)", timeout=MILLISECONDS, state="visible")
    assert page.inner_text("#problem") == ""
    return page.get_attribute("#verdict", "class") or ""

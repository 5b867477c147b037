"""The threat model is data: every mitigation names rules that exist and a test that exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from vemre.checks import Check

ROOT = Path(__file__).resolve().parents[2]
THREATS = tomllib.loads((ROOT / "docs" / "threat-model.toml").read_text(encoding="utf-8"))["threat"]


def test_every_covered_threat_has_a_test_by_its_name() -> None:
    covered = [threat for threat in THREATS if threat["status"] == "covered"]
    assert len(covered) > 10
    for threat in covered:
        assert threat["mitigation"], threat["id"]
        for mitigation in threat["mitigation"]:
            assert (ROOT / mitigation["test"]).is_file(), mitigation["test"]
            assert set(mitigation.get("checks", ())) <= set(Check), threat["id"]


def test_every_attack_test_is_in_the_model() -> None:
    known = {threat["id"] for threat in THREATS if threat["status"] == "covered"}
    for path in (ROOT / "tests" / "attacks").glob("test_a*.py"):
        found = re.match(r"test_a0?(\d+)_", path.name)
        assert found is not None
        assert f"A{found[1]}" in known, path.name


def test_what_is_planned_says_what_covers_it_meanwhile() -> None:
    for threat in THREATS:
        assert threat["status"] in ("covered", "planned", "not prevented", "accepted"), threat["id"]
        assert threat["status"] != "planned" or threat["meanwhile"]

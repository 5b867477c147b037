"""The practice election (ballot/client/practice) for tests: its maker, its file, and the record in it by all rules."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
from functools import cache
from types import ModuleType
from typing import Any, Final

from client_program import FOLDER

from vemre.election.rules import engine
from vemre.election.rules.view import Anchors, View
from vemre.group import load
from vemre.records.policy import Policy, parse_policy
from vemre.records.record import parse
from vemre.types import LOG_NAMES

FILE: Final = FOLDER / "practice" / "election.json"


def maker() -> ModuleType:
    """The script that writes the file, as a module."""
    spec = importlib.util.spec_from_file_location("practice_make", FILE.with_name("make.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def document() -> Any:
    """What stands in the file. Nobody changes it."""
    return json.loads(FILE.read_bytes())


def practice_policy() -> Policy:
    """The policy under which it is valid, and nothing else."""
    return parse_policy(document()["policy"].encode())


def view_under(policy: Policy) -> View:
    """Its record under a policy. Raises CheckFailed where a rule does not hold."""
    blobs = {hashlib.sha256(data).hexdigest(): data for data in map(base64.b64decode, document()["blobs"])}
    view = View(Anchors(policy), blobs.__getitem__, load(), os.urandom)
    for name in LOG_NAMES:
        for entry in document()["logs"][name]["entries"]:
            view.logs[name].append(parse(entry.encode()))
    engine.verify(view)
    return view

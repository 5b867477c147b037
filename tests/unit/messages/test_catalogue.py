"""The catalogue is whole: every code that the product uses stands in it, in both languages, with what it needs."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from vemre import messages
from vemre.checks import Check
from vemre.messages import catalogue

ROOT = Path(__file__).parents[3]
PACKAGES = ("vemre", "registry", "ballot", "tally", "audit")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def refusals() -> Iterator[tuple[str, str, set[str] | None]]:
    """Place, code and parameter names (None where they come from a mapping) of every Refused(...) in the tree."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
                if name == "Refused":
                    assert isinstance(node, ast.Call)
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    given = {keyword.arg for keyword in node.keywords}
                    params = None if None in given else {str(arg) for arg in given}
                    code = node.args[0]
                    assert isinstance(code, ast.Constant | ast.IfExp | ast.Name), f"{place}: write the code out"
                    branches = (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,)
                    for branch in branches:
                        if isinstance(branch, ast.Constant):
                            yield place, str(branch.value), params


def test_every_refusal_has_a_message_with_its_parameters() -> None:
    problems = []
    for place, code, params in refusals():
        try:
            message = messages.find(code)
        except KeyError:
            problems.append(f"{place}: {code} is not in the catalogue")
            continue
        if message.status is None:
            problems.append(f"{place}: {code} is a plain text, not a refusal")
        wanted = placeholders(message.es.title + message.es.detail + message.es.next)
        if params is not None and not wanted <= params:
            problems.append(f"{place}: {code} lacks {sorted(wanted - params)}")
    assert not problems, "\n".join(problems)


def test_every_check_has_a_message() -> None:
    for check in Check:
        problem = messages.problem_of_check(check)
        assert problem.status == 422
        assert problem.code == f"check-{check.lower()}"
    known = {f"check-{check.lower()}" for check in Check}
    assert {code for code in messages.codes() if code.startswith("check-")} == known


@pytest.mark.parametrize("code", messages.codes())
def test_entry_is_well_formed(code: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    message = messages.find(code)
    for part in ("title", "detail", "next"):
        es, en = getattr(message.es, part), getattr(message.en, part)
        assert placeholders(es) == placeholders(en), f"{code}: the languages have other parameters"
        assert all(re.fullmatch(r"[a-z_]+", name) for name in placeholders(es))
        assert bool(es) == bool(en)
    if message.status is not None:
        assert message.es.title[-1] != "."
        assert message.en.title[-1] != "."


def test_no_code_stands_twice() -> None:
    files = (ROOT / "vemre" / "messages").glob("*.toml")
    found = [code for file in files for code in tomllib.loads(file.read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(set(found)) == sorted(messages.codes())


@pytest.mark.parametrize(
    "table",
    [
        {"es": "x"},
        {"es": "x", "en": " "},
        {"es": "x", "en": "y", "fr": "z"},
        {"status": 200, "es": {}, "en": {}},
        {"status": True, "es": {}, "en": {}},
        {"status": 400, "es": "x", "en": "y"},
        {"status": 400, "es": {"title": "a", "detail": "b"}, "en": {"title": "a", "detail": "b", "next": "c"}},
    ],
)
def test_malformed_entries_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="some-code"):
        catalogue._message("some-code", table)


def test_generic_http_codes_are_there() -> None:
    found = {messages.find(code).status for code in messages.codes()}
    assert {400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 500, 503} <= found


def test_parameters_are_filled_in_and_never_read_as_templates() -> None:
    problem = messages.problem("not-cosigned-yet", {"log": "x", "size": 7, "missing": "{size.__class__}"})
    assert "con 7 o más" in problem.es.detail
    assert "{size.__class__}" in problem.en.detail


def test_forgotten_parameter_is_a_dash() -> None:
    assert "—" in messages.problem("not-cosigned-yet").es.detail


def test_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        messages.problem("no-such-code")
    with pytest.raises(KeyError):
        messages.problem("cli-error")


def test_text_gives_one_language() -> None:
    assert messages.text("cli-next", "es") == "Qué hacer"
    assert messages.text("cli-next", "en") == "What to do"

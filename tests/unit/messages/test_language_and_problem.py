"""The choice of language, and problem documents as they travel."""

import pytest

from vemre import messages
from vemre.messages import Problem, RemoteProblem, Unreachable


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "es"),
        ("", "es"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.3,es;q=0.4", "es"),
        ("fr,de", "es"),
        ("fr,en;q=0.5", "en"),
        ("en;q=0", "es"),
        ("en;q=nan", "es"),
        ("en;q=9", "es"),
        ("*", "es"),
        ("x" * 10_000, "es"),
    ],
)
def test_accept_language(header: str | None, language: str) -> None:
    assert messages.from_accept_language(header) == language


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "es"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "es"),
        ({"LC_ALL": "es_MX.UTF-8", "LANG": "en_US.UTF-8"}, "es"),
        ({"LC_ALL": "", "LANG": "en_US.UTF-8"}, "en"),
    ],
)
def test_locale(environment: dict[str, str], language: str) -> None:
    assert messages.from_locale(environment) == language


def test_document_leads_with_the_language_and_holds_both() -> None:
    document = messages.problem("too-large").document("en")
    assert document["title"] == document["en"]["title"] != document["es"]["title"]
    assert document["type"] == "urn:vemre:problem:too-large"
    assert document["status"] == 413


def test_document_comes_back_as_it_went() -> None:
    problem = messages.problem("too-large")
    assert Problem.parse(problem.document("es")) == problem


@pytest.mark.parametrize("document", [None, [], "x", {}, {"code": "x", "status": True}, {"code": 1, "status": 400}])
def test_what_is_no_problem_document_is_none(document: object) -> None:
    assert Problem.parse(document) is None


def test_document_without_words_is_none() -> None:
    document = messages.problem("too-large").document("es")
    document["en"] = {"title": "x"}
    assert Problem.parse(document) is None


def test_long_texts_of_a_server_are_cut() -> None:
    document = messages.problem("too-large").document("es")
    document["es"] = {"title": "x" * 10_000, "detail": "", "next": ""}
    parsed = Problem.parse(document)
    assert parsed is not None
    assert len(parsed.es.title) == 2_000


def test_errors_say_what_they_are() -> None:
    error = RemoteProblem(messages.problem("too-large"))
    assert (error.code, error.status) == ("too-large", 413)
    assert "413" in str(error)
    assert str(Unreachable("http://x", "timeout")) == "http://x: timeout"

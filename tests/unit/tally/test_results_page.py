"""The public page of results: what it says before, between and after, and that everybody can read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import DESKTOP, PHONE, axe, overflow, showing
from served import listening
from served_tally import TallyUnderTest
from simulator import Simulator, offer

from tally.service import results_page
from tally.service.office import Results
from vemre.election import drafts, published
from vemre.records import setup_bodies as s
from vemre.records.fields import Bilingual

Start = Callable[[Simulator], TallyUnderTest]
HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def get(tally: TallyUnderTest, language: str = "es", query: str = "") -> str:
    answer = tally.client.get(f"/results{query}", headers={**HTML, "Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return str(answer.text)


def opine(tally: TallyUnderTest, role: str, *, favourable: bool) -> None:
    sim = tally.sim
    checkpoints = {name: sim.checkpoint(name) for name in ("registry", "ballot", "tally")}
    draft = drafts.opinion(
        sim.view,
        favourable=favourable,
        checkpoints=checkpoints,
        report=f"{role} {favourable}".encode(),
        tool=("v", "0"),
    )
    tally.must(role, draft)
    tally.pull()


def test_the_page_is_preliminary_until_the_certification_stands(start: Start) -> None:
    tally = start(Simulator(trustees=2, threshold=2).reach("counted"))
    page = get(tally)
    assert "<strong>PRELIMINAR</strong>" in page
    assert page.count("Aún no lo da") == 2
    opine(tally, "auditor/1", favourable=True)
    opine(tally, "auditor/2", favourable=False)
    page = get(tally)
    assert "<strong>PRELIMINAR</strong>" in page
    assert "Desfavorable</td>" in page
    opine(tally, "auditor/2", favourable=True)
    # Two favourable opinions are not yet a certification.
    assert "<strong>PRELIMINAR</strong>" in get(tally)
    tally.must("authority", drafts.certification(tally.sim.view, gate=tally.sim.checkpoint("tally")))
    page = get(tally)
    assert "<strong>CERTIFICADO</strong>" in page
    assert "PRELIMINAR" not in page
    assert page.count("Favorable</td>") == 2
    answer = tally.client.get("/results").json()
    assert answer["status"] == "certified"
    assert [given["verdict"] for given in answer["opinions"]] == ["favourable"] * 2


def test_before_the_result_nothing_is_shown(start: Start) -> None:
    tally = start(Simulator(trustees=2, threshold=2).reach("cast"))
    page = get(tally)
    assert "SIN RESULTADO" in page
    assert "<caption>Presidencia" not in page


def test_an_empty_log_has_a_page_too(start: Start) -> None:
    sim = Simulator(trustees=2, threshold=2)
    sim.view.tally.pop()
    tally = start(sim)
    assert "SIN RESULTADO" in get(tally)
    assert tally.client.get("/results").json() == {"status": "none", "opinions": [], "batches": []}


def test_languages_and_kinds_are_negotiated(start: Start) -> None:
    tally = start(Simulator(trustees=2, threshold=2).reach("counted"))
    assert '<html lang="es-MX">' in get(tally, "fr")
    english = get(tally, "en-US,en;q=0.9,es;q=0.2")
    assert '<html lang="en">' in english
    assert "<strong>PRELIMINARY</strong>" in english
    assert "<strong>PRELIMINAR</strong>" in get(tally, "en", "?lang=es")
    assert tally.client.get("/results?lang=fr", headers=HTML).status_code == 422
    for accept in ("*/*", "application/json", "application/json, text/html", "text/html;q=0"):
        answer = tally.client.get("/results", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["vary"] == "Accept"


def test_the_page_admits_nothing_but_its_own_style(start: Start) -> None:
    tally = start(Simulator(trustees=2, threshold=2).reach("counted"))
    answer = tally.client.get("/results", headers=HTML)
    policy = answer.headers["content-security-policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'; "
        r"frame-ancestors 'none'",
        policy,
    )
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["vary"] == "Accept, Accept-Language"


def large(hostile: str = "") -> Results:
    """32 urns with a long list each."""
    many = [f"Partido de la Transformación Institucional {number} {hostile}" for number in range(12)]
    contest = s.Contest(
        id="presidencia",
        title=Bilingual(f"Presidencia de los Estados Unidos Mexicanos {hostile}", "Presidency"),
        legend="",
        options=[s.Option(f"o{k}", name, f"P{k}") for k, name in enumerate(many)],
        coalitions=[s.Coalition("c", f"María Guadalupe Hernández {hostile}", ["o0", "o1"])],
        write_in_bytes=40,
        blocks=2,
    )
    urns = [s.Urn(f"urna-{k:02}", f"Entidad {k} {hostile}", ["presidencia"]) for k in range(1, 33)]
    batch: dict[str, Any] = {
        "contest": "presidencia",
        "rows": 122_497,
        "options": [{"option": f"o{k}", "votes": 10_000 + k} for k in range(12)],
        "combinations": [{"coalition": "c", "members": ["o0", "o1"], "votes": 77}],
        "write_ins": {"votes": 1, "texts": [f"Ñ {'x' * 30} {hostile}"]},
        "nulls": 3,
        "irregular": [5],
        "distributed": [{"option": f"o{k}", "votes": 10_000 + k} for k in range(12)],
        "candidates": [{"id": "c", "votes": 9}, *({"id": f"o{k}", "votes": 1} for k in range(2, 12))],
    }
    return Results(
        "preliminary",
        Bilingual(f"Elección {hostile}", "Election"),
        s.Offer(urns, [contest]),
        [{**batch, "urn": urn.id} for urn in urns],
        [(s.Auditor("auditor/1", f"Universidad {hostile}", "", []), "unfavourable")],
        99,
    )


def test_whatever_an_election_says_is_text() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=y>\"'&{{ 777*777 }}"
    page = results_page.page(large(hostile), "es")
    assert "<script" not in page
    assert "<img" not in page
    assert "{{ 777*777 }}" in page
    assert str(777 * 777) not in page


def test_every_table_has_a_caption_and_scopes() -> None:
    page = results_page.page(large(), "es")
    tables = re.findall(r"<table>.*?</table>", page, re.S)
    assert len(tables) == 33
    for table in tables:
        assert "<caption>" in table
        assert "<th>" not in table
        assert table.count('scope="col"') in (2, 3)
    assert page.count("PRELIMINAR") == 34


def test_status_trusts_no_certification_that_breaks_its_rule() -> None:
    sim = Simulator(trustees=2, threshold=2).reach("counted")
    checkpoints = {name: sim.checkpoint(name) for name in ("registry", "ballot", "tally")}
    for role, favourable in (("auditor/1", True), ("auditor/2", False)):
        sim.append("tally", role, drafts.opinion(sim.view, favourable=favourable, checkpoints=checkpoints,
                                                 report=role.encode(), tool=("v", "0")))  # fmt: skip
    from vemre.records import vote_bodies as v

    leaves = [sim.view.tally.records[index].leaf_hash.hex() for index in sim.view.tally.indices("opinion")]
    result = sim.view.tally.records[sim.view.tally.first("result") or 0].leaf_hash.hex()
    context = (sim.view.context or b"").hex()
    body = v.Certification(context, result, leaves, sim.checkpoint("tally"))
    sim.append("tally", "authority", drafts.Draft(body), check=False)
    assert published.status(sim.view) == "preliminary"
    assert published.opinions(sim.view) == {"auditor/1": "favourable", "auditor/2": "unfavourable"}


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a small result, and of one with 32 urns."""
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI()

    @app.get("/large")
    async def the_large_one() -> HTMLResponse:
        return HTMLResponse(results_page.page(large(), "es"), headers=results_page.HEADERS)

    sim = Simulator(trustees=2, threshold=2, the_offer=offer()).reach("counted")
    with (
        TallyUnderTest(sim, tmp_path_factory.mktemp("page")).running() as tally,
        listening(app) as pages,
        listening(tally.station.app) as url,
    ):
        yield {"small": f"{url}/results", "english": f"{url}/results?lang=en", "large": f"{pages}/large"}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("which", ["small", "english", "large"])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Any, urls: dict[str, str], which: str, size: tuple[int, int]
) -> None:
    with showing(browser, size) as page:
        page.goto(urls[which])
        assert axe(page) == []
        assert overflow(page) == 0
        # The status is the largest text on the page.
        sizes = page.evaluate(
            "['.status strong', 'h1'].map(s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize))"
        )
        assert sizes[0] > sizes[1]

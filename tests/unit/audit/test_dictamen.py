"""The printed opinion: the same bytes from the same report, archival, whole, and whatever it says is text."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest
from click.testing import CliRunner
from opinion_cases import encoded, report_of
from simulator import offer

from audit.opinion import dictamen, report
from vemre.checks import Check
from vemre.cli.main import root
from vemre.errors import Refused
from vemre.records.fields import Bilingual
from vemre.records.setup_bodies import Coalition, Contest, Offer, Option, Urn


def big_offer(note: str = "") -> Offer:
    options = [Option(f"o{k}", f"Partido número {k} {note}", f"P{k}") for k in range(10)]
    contest = Contest(
        id="presidencia",
        title=Bilingual("Presidencia de los Estados Unidos Mexicanos", "Presidency"),
        legend="",
        options=options,
        coalitions=[Coalition("c", f"María Ibáñez Núñez {note}", ["o0", "o1"])],
        write_in_bytes=40,
        blocks=2,
    )
    return Offer([Urn(f"urna-{k:02}", f"Entidad {k} {note}", ["presidencia"]) for k in range(1, 33)], [contest])


def batches(the_offer: Offer, texts: tuple[str, ...] = ("Benito Juárez",)) -> list[dict[str, Any]]:
    votes = [{"option": f"o{k}", "votes": 1_000 * k} for k in range(10)]
    return [
        {
            "urn": urn.id,
            "contest": "presidencia",
            "rows": 122_497,
            "options": votes,
            "combinations": [{"coalition": "c", "members": ["o0", "o1"], "votes": 7}],
            "write_ins": {"votes": len(texts), "texts": list(texts)},
            "nulls": 3,
            "irregular": [1],
            "distributed": votes,
            "candidates": [{"id": "c", "votes": 1_007}, *({"id": f"o{k}", "votes": 1_000 * k} for k in range(2, 10))],
        }
        for urn in the_offer.urns
    ]


GOOD = encoded(report_of(big_offer(), batches(big_offer())))
BAD = encoded(report_of(big_offer(), [], failed="SHUFFLE"))


def pages(data: bytes, language: Any = "es") -> list[str]:
    document = pypdf.PdfReader(io.BytesIO(dictamen.pdf(data, language)))
    return [" ".join(page.extract_text().replace("\u200b", "").split()) for page in document.pages]


@pytest.mark.parametrize("data", [GOOD, BAD], ids=["favourable", "unfavourable"])
def test_the_same_report_gives_the_same_bytes_anywhere(data: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / "report.json", tmp_path / "dictamen.pdf"
    source.write_bytes(data)
    code = f"from audit.opinion import dictamen; open({str(target)!r}, 'wb').write(dictamen.pdf(open({str(source)!r}, 'rb').read()))"  # noqa: E501
    environment = {"TZ": "Asia/Tokyo", "LANG": "en_US.UTF-8", "SOURCE_DATE_EPOCH": "1", "HOME": str(tmp_path)}
    path = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**environment, **path})
    assert target.read_bytes() == dictamen.pdf(data)


def test_another_report_gives_another_document() -> None:
    assert dictamen.pdf(GOOD) != dictamen.pdf(GOOD.replace(b'"rows":122497', b'"rows":122498', 1))


def test_it_is_archival_with_its_fonts_and_the_date_of_the_report() -> None:
    data = dictamen.pdf(GOOD)
    assert b"<pdfaid:part>2</pdfaid:part>" in data
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in data
    document = pypdf.PdfReader(io.BytesIO(data))
    assert document.metadata is not None
    assert document.metadata["/CreationDate"].startswith("D:20290604030405")
    assert document.metadata.title is not None
    assert "Elección de prueba" in document.metadata.title
    catalog: Any = document.trailer["/Root"]
    assert catalog["/Lang"] == "es"
    assert catalog["/MarkInfo"]["/Marked"]
    fonts = {
        font.get_object()["/BaseFont"]: font.get_object()
        for page in document.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert fonts
    for font in fonts.values():
        descendant = font["/DescendantFonts"][0].get_object()
        descriptor = descendant["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_it_says_who_what_and_on_what_grounds() -> None:
    found = pages(GOOD)
    text = " ".join(found)
    for words in (
        "Dictamen de auditoría",
        "FAVORABLE",
        "Universidad de Prueba (auditor/1)",
        "vemre.example/e/registry",
        "ab" * 32,
        "tool 1.0",
        "4 de junio de 2029, 03:04:05",
        "Entidad 32 · Presidencia de los Estados Unidos Mexicanos",
        "«Benito Juárez»",
        "Suma de María Ibáñez Núñez",
        "122,497",
        "PRELIMINAR",
        "Firma autógrafa",
        "Décimo Tercero Transitorio",
        dictamen.hashlib.sha256(GOOD).hexdigest(),
    ):
        assert words in text, words
    for check in Check:
        assert check.value in text
    assert len(found) > 15
    for number, page in enumerate(found, 1):
        assert f"Página {number} de {len(found)}" in page
    assert "DESFAVORABLE" not in text


def test_an_unfavourable_one_says_why() -> None:
    text = " ".join(pages(BAD))
    assert "DESFAVORABLE" in text
    assert "NO SE CUMPLE" in text
    assert "mixer/1" in text
    assert "Dos filas de la mezcla son iguales." in text
    assert "No se consignan resultados" in text


def test_one_without_a_verdict_of_the_verifier() -> None:
    value = report_of(big_offer(), [], failed="SHUFFLE") | {"verification": None}
    text = " ".join(pages(encoded(value)))
    assert "no llegó a una conclusión" in text


def test_english_is_the_other_language() -> None:
    text = " ".join(pages(GOOD, "en"))
    assert "Auditor's opinion" in text.replace("’", "'")
    assert "4 June 2029" in text


LETTERS = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x250), 0x2BC, 0xA78B, 0xA78C]))


def test_every_letter_of_a_write_in_can_be_set() -> None:
    value = report_of(big_offer(), batches(big_offer(), (LETTERS,)), name=LETTERS)
    text = "".join(pages(encoded(value))).replace(" ", "")
    for letter in "ñÑáéíóúüÜçøžǅ":
        assert letter in text
    assert "?Ȁ" not in text


@pytest.mark.parametrize(
    "note",
    [
        '#set page(width: 1pt) $x^2$ *b* _i_ `c` \\ "quoted" <label> @ref // x /* y',
        "\u202e\u0007\u0000 \U0001f600 漢字 \ufffd",
        "W" * 300,
    ],
    ids=["markup", "what no font has", "no space"],
)
def test_whatever_a_report_says_is_text(note: str) -> None:
    value = report_of(big_offer(note[:80]), batches(big_offer(), (note,)), name=note)
    value["reasons"] = [note]
    found = pages(encoded(value))
    assert 15 < len(found) < 500
    if note.startswith("#"):
        assert "#set page(width: 1pt) $x^2$ *b* _i_ `c`" in " ".join(found)


def test_a_report_of_a_simulated_offer() -> None:
    assert pages(encoded(report_of(offer(), [])))


# --- reading reports --------------------------------------------------------------------------------------------------


def changed(**changes: Any) -> bytes:
    return encoded({**json.loads(GOOD), **changes})


def verification(**changes: Any) -> bytes:
    return changed(verification={**json.loads(GOOD)["verification"], **changes})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"no",
        b" " + GOOD,
        GOOD + b"\n",
        changed(format="vemre-opinion-report-2"),
        changed(time="yesterday"),
        changed(time="2029-06-04"),
        changed(extra=1),
        changed(release="EF" * 32),
        changed(verdict="maybe"),
        changed(reasons=[1]),
        verification(verdict="invalid"),
        verification(first_failure="SHUFFLE"),
        verification(stage="elsewhere"),
        verification(certified=1),
        verification(checks=[]),
        verification(result=[{**batches(big_offer())[0], "contest": "nada"}]),
        verification(result=[{**batches(big_offer())[0], "urn": "nada"}]),
        verification(result=[{**batches(big_offer())[0], "distributed": []}]),
        verification(result=[{**batches(big_offer())[0], "options": [{"option": "x", "votes": 1}]}]),
        verification(
            result=[{**batches(big_offer())[0], "combinations": [{"coalition": "c", "members": ["x"], "votes": 1}]}]
        ),
        verification(result=[{**batches(big_offer())[0], "rows": -1}]),
    ],
)
def test_what_is_no_report_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="report-unusable"):
        report.read(data)
    source = tmp_path / "report.json"
    source.write_bytes(data)
    result = CliRunner().invoke(root, ["audit", "report", str(source), "--pdf", str(tmp_path / "x.pdf")])
    assert result.exit_code == 2
    assert not (tmp_path / "x.pdf").exists()


def test_the_command_makes_the_document_again(tmp_path: Path) -> None:
    source, target = tmp_path / "report.json", tmp_path / "dictamen.pdf"
    source.write_bytes(GOOD)
    for _ in range(2):
        result = CliRunner().invoke(root, ["audit", "report", str(source), "--pdf", str(target), "--json"])
        assert result.exit_code == 0
        answer = json.loads(result.stdout)
        assert answer["sha256"] == dictamen.hashlib.sha256(target.read_bytes()).hexdigest()
        assert answer["report"] == dictamen.hashlib.sha256(GOOD).hexdigest()
    assert target.read_bytes() == dictamen.pdf(GOOD)

"""Roll files: taken whole, or every refused line told without a word of what stands in it."""

import re
from pathlib import Path

import pytest
from served import ROLL_HEADER, roll_file, roll_line

from registry import core, fields
from registry.core import Known, LineRefusal, RollRefused, read_roll
from vemre import messages

URNS = ["urna-09", "urna-17"]


def refusals(data: bytes, known: Known | None = None) -> list[LineRefusal]:
    with pytest.raises(RollRefused) as caught:
        read_roll(data, known or Known(), URNS)
    return caught.value.refusals


def known_with(*lines: str) -> Known:
    known = Known()
    for voter in read_roll(roll_file(*lines), known, URNS).new:
        known.add(voter)
    return known


def test_good_roll() -> None:
    found = read_roll(roll_file(roll_line(1), roll_line(2, "17", "post"), roll_line(3, "urna-17")), Known(), URNS)
    assert [(voter.folio, voter.entity, voter.modality) for voter in found.new] == [
        ("F-0001", "09", "internet"),
        ("F-0002", "17", "post"),
        ("F-0003", "urna-17", "internet"),
    ]
    assert "Persona" not in repr(found)


def test_line_endings_and_quotes() -> None:
    data = roll_file(roll_line(1, names='"De la O, María"'.replace(",", ""))).replace(b"\n", b"\r\n")
    assert read_roll(data, Known(), URNS).new[0].names == "De la O María"
    assert read_roll(roll_file(roll_line(1)).rstrip(b"\n"), Known(), URNS).new


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"folio": ""}, "folio", "folio-form"),
        ({"folio": "f1"}, "folio", "folio-form"),
        ({"folio": "F" * 33}, "folio", "folio-form"),
        ({"clave_de_elector": "XXXXXX800229" + "09M12"}, "clave_de_elector", "clave-form"),
        ({"clave_de_elector": "XXXXXX81022909M123"}, "clave_de_elector", "clave-date"),
        ({"clave_de_elector": "XXXXXX80022999M123"}, "clave_de_elector", "clave-entity"),
        ({"clave_de_elector": "xxxxxx80022909M123"}, "clave_de_elector", "clave-form"),
        ({"clave_de_elector": "XXXXXX8002290٩M123"}, "clave_de_elector", "clave-form"),
        ({"names": ""}, "names", "names-length"),
        ({"names": "x" * 161}, "names", "names-length"),
        ({"names": " Ana"}, "names", "names-spaces"),
        ({"names": "Ana  María"}, "names", "names-spaces"),
        ({"names": "=SUM(A1)"}, "names", "names-characters"),
        ({"names": "Ana <b>"}, "names", "names-characters"),
        ({"names": "..."}, "names", "names-characters"),
        ({"country": "us"}, "country", "country-unknown"),
        ({"country": "XX"}, "country", "country-unknown"),
        ({"country": "MX"}, "country", "country-home"),
        ({"entity": "33"}, "entity", "entity-form"),
        ({"entity": "9"}, "entity", "entity-form"),
        ({"entity": "01"}, "entity", "entity-unknown"),
        ({"entity": "urna-99"}, "entity", "entity-unknown"),
        ({"district": "0"}, "district", "district-form"),
        ({"district": "301"}, "district", "district-form"),
        ({"district": "٧"}, "district", "district-form"),
        ({"email": "a@b"}, "email", "email-form"),
        ({"email": "a b@example.org"}, "email", "email-form"),
        ({"email": "x" * 65 + "@example.org"}, "email", "email-form"),
        ({"email": "x@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 63 + "." + "v" * 63 + ".org"}, "email", "email-form"),
        ({"phone": "3125550001"}, "phone", "phone-form"),
        ({"phone": "+0125550001"}, "phone", "phone-form"),
        ({"phone": "+1312555000112345"}, "phone", "phone-form"),
        ({"modality": "Internet"}, "modality", "modality-unknown"),
        ({"modality": "fax"}, "modality", "modality-unknown"),
    ],
)
def test_column_that_is_wrong(changes: dict[str, str], column: str, code: str) -> None:
    assert refusals(roll_file(roll_line(1), roll_line(2, **changes))) == [LineRefusal(3, column, code)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "columns"),
        (b"a,b", "columns"),
        (roll_line(2).encode() + b",", "columns"),
        (roll_line(2, names='"Ana').encode(), "not-csv"),
        (roll_line(2, names='"Ana"x').encode(), "not-csv"),
        (roll_line(2).encode() + b"\xff", "not-utf8"),
        (roll_line(2, names="Andre\u0301s").encode(), "not-nfc"),
        (roll_line(2, names="Ana\u202eanA").encode(), "control-character"),
        (roll_line(2, names="Ana\x00").encode(), "control-character"),
        (roll_line(2, names="A\rB").encode(), "control-character"),
        (roll_line(2, names="x" * 3000).encode(), "line-too-long"),
    ],
)
def test_line_that_is_wrong(line: bytes, code: str) -> None:
    data = roll_file(roll_line(1)) + line + b"\n" + roll_line(3).encode() + b"\n"
    assert refusals(data) == [LineRefusal(3, "", code)]


def test_every_refused_line_is_told() -> None:
    data = roll_file(
        roll_line(1, country="XX", phone="1"), roll_line(2), "x", roll_line(4, modality="x"), roll_line(2, "17")
    )
    assert refusals(data) == [
        LineRefusal(2, "country", "country-unknown"),
        LineRefusal(2, "phone", "phone-form"),
        LineRefusal(4, "", "columns"),
        LineRefusal(5, "modality", "modality-unknown"),
        *(LineRefusal(6, column, "repeated") for column in ("folio", "clave_de_elector", "email", "phone")),
    ]


@pytest.mark.parametrize("column", ["folio", "clave_de_elector", "email", "phone"])
def test_repeated_in_the_file(column: str) -> None:
    first = dict(zip(core.COLUMNS, roll_line(1).split(","), strict=True))
    value = first[column].upper().replace("EXAMPLE", "example") if column == "email" else first[column]
    found = refusals(roll_file(roll_line(1), roll_line(2, **{column: value})))
    assert found == [LineRefusal(3, column, "repeated")]


@pytest.mark.parametrize("column", ["folio", "clave_de_elector", "email", "phone"])
def test_taken_by_a_registered_voter(column: str) -> None:
    first = dict(zip(core.COLUMNS, roll_line(1).split(","), strict=True))
    found = refusals(roll_file(roll_line(2, **{column: first[column]})), known_with(roll_line(1)))
    assert found == [LineRefusal(2, column, "registered")]


def test_same_file_again_is_no_error() -> None:
    known = known_with(roll_line(1), roll_line(2))
    found = read_roll(roll_file(roll_line(1), roll_line(3), roll_line(2)), known, URNS)
    assert ([voter.folio for voter in found.new], found.unchanged) == (["F-0003"], 2)
    assert {r.code for r in refusals(roll_file(roll_line(1), roll_line(1)), known)} == {"repeated"}
    assert {r.code for r in refusals(roll_file(roll_line(1, country="CA")), known)} == {"registered"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xef\xbb\xbf" + roll_file(),
        roll_file().replace(b"folio", b"Folio"),
        roll_file().replace(b",", b";"),
        roll_file().replace(b"folio,", b""),
        ROLL_HEADER.encode() + b" \n",
    ],
)
def test_header_is_exact(data: bytes) -> None:
    assert refusals(data) == [LineRefusal(1, "", "header")]


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RollRefused) as caught:
        read_roll(roll_file(roll_line(1)), Known(), URNS, limit=100)
    assert caught.value.refusals == [LineRefusal(0, "", "file-too-large")]
    monkeypatch.setattr(core, "MAX_LINES", 2)
    assert refusals(roll_file(roll_line(1), roll_line(2))) == [LineRefusal(0, "", "too-many-lines")]


def test_without_an_offer_the_entity_has_its_form_alone() -> None:
    assert read_roll(roll_file(roll_line(1, "01"), roll_line(2, "urna-99")), Known(), None).new


def test_every_refusal_has_its_text() -> None:
    source = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (core, fields))
    codes = set(re.findall(r'"((?:[a-z0-9]+-)+[a-z0-9]+|header|columns|repeated|registered)"', source))
    codes -= {"in-person", "utf-8"}
    assert len(codes) > 25
    for code in codes:
        assert messages.is_plain(f"roll-{code}")

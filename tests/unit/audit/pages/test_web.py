"""What a witness answers to anybody: languages, policies, escapes, evidence and nothing beside it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from conftest import EVENTS, HOSTILE, NAME, NOW, Witnessed, finding, log

from audit.page import VerifierPage, verifier_page
from vemre.errors import Refused

Get = Callable[..., httpx2.Response]


def test_the_status_page_is_spanish_unless_english_is_wished(get: Get) -> None:
    spanish, english = get("/"), get("/", accept_language="en-US,en;q=0.9")
    assert '<html lang="es">' in spanish.text
    assert "Sin hallazgos" in spanish.text
    assert '<html lang="en">' in english.text
    assert "No findings" in english.text
    assert spanish.headers["vary"] == "Accept-Language"
    wished = get("/?lang=en", accept_language="es-MX")
    assert '<html lang="en">' in wished.text
    assert 'href="evidence/?lang=en"' in wished.text
    assert '<html lang="es">' in get("/?lang=xx").text


def test_nothing_may_run_or_frame_the_page(get: Get) -> None:
    for path in ("/", "/evidence/"):
        policy = dict(part.strip().split(" ", 1) for part in get(path).headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert get(path).headers["x-frame-options"] == "DENY"
        assert "style=" not in get(path).text
        assert "<script>" not in get(path).text
        assert " on" + "click" not in get(path).text


def test_the_page_says_what_matters(witnessed: Witnessed, get: Get) -> None:
    for event in EVENTS:
        witnessed.hub(event)
    witnessed.logs = (log("registry", 412), log("ballot", 120_345, lag=12), log("tally", 17))
    text = get("/").text
    assert "Se está revisando lo más nuevo" in text
    assert "Faltan por cofirmar: 12" in text
    assert "hace 1 min" in text
    assert "Registro: cofirmados 412 asientos" in text
    assert "Interrupción de 4 minutos" in text
    witnessed.waiting = "el escrutinio no contesta"
    assert "en espera: el escrutinio no contesta" in get("/").text
    witnessed.keep(finding())
    text = get("/").text
    assert "HALLAZGOS: 1." in text
    assert 'href="evidence/0001-checkpoint/"' in text
    assert "las firmas solas lo prueban ante cualquiera" in text


def test_what_others_wrote_is_text(witnessed: Witnessed, get: Get) -> None:
    witnessed.findings = (finding(check=HOSTILE, where=HOSTILE, party=HOSTILE, detail=HOSTILE, evidence=HOSTILE),)
    witnessed.waiting = HOSTILE
    witnessed.hub(EVENTS[2].__class__("ballot", 3, HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    text = get("/").text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_the_status_as_json(witnessed: Witnessed, get: Get) -> None:
    witnessed.logs = (log("ballot", 10, lag=3),)
    witnessed.keep(finding())
    answer = get("/status")
    assert answer.headers["access-control-allow-origin"] == "*"
    value = answer.json()
    assert value["name"] == NAME
    assert value["logs"][0]["lag"] == 3
    assert value["findings"][0]["evidence"] == "0001-checkpoint"
    assert value["time"] == NOW


def test_evidence_is_listed_and_given(witnessed: Witnessed, get: Get) -> None:
    assert "No hay evidencias" in get("/evidence/").text
    for number in (1, 2, 10):
        witnessed.keep(finding(number))
    text = get("/evidence/").text
    assert text.index("0010-checkpoint/") < text.index("0002-checkpoint/") < text.index("0001-checkpoint/")
    inside = get("/evidence/0002-checkpoint/").text
    assert 'href="evidence.json"' in inside
    assert 'href="record/tally/tile/entries/000"' in inside
    found = get("/evidence/0002-checkpoint/evidence.json")
    assert json.loads(found.content) == {"format": "vemre-evidence-1"}
    assert found.headers["content-type"] == "application/json"
    assert get("/evidence/0002-checkpoint/record/tally/tile/entries/000").content == b"\0\1x"


@pytest.mark.parametrize(
    "path",
    [
        "0001-checkpoint",
        "0001-checkpoint/",
        "0002-none/",
        "0002-none/evidence.json",
        "..%2fsecret/",
        "%2e%2e/secret",
        "0001-checkpoint/..%2f..%2fsecret",
        "0001-checkpoint/%2e%2e/%2e%2e/secret",
        "0001-checkpoint/record/..%2f..%2f..%2fsecret",
        "0001-checkpoint/record//etc/passwd",
        "0001-checkpoint/secret",
        "0001-checkpoint/record/.hidden",
        "0001-checkpoint/record/linked",
        "0001-checkpoint/record/elsewhere/secret",
        "0001-checkpoint/record/pipe",
        "0001-checkpoint/record",
        "0001-checkpoint/record/nul%00",
        "0001-checkpoint/record/" + "a" * 300,
        "0001-checkpoint/" + "record/" * 300,
        "0003-linked/evidence.json",
    ],
)
def test_nothing_else_is_given(path: str, witnessed: Witnessed, get: Get) -> None:
    secret = witnessed.evidence.parent / "secret"
    secret.write_text("secret-text")
    folder = witnessed.evidence / "0001-checkpoint"
    (folder / "record").mkdir(parents=True)
    (folder / "secret").write_text("secret-text")
    (folder / "record" / ".hidden").write_text("secret-text")
    (folder / "record" / "linked").symlink_to(secret)
    (folder / "record" / "elsewhere").symlink_to(witnessed.evidence.parent)
    os.mkfifo(folder / "record" / "pipe")
    other = witnessed.evidence.parent / "other"
    other.mkdir()
    (other / "evidence.json").write_text("secret-text")
    (witnessed.evidence / "0003-linked").symlink_to(other)
    answer = get(f"/evidence/{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"
    assert "secret-text" not in answer.text


def test_links_are_not_listed_either(witnessed: Witnessed, get: Get) -> None:
    witnessed.keep(finding())
    (witnessed.evidence / "0001-checkpoint" / "record" / "linked").symlink_to("/etc/passwd")
    (witnessed.evidence / "0002-linked").symlink_to(witnessed.evidence / "0001-checkpoint")
    assert "linked" not in get("/evidence/0001-checkpoint/").text
    assert "linked" not in get("/evidence/").text


def test_the_assets_and_no_other_file(get: Get) -> None:
    assert get("/assets/style.css").headers["content-type"].startswith("text/css")
    assert get("/assets/live.js").headers["content-type"].startswith("text/javascript")
    assert get("/assets/status.html").status_code == 404
    assert get("/assets/..%2fweb.py").status_code == 404


def test_without_a_built_page_the_address_says_how_to_build_it(
    get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("audit.page._built", lambda: tmp_path / "index.html")
    answer = get("/verify/")
    assert answer.status_code == 503
    assert "make verifier-ts" in answer.text
    assert "Node" in get("/verify/?lang=en").text
    with pytest.raises(Refused, match="verifier-page-missing"):
        verifier_page("./")


def test_the_built_page_gets_its_record_and_its_own_policy(
    get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = tmp_path / "index.html"
    policy = "default-src 'none'; script-src 'sha256-abc='"
    built.write_text(
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<meta name="vemre-record" content="">'
    )
    monkeypatch.setattr("audit.page._built", lambda: built)
    assert verifier_page("./") == VerifierPage(
        built.read_bytes().replace(b'record" content=""', b'record" content="./"'), policy
    )
    answer = get("/verify/")
    assert '<meta name="vemre-record" content="../record/">' in answer.text
    assert answer.headers["content-security-policy"] == f"{policy}; frame-ancestors 'none'"
    assert get("/verify").headers["location"] == "verify/"


def test_a_folder_without_evidence_of_any_kind(get: Get, witnessed: Witnessed) -> None:
    (witnessed.evidence / "note.txt").write_text("x")
    (witnessed.evidence / "0001-checkpoint").mkdir()
    assert "No hay evidencias" in get("/evidence/").text

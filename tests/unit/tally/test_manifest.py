"""Offer and manifest before any key exists: lint, preview, assemble, sign."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from served_tally import write_key
from simulator import Simulator
from simulator import offer as simulated_offer

from tally import manifest_lint
from tally.assemble import (
    AuditorKeys,
    AuthorityKeys,
    Keys,
    MixerKeys,
    ServiceKeys,
    Terms,
    TrusteeKeys,
    assemble,
    type_of,
)
from tally.authority import sign_manifest
from tally.offer_files import read_offer, read_offer_or_manifest
from tally.preview import preview
from vemre.cli.main import root
from vemre.election import drafts
from vemre.election.rules import engine
from vemre.errors import CheckFailed, Refused
from vemre.records import bundle
from vemre.records.fields import Bilingual
from vemre.records.policy import parse_policy
from vemre.records.record import plain
from vemre.records.setup_bodies import Manifest, Offer, Timeline

SCRIPT = "<script>alert(1)</script>"
ROOT = Path(__file__).parents[3]


def changed(change: Callable[[dict[str, Any]], object]) -> Offer:
    """The simulated offer with something else in it."""
    value = plain(simulated_offer())
    change(value)
    return msgspec.convert(value, Offer)


def codes(findings: list[manifest_lint.Finding], level: str | None = None) -> set[str]:
    return {finding.code for finding in findings if level in (None, finding.level)}


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """The command's exit code and standard output."""
    with pytest.raises(SystemExit) as caught:
        root.main(["--lang", "en", *map(str, words)], prog_name="vemre")
    code = caught.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().out


# --- lint -----------------------------------------------------------------------------------------------------


def test_the_example_offer_has_no_errors() -> None:
    offer = read_offer(ROOT / "examples" / "pef-2024" / "offer.json")
    assert codes(manifest_lint.lint_offer(offer), "error") == set()


def first(value: dict[str, Any]) -> dict[str, Any]:
    contest: dict[str, Any] = value["contests"][0]
    return contest


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: first(o)["options"].append(first(o)["options"][0]), "MANIFEST-IDS"),
        (lambda o: first(o)["coalitions"][0]["members"].append("nobody"), "MANIFEST-IDS"),
        (lambda o: o["urns"][0]["contests"].append("nothing"), "MANIFEST-IDS"),
        (lambda o: first(o).update(id="Presidencia"), "MANIFEST-IDS"),
        (lambda o: first(o).update(blocks=1), "MANIFEST-BLOCKS"),
        (lambda o: first(o).update(write_in_bytes=90), "MANIFEST-BLOCKS"),
    ],
)
def test_rules_that_do_not_hold_are_errors(change: Any, code: str) -> None:
    assert code in codes(manifest_lint.lint_offer(changed(change)), "error")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda o: first(o)["title"].update(en=first(o)["title"]["es"]), "lint-not-translated"),
        (lambda o: first(o)["title"].update(en=""), "lint-empty"),
        (lambda o: first(o).update(legend=" "), "lint-empty"),
        (lambda o: first(o)["options"][0].update(name="PAN "), "lint-spaces"),
        (lambda o: first(o)["options"][0].update(name="Jose\u0301"), "lint-not-composed"),
        (lambda o: first(o)["options"][0].update(name="PA\u202eN"), "lint-invisible"),
        (lambda o: first(o)["options"][1].update(name="pan", party="Pan"), "lint-same-name"),
        (lambda o: first(o)["options"][2].update(name="PAN"), "lint-same-candidate"),
        (lambda o: o["urns"].clear(), "lint-no-urns"),
        (lambda o: o["urns"][0]["contests"].clear(), "lint-urn-empty"),
        (lambda o: o["urns"][0]["contests"].pop(), "lint-contest-unused"),
        (lambda o: o["urns"][1].update(name=o["urns"][0]["name"].upper()), "lint-same-name"),
        (lambda o: o["contests"][1]["title"].update(es=first(o)["title"]["es"]), "lint-same-name"),
        (lambda o: o["contests"][1]["options"].pop(), "lint-few-options"),
        (lambda o: None, "lint-no-write-in"),
    ],
)
def test_probable_slips_are_warnings(change: Any, code: str) -> None:
    assert code in codes(manifest_lint.lint_offer(changed(change)), "warning")


def test_one_candidate_of_one_coalition_is_no_slip() -> None:
    offer = changed(lambda o: [first(o)["options"][place].update(name="Candidata A") for place in (0, 1)])
    assert "lint-same-candidate" not in codes(manifest_lint.lint_offer(offer))


def manifest_of(sim: Simulator) -> Manifest:
    return sim.view.manifest


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m["timeline"].update(closes=m["timeline"]["opens"]), "lint-timeline-order"),
        (lambda m: m["timeline"].update(closes="2029-01-01T00:00:00Z"), "lint-timeline-long"),
        (lambda m: m["trustees"].update(threshold=3), "lint-no-spare-trustee"),
        (lambda m: m["trustees"].update(threshold=1), "MANIFEST-POLICY"),
        (lambda m: m["policy"].update(revote="allowed"), "MANIFEST-POLICY"),
        (lambda m: m["policy"].update(grace_seconds=100_000), "lint-grace"),
        (lambda m: m["mixers"][0].update(sign=m["mixers"][1]["sign"]), "MANIFEST-KEYS"),
        (lambda m: m["mixers"][0].update(id="mixer/7"), "MANIFEST-IDS"),
        (lambda m: m["auditors"][0].update(name=m["auditors"][1]["name"]), "lint-same-name"),
        (lambda m: m["name"].update(en=m["name"]["es"]), "lint-not-translated"),
        (lambda m: None, "lint-no-spare-mixer"),
        (lambda m: None, "lint-min-batch"),
        (lambda m: None, "lint-no-spare-witness"),
        (lambda m: m["offer"].update(size=1), "BLOB-DIGEST"),
    ],
)
def test_a_manifest_is_looked_over(change: Any, code: str) -> None:
    sim = Simulator()
    value = plain(manifest_of(sim))
    change(value)
    found = manifest_lint.lint_manifest(msgspec.convert(value, Manifest), sim.offer)
    assert code in codes(found)
    assert codes(manifest_lint.lint_manifest(manifest_of(sim), sim.offer), "error") == set()


def test_a_minority_of_trustees_is_told_of() -> None:
    sim = Simulator(trustees=4)
    assert "lint-minority" in codes(manifest_lint.lint_manifest(manifest_of(sim)))
    assert "lint-no-offer" in codes(manifest_lint.lint_manifest(manifest_of(sim)))


def test_lint_says_it_with_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(plain(simulated_offer()), indent=2))
    bad.write_text(json.dumps(plain(changed(lambda o: first(o).update(blocks=9)))))
    assert run(capsys, "tally", "manifest", "lint", good)[0] == 0
    assert run(capsys, "tally", "manifest", "lint", good, "--strict")[0] == 1
    code, out = run(capsys, "tally", "manifest", "lint", bad, "--json")
    answer = json.loads(out)
    assert (code, answer["errors"]) == (1, 1)
    assert answer["findings"][0]["code"] == "MANIFEST-BLOCKS"
    assert all(finding["text"] for finding in answer["findings"])
    assert "contest presidencia" in run(capsys, "tally", "manifest", "lint", bad)[1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"urns":[],"urns":[],"contests":[]}', '{"urns":[],"contests":[],"more":1}', '{"urns":1.5}', "NaN"],
)
def test_a_file_that_is_no_offer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = tmp_path / "offer.json"
    path.write_text(text)
    with pytest.raises(CheckFailed, match="CANONICAL"):
        read_offer_or_manifest(path)
    assert run(capsys, "tally", "manifest", "lint", path)[0] == 1
    assert run(capsys, "tally", "manifest", "preview", path, "-o", tmp_path / "p.html")[0] == 1
    assert run(capsys, "tally", "manifest", "lint", tmp_path / "none.json")[0] == 2


# --- preview --------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str, class_: str | None = None) -> int:
        return sum(found == tag and class_ in (None, attrs.get("class")) for found, attrs in self.elements)


def test_every_ballot_of_every_urn_is_shown() -> None:
    page = Page(preview(simulated_offer()))
    assert page.count("section", "urn") == 2
    assert page.count("article", "ballot") == 3
    assert page.count("li", "box") == 4 + 2 + 4
    assert page.count("div", "write-in") == 2
    assert page.count("div", "hint") == 2
    for text in ("Ciudad de México", "Morelos", "Candidata A", "PAN + PRI", "Mexicano residente en el extranjero"):
        assert text in page.text
    assert page.text.index("Presidencia") < page.text.index("Presidency")


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    html = preview(simulated_offer())
    page = Page(html)
    assert {"script", "iframe", "object", "img", "link", "form", "input"}.isdisjoint(tag for tag, _ in page.elements)
    assert not re.search(r"https?:|url\(|@import|javascript:", html)
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert page.elements[0] == ("html", {"lang": "es"})


def test_the_page_is_built_for_everybody() -> None:
    page = Page(preview(simulated_offer()))
    identifiers = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(set(identifiers)) == len(identifiers)
    for _, attrs in page.elements:
        label = attrs.get("aria-labelledby")
        assert label is None or label in identifiers
    headings = [tag for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert all(int(after[1]) <= int(before[1]) + 1 for before, after in pairwise(headings))
    assert all(attrs.get("lang") == "en" for tag, attrs in page.elements if attrs.get("class") == "en")


def test_script_in_any_text_of_an_offer_is_inert() -> None:
    """A20, as far as this page goes: every text of the offer is hostile."""

    def hostile(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: hostile(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [hostile(inner, key) for inner in value]
        if not isinstance(value, str) or key == "emblem":
            return value
        return f"{value}\"'>{SCRIPT}<img src=x onerror=alert(1)>{{{{7*7}}}}"

    offer = msgspec.convert(hostile(plain(simulated_offer())), Offer)
    html = preview(offer)
    clean = Page(preview(simulated_offer()))
    page = Page(html)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]
    assert [sorted(attrs) for _, attrs in page.elements] == [sorted(attrs) for _, attrs in clean.elements]
    assert SCRIPT not in html
    assert "{{7*7}}" in page.text
    assert page.text.count(SCRIPT) >= 10


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "offer.json", tmp_path / "page.html"
    path.write_text(json.dumps(plain(simulated_offer())))
    for _ in range(2):
        assert run(capsys, "tally", "manifest", "preview", path, "-o", page)[0] == 0
    assert page.read_text() == preview(simulated_offer())


# --- assemble and sign ----------------------------------------------------------------------------------------


def terms() -> Terms:
    return Terms(
        Bilingual("Elección de prueba", "Test election"),
        Timeline("2027-05-18T02:00:00Z", "2027-06-07T00:00:00Z"),
        threshold=2,
        min_batch=2,
        grace_seconds=0,
        mixers=2,
        quorum=2,
    )


def keys_of(sim: Simulator) -> list[Keys]:
    manifest = manifest_of(sim)
    services = (("registry", manifest.registry), ("ballot-box", manifest.ballot_box), ("tally", manifest.tally))
    return [
        *(ServiceKeys(role, manifest.election_id, party.sign, party.log) for role, party in services),
        *(TrusteeKeys(one.id, one.name, one.sign, one.box) for one in reversed(manifest.trustees.members)),
        *(MixerKeys(one.id, one.name, one.sign) for one in manifest.mixers),
        *(AuditorKeys("auditor", one.sign, one.witness) for one in manifest.auditors),
        AuthorityKeys("authority", manifest.authority.sign),
    ]


def test_what_is_assembled_verifies() -> None:
    sim = Simulator()
    manifest, policy = assemble(sim.offer, terms(), keys_of(sim))
    assert policy == sim.policy
    assert manifest.trustees == sim.view.manifest.trustees
    assert [auditor.name for auditor in manifest.auditors] == ["auditor1.example/w", "auditor2.example/w"]
    order = sign_manifest(manifest, sim.offer, sim.keys["authority"])
    sim.view.tally.pop()
    submission = bundle.decode(order.submission)
    sim.put(list(submission.blobs.values()))
    engine.admit(sim.view, "tally", submission.record)


def test_assembling_names_what_is_missing_or_too_many() -> None:
    sim = Simulator()
    keys = keys_of(sim)
    for part, code in (
        (keys[1:], "role-missing"),
        (keys[:-1], "role-missing"),
        ([*keys, keys[0]], "role-twice"),
        ([*keys, TrusteeKeys("trustee/1", "x", "00" * 32, "11" * 32)], "role-twice"),
        ([msgspec.structs.replace(keys[0], election_id="x"), *keys[1:]], "elections-differ"),
    ):
        with pytest.raises(Refused, match=code):
            assemble(sim.offer, terms(), part)
    for value in ({}, {"role": "voter"}, [], {"role": 5}):
        with pytest.raises(Refused, match="role-unknown"):
            type_of(value)


def test_only_the_authority_of_the_manifest_signs_it() -> None:
    sim = Simulator()
    with pytest.raises(Refused, match="not-in-manifest"):
        sign_manifest(manifest_of(sim), sim.offer, sim.keys["tally"])
    other = changed(lambda o: first(o).update(legend="another"))
    with pytest.raises(CheckFailed, match="BLOB-DIGEST"):
        sign_manifest(manifest_of(sim), other, sim.keys["authority"])


def test_from_keys_to_a_signed_manifest_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Trustees, mixers and the authority make their keys here; services and auditors bring theirs."""
    sim = Simulator()
    (tmp_path / "offer.json").write_text(json.dumps(plain(sim.offer)))
    made = []
    for kind, number in (("trustee", 1), ("trustee", 2), ("trustee", 3), ("mixer", 1), ("mixer", 2)):
        path = tmp_path / f"{kind}-{number}.key"
        words = [kind, "init", "--key", path, "--number", str(number), "--name", f"{kind} {number}"]
        code, out = run(capsys, *words, "--insecure", "--json")
        assert code == 0
        assert run(capsys, *words, "--insecure")[0] == 2  # a key is never overwritten
        assert path.stat().st_mode & 0o777 == 0o600
        made.append(json.loads(out))
    authority = tmp_path / "authority.key"
    made.append(json.loads(run(capsys, "tally", "authority", "init", "--key", authority, "--insecure", "--json")[1]))
    others = [plain(one) for one in keys_of(sim) if isinstance(one, ServiceKeys | AuditorKeys)]
    files = []
    for number, value in enumerate([*made, others]):
        files.append(tmp_path / f"public-{number}.json")
        files[-1].write_text(json.dumps(value))
    options = ["--name-es", "Elección", "--name-en", "Election", "--threshold", "2", "--min-batch", "2"]
    dates = ["--opens", "2027-05-18T02:00:00Z", "--closes", "2027-06-07T00:00:00Z"]
    out_dir = tmp_path / "out"
    words = ["tally", "manifest", "assemble", *files, "--offer", tmp_path / "offer.json", "--out", out_dir]
    assert run(capsys, *words, *options, *dates)[0] == 0
    assert (
        run(capsys, "tally", "manifest", "lint", out_dir / "manifest.json", "--offer", out_dir / "offer.json")[0] == 0
    )
    parse_policy((out_dir / "policy.json").read_bytes())
    signed = tmp_path / "manifest.vemre"
    words = ["tally", "manifest", "sign", out_dir / "manifest.json", "--offer", out_dir / "offer.json"]
    assert run(capsys, *words, "--key", authority, "--insecure", "--out", signed)[0] == 0
    assert bundle.decode(signed.read_bytes()).record.type == "manifest"
    assert run(capsys, *words, "--key", authority, "--insecure")[0] == 1
    wrong = write_key(sim, tmp_path, "authority")
    assert run(capsys, *words, "--key", wrong, "--insecure", "--out", signed)[0] == 1
    assert drafts.offer_blob(sim.offer) == (out_dir / "offer.json").read_bytes()

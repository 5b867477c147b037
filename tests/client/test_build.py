"""The pages as they are built: small, whole, under their own hashes, and of a language that old browsers understand."""

import base64
import gzip
import hashlib
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import client_program
import pytest

MOST_BYTES: Final = 150_000
PAGES: Final = ("index.html", "acceso.html", "recibo.html", "reto.html", "practica.html")
TOO_NEW: Final = (
    r"\bstatic\s*\{", r"\(\?<[=!]", r"structuredClone", r"\.findLastIndex\(", r"\.to(Sorted|Reversed|Spliced)\(",
    r"withResolvers", r"randomUUID", r"AbortSignal\.(timeout|any)", r"(Object|Map)\.groupBy", r"isWellFormed",
    r"Array\.fromAsync", r"hasIndices", r"\.at\(-", r"\bimport\(", r"^import ",
)  # fmt: skip
"""What Chromium 90, Firefox 90 or Safari 15 do not have (Safari 16.4 is the first with looking behind)."""


class Parts(HTMLParser):
    """Every element of a page with its attributes, and what is written between scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style"):
            self.inline += data


def parts(page: Path) -> Parts:
    found = Parts()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


def of_the_page(pages: Path, name: str) -> list[Path]:
    """A page and all that it loads: its script, its style, its worker."""
    loaded = {str(a.get("src") or a.get("href")) for tag, a in parts(pages / name).elements if "integrity" in a}
    files = [pages / name, *(pages / address.removeprefix("/") for address in sorted(loaded))]
    scripts = [file.read_text(encoding="utf-8") for file in files if file.suffix == ".js"]
    workers = {found for script in scripts for found in re.findall(r"[\"'`]/(assets/[\w-]+\.js)[\"'`]", script)}
    return [*files, *(pages / worker for worker in sorted(workers))]


def test_the_voting_page_is_small(pages: Path) -> None:
    files = of_the_page(pages, "index.html")
    assert [file.suffix for file in files] == [".html", ".js", ".css", ".js"], "page, script, style, worker"
    assert sum(compressed(file) for file in files) < MOST_BYTES


@pytest.mark.parametrize("name", PAGES)
def test_every_part_is_under_its_hash(pages: Path, name: str) -> None:
    found = parts(pages / name)
    assert found.inline.strip() == ""
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    styles = [attributes for tag, attributes in found.elements if attributes.get("rel") == "stylesheet"]
    assert len(scripts) == 1
    assert len(styles) == 1
    for attributes in (*scripts, *styles):
        address = str(attributes.get("src") or attributes.get("href"))
        assert address.startswith("/assets/")
        data = (pages / address.removeprefix("/")).read_bytes()
        hash_ = base64.b64encode(hashlib.sha384(data).digest()).decode()
        assert attributes["integrity"] == f"sha384-{hash_}"
    for tag, attributes in found.elements:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], tag
        for key in ("src", "href", "action"):
            assert attributes.get(key) is None or re.match(r"^(/assets/|data:,$)", str(attributes[key])), attributes


def test_nothing_else_is_built(pages: Path) -> None:
    used = {file for name in PAGES for file in of_the_page(pages, name)}
    assert {file for file in pages.rglob("*") if file.is_file()} == used


def test_scripts_are_of_a_language_that_old_browsers_speak(pages: Path) -> None:
    for script in pages.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        for pattern in TOO_NEW:
            assert re.search(pattern, text) is None, (script.name, pattern)
        assert text.startswith("Object.hasOwn||"), script.name
        # Scripts ask nobody but their own origin for anything, and make no markup.
        assert (
            re.search(r"\binnerHTML|\bouterHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) is None
        )
        assert re.search(r"https?://(?!www\.w3\.org/2000/svg)[a-z]", text) is None, script.name


def test_two_builds_are_the_same(pages: Path, tmp_path: Path) -> None:
    """Whoever builds the audited sources gets the audited page."""
    command = ["node", str(client_program.FOLDER / "build.mjs"), str(tmp_path / "again")]
    assert subprocess.run(command, check=False, timeout=300).returncode == 0
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (pages, tmp_path / "again")
    )
    assert first == second


def test_libraries_are_fixed() -> None:
    package: dict[str, Any] = json.loads((client_program.FOLDER / "package.json").read_text(encoding="utf-8"))
    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        assert re.match(r"^\d+\.\d+\.\d+$", version), name

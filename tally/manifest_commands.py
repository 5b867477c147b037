"""The commands ``vemre tally manifest``: everything about an election before its first record."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import msgspec

from tally import assemble as assembling
from tally import manifest_lint
from tally.assemble import Terms
from tally.authority import sign_manifest
from tally.keys import RoleFile
from tally.manifest_lint import Finding
from tally.offer_files import (
    MAX_KEY_FILE_BYTES,
    convert,
    read_json,
    read_manifest,
    read_offer,
    read_offer_or_manifest,
)
from tally.options import FILE, FOLDER, hand_over
from tally.preview import preview as preview_page
from vemre.checks import Check
from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.translations import language, say
from vemre.election import drafts
from vemre.messages import find, problem_of_check
from vemre.records.fields import Bilingual
from vemre.records.record import plain
from vemre.records.setup_bodies import Manifest, Timeline

_PAGE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_COUNT = click.IntRange(1, 1_000_000)


@click.group("manifest", cls=Group, help="tally-manifest")
def manifest() -> None:
    """The manifest and its offer."""


@manifest.command("lint", help="manifest-lint")
@click.argument("document", type=FILE)
@option("--offer", type=FILE, help="manifest-option-offer-of")
@option("--strict", is_flag=True, help="manifest-option-strict")
@json_option
def lint(document: Path, offer: Path | None, strict: bool, as_json: bool) -> int:
    """Exit code 1 where a rule does not hold; with --strict, also for warnings."""
    found = read_offer_or_manifest(document)
    if isinstance(found, Manifest):
        findings = manifest_lint.lint_manifest(found, read_offer(offer) if offer else None)
    else:
        findings = manifest_lint.lint_offer(found)
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        rows = [msgspec.to_builtins(finding) | {"text": _text(finding)} for finding in findings]
        console.put_json({"errors": errors, "warnings": len(findings) - errors, "findings": rows})
    else:
        for finding in findings:
            console.put(f"{say(f'lint-{finding.level}')} [{finding.code}] {finding.where}: {_text(finding)}")
        console.say(say("lint-summary", errors=errors, warnings=len(findings) - errors))
    return INVALID if errors or (strict and findings) else OK


def _text(finding: Finding) -> str:
    if finding.code.startswith("lint-"):
        return find(finding.code).wording(language()).detail.replace("{detail}", finding.detail)
    words = problem_of_check(Check(finding.code)).wording(language())
    return f"{words.title}. {finding.detail}"


@manifest.command("preview", help="manifest-preview")
@click.argument("offer", type=FILE)
@option("--out", "-o", required=True, type=_PAGE, help="tally-option-html")
def preview(offer: Path, out: Path) -> None:
    """Writes the page; an older one of that name is replaced."""
    page = preview_page(read_offer(offer))
    files.write(out, page.encode(), overwrite=True)


@manifest.command("assemble", help="manifest-assemble")
@click.argument("keys", nargs=-1, required=True, type=FILE)
@option("--offer", required=True, type=FILE, help="manifest-option-offer")
@option("--name-es", required=True, help="manifest-option-name-es")
@option("--name-en", required=True, help="manifest-option-name-en")
@option("--opens", required=True, help="manifest-option-opens")
@option("--closes", required=True, help="manifest-option-closes")
@option("--threshold", required=True, type=_COUNT, help="manifest-option-threshold")
@option("--min-batch", default=10, type=_COUNT, help="manifest-option-min-batch")
@option("--grace-seconds", default=0, type=click.IntRange(0, 1_000_000), help="manifest-option-grace")
@option("--mixers", default=2, type=_COUNT, help="manifest-option-mixers")
@option("--quorum", default=2, type=_COUNT, help="manifest-option-quorum")
@option("--out", required=True, type=FOLDER, help="manifest-option-out")
def assemble(
    keys: tuple[Path, ...],
    offer: Path,
    name_es: str,
    name_en: str,
    opens: str,
    closes: str,
    threshold: int,
    min_batch: int,
    grace_seconds: int,
    mixers: int,
    quorum: int,
    out: Path,
) -> None:
    """Writes offer.json, manifest.json and policy.json."""
    found = read_offer(offer)
    terms = Terms(
        name=Bilingual(name_es, name_en),
        timeline=Timeline(opens, closes),
        threshold=threshold,
        min_batch=min_batch,
        grace_seconds=grace_seconds,
        mixers=mixers,
        quorum=quorum,
    )
    body, policy = assembling.assemble(found, terms, [one for path in keys for one in _keys(path)])
    out.mkdir(parents=True, exist_ok=True)
    files.write(out / "offer.json", drafts.offer_blob(found), overwrite=True)
    files.write(out / "manifest.json", _pretty(plain(body)), overwrite=True)
    files.write(out / "policy.json", _pretty(msgspec.to_builtins(policy)), overwrite=True)
    console.say(say("manifest-assembled", folder=str(out)))


def _keys(path: Path) -> list[assembling.Keys]:
    """The keys in a file: one object as a role's `init` prints it, or a list of them."""
    value = read_json(path, limit=MAX_KEY_FILE_BYTES)
    items = value if isinstance(value, list) else [value]
    return [convert(item, assembling.type_of(item), path.name) for item in items]


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


@manifest.command("sign", help="manifest-sign")
@click.argument("body", type=FILE)
@option("--offer", required=True, type=FILE, help="manifest-option-offer")
@option("--key", "key_file", required=True, type=FILE, help="tally-option-key")
@option("--tally-url", help="service-option-tally-url")
@option("--out", type=FILE, help="tally-option-out-file")
@passphrase_options
@json_option
def sign(
    body: Path,
    offer: Path,
    key_file: Path,
    tally_url: str | None,
    out: Path | None,
    passphrase: Passphrase,
    as_json: bool,
) -> None:
    """Signs the manifest, then submits it or writes it to a file."""
    found, papers = read_manifest(body), read_offer(offer)
    file = RoleFile.open(key_file, "authority", passphrase.get(), os.urandom, allow_insecure=passphrase.insecure)
    hand_over([sign_manifest(found, papers, file.sign)], {"tally": tally_url} if tally_url else {}, out, as_json)

"""`vemre audit integrity record`: an auditor puts on the record what runs on somebody's machine."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from audit import keys
from audit.integrity.inputs import read_exceptions, read_list
from audit.integrity.judge import declared
from vemre import group as groups
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.crypto.signing import SigningKey
from vemre.election import drafts, release
from vemre.election.rules.view import View, role_keys
from vemre.errors import Refused
from vemre.records import vote_bodies as v
from vemre.service import deployment
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource, from_folder
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, WRITERS, LogName

FILE: Final = click.Path(path_type=Path, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)


@dataclass(frozen=True)
class Stated:
    """What an auditor signed: submissions in the order in which they go into the log, the last of which is the
    `integrity` record; its differences, and those that no exception covers."""

    log: LogName
    submissions: list[bytes]
    differences: list[str]
    undeclared: list[str]


def log_of(role: str) -> LogName:
    """Where statements about a role's machine belong: the log that the role writes, otherwise the tally's."""
    return next((name for name, writer in WRITERS.items() if writer == role), "tally")


def state(
    view: View,
    *,
    auditor: str,
    key: SigningKey,
    role: str,
    log: LogName,
    audited: dict[str, str],
    deployed: release.Deployed,
    exceptions: dict[str, str],
    now: int,
) -> Stated:
    """The record, and before it the incident that declares exceptions, unless the auditor declared them already.

    Raises Refused("integrity-role-unknown") for a role that the manifest does not have, and Refused
    ("release-not-audited") where the setup names another release than `audited`.
    """
    if role not in role_keys(view.manifest):
        raise Refused("integrity-role-unknown", role=role)
    if view.setup is not None and view.setup.release != release.digest(audited):
        raise Refused("release-not-audited", release=view.setup.release)
    statement = release.draft(role, audited, deployed)
    assert isinstance(statement.body, v.Integrity)
    digest, differences = statement.body.files.sha256, statement.body.differences
    acts = [statement]
    if exceptions and declared(view, digest, signer=auditor) != exceptions:
        acts.insert(0, drafts.incident(release.EXCEPTIONS, release.exceptions_text(digest, exceptions), now))
    origin = view.anchors.logs[log].name
    signed = [drafts.sign(act, log=origin, signer=auditor, key=key) for act in acts]
    return Stated(log, signed, differences, release.undeclared(differences, set(exceptions)))


@click.command("record", cls=Command, help="audit-integrity-record-about")
@option("--role", required=True, help="audit-integrity-option-role")
@option("--release", "audited", required=True, type=FILE, help="audit-integrity-option-release")
@option("--tree", type=FOLDER, help="audit-integrity-option-tree")
@option("--exceptions", type=FILE, help="audit-integrity-option-exceptions")
@option("--log", "chosen", type=click.Choice(LOG_NAMES), help="audit-integrity-option-log")
@option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="audit-option-data")
@option("--policy", required=True, type=FILE, help="audit-option-policy")
@option("--registry-url", help="service-option-registry-url")
@option("--ballot-url", help="service-option-ballot-url")
@option("--tally-url", help="service-option-tally-url")
@option("--from", "folder", type=FOLDER, help="audit-integrity-option-from")
@option("--out", type=FILE, help="audit-integrity-option-out")
@passphrase_options
@json_option
def record(
    role: str,
    audited: Path,
    tree: Path | None,
    exceptions: Path | None,
    chosen: LogName | None,
    data: Path,
    policy: Path,
    folder: Path | None,
    out: Path | None,
    passphrase: Passphrase,
    as_json: bool,
    **addresses: str | None,
) -> int:
    """Ends with 0 where everything is as audited, up to declared exceptions; with 1 where it is not, and the record
    says so."""
    known, excepted = read_list(audited), read_exceptions(exceptions)
    anchors = read_anchors(policy)
    urls: dict[LogName, str] = {name: url for name in LOG_NAMES if (url := addresses[f"{name}_url"])}
    log = chosen or log_of(role)
    if (folder is None and len(urls) < len(LOG_NAMES)) or (out is None and log not in urls):
        raise click.UsageError(say("audit-integrity-record-usage"))
    own = keys.load(data, passphrase.get(), allow_insecure=passphrase.insecure)
    with ExitStack() as stack:
        clients = {name: stack.enter_context(ServiceClient(url)) for name, url in urls.items()}
        served: dict[LogName, LogSource] = {name: HttpSource(client) for name, client in clients.items()}
        sources = from_folder(folder) if folder is not None else served
        view = ElectionSource(anchors, sources, groups.load(), os.urandom, cosigned_only=False).refresh()
        stated = state(
            view,
            auditor=own.role_in(anchors.policy),
            key=own.sign,
            role=role,
            log=log,
            audited=known,
            deployed=deployment.scan(tree),
            exceptions=excepted,
            now=int(time.time()),
        )
        done = _write(stated, out) if out is not None else _submit(stated, clients[log])
    _tell(stated, done, as_json)
    return INVALID if stated.undeclared else OK


def _submit(stated: Stated, client: ServiceClient) -> dict[str, Any]:
    answers: list[dict[str, Any]] = [client.submit(submission) for submission in stated.submissions]
    return {"log": stated.log, **answers[-1]}


def _write(stated: Stated, out: Path) -> dict[str, Any]:
    """One file for each submission, in their order; the last one has the name that was asked for."""
    names = [out.with_name(f"{out.stem}-exceptions{out.suffix}"), out][-len(stated.submissions) :]
    for name, submission in zip(names, stated.submissions, strict=True):
        files.write(name, submission, overwrite=True)
    return {"log": stated.log, "files": [str(name) for name in names]}


def _tell(stated: Stated, done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.put_json({**done, "differences": stated.differences, "undeclared": stated.undeclared})
        return
    for path in stated.differences:
        mark = "" if path in stated.undeclared else f" ({say('audit-integrity-declared')})"
        console.put(f"  {console.printable(path)}{mark}")
    if "files" in done:
        console.put(say("audit-integrity-written", log=stated.log, files=", ".join(done["files"])))
    else:
        console.put(say("audit-integrity-recorded", log=stated.log, index=int(done["index"])))
    count = len(stated.undeclared)
    console.put(say("audit-integrity-differs" if stated.undeclared else "audit-integrity-same", count=count))

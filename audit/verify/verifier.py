"""The off-line verifier: a whole election record against a policy, from the bytes up.

It trusts the policy alone. It holds no secrets, makes no proofs, opens no connection and no database.
Source: protocol, sections 1 to 12, appendices B to E.
"""

from __future__ import annotations

from collections.abc import Callable

from audit.verify.folder import RecordSource
from audit.verify.report import Report
from vemre.checks import Check
from vemre.election import published
from vemre.election.rules import engine
from vemre.election.rules.decoded import Ahead, Decoded
from vemre.election.rules.view import Anchors, LogView, View
from vemre.election.workers import HERE, Workers
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint, require_quorum
from vemre.log.reader import LogReader
from vemre.records.bulk import parse_all
from vemre.records.bundle import blob_refs
from vemre.records.fields import Blob
from vemre.records.record import Record
from vemre.types import LOG_NAMES, WRITERS, LogName, Random

Progress = Callable[[Check, int, int], None]
"""Called with the check that begins, the number of checks done, and their total."""


def verify_record(
    source: RecordSource,
    anchors: Anchors,
    group: Group,
    random: Random,
    progress: Progress | None = None,
    workers: Workers = HERE,
    ahead: Ahead | None = None,
) -> Report:
    """Verify a record. Damage and rule violations end up in the report; OSError (unreadable media) is raised.

    `random` must be a CSPRNG: the soundness of batch verification rests on it. So it does on `workers`: who works for
    a verifier, or decodes `ahead` of it, can make it see what is not there.
    """
    report = Report()
    reached = Check.PARAMS

    def note(check: Check, done: int, total: int) -> None:
        nonlocal reached
        reached = check
        if progress is not None:
            progress(check, done, total)

    try:
        _verify(source, anchors, group, random, report, note, workers, Decoded(ahead))
    except CheckFailed as failure:
        report.fail(failure)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # Nothing is known to get here. What cannot even be judged is certainly not valid, and the check that was
        # under way says where to look.
        report.fail(CheckFailed(reached, f"the verifier stumbled: {type(error).__name__}", where="record"))
    if report.failure is not None:
        report.result, report.certified = [], False
    return report


def _verify(
    source: RecordSource,
    anchors: Anchors,
    group: Group,
    random: Random,
    report: Report,
    progress: Progress,
    workers: Workers,
    decoded: Decoded,
) -> None:
    total = len(engine.STAGES) + 4
    report.passed(Check.PARAMS)
    progress(Check.NOTE, 0, total)
    checkpoints = {name: open_log(source, anchors, name) for name in LOG_NAMES}
    progress(Check.LOG, 1, total)
    entries = {name: read_entries(source, name, checkpoints[name]) for name in LOG_NAMES}
    report.passed(Check.LOG)
    progress(Check.CANONICAL, 2, total)
    view = View(
        anchors,
        source.blob,
        group,
        random,
        logs={name: parse_entries(name, entries[name], group) for name in LOG_NAMES},
        workers=workers,
        decoded=decoded,
    )
    report.passed(Check.CANONICAL)
    report.stage = engine.stage_reached(view)
    progress(Check.BLOB_DIGEST, 3, total)
    _check_blobs(source, view)
    report.passed(Check.BLOB_DIGEST)
    for number, stage in enumerate(engine.STAGES, start=4):
        progress(stage.check, number, total)
        if stage.rule(view) or stage.check is Check.NOTE:
            report.passed(stage.check)
    if view.tally.first("dkg-reveal") is not None:
        for check in (Check.ELEMENT, Check.IDENTITY, Check.SCALAR):
            report.passed(check)
    report.offer = view.offer
    report.result = published.batches(view)
    report.certified = view.tally.first("certification") is not None


def open_log(source: RecordSource, anchors: Anchors, name: LogName) -> OpenedCheckpoint | None:
    """[NOTE] of one log's latest checkpoint, with its quorum; None where the log has not begun. Raises CheckFailed."""
    witnesses = [vkey for vkeys in anchors.witnesses.values() for vkey in vkeys]
    try:
        data = source.checkpoint(name)
        if data is None:
            return None
        opened = open_checkpoint(data, anchors.logs[name], witnesses)
        require_quorum(opened, anchors.witnesses, anchors.quorum, Check.NOTE)
    except CheckFailed as failure:
        raise failure.located(where=f"{name}/checkpoint", party=WRITERS[name]) from None
    return opened


def read_entries(source: RecordSource, name: LogName, opened: OpenedCheckpoint | None) -> list[bytes]:
    """[LOG]: every entry, with every tile and bundle authenticated. Raises CheckFailed."""
    if opened is None:
        return []
    reader = LogReader(lambda path: source.read(name, path), opened.checkpoint, name=name, party=WRITERS[name])
    return list(reader.entries())


def parse_entries(name: LogName, entries: list[bytes], group: Group | None = None) -> LogView:
    """[CANONICAL]: every entry is a record. Raises CheckFailed."""
    log = LogView(name)
    records: list[Record] = []
    try:
        records.extend(parse_all(entries, group))
    except CheckFailed as failure:
        raise failure.located(where=log.where(len(records)), party=log.writer) from None
    log.extend(records)
    return log


def _check_blobs(source: RecordSource, view: View) -> None:
    """[BLOB-DIGEST]: every blob that a record names is there, and no blob has other bytes than its name says."""
    # Equal digests with unequal sizes are two references, of which one at most is right.
    named: set[tuple[str, int]] = set()
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in enumerate(log.records):
            for ref in () if record.type == "ballot" else _refs(log, index):
                if (ref.sha256, ref.size) not in named:
                    _check_blob(source, ref.sha256, ref.size, log.writer)
                    named.add((ref.sha256, ref.size))
    digests = {digest for digest, _ in named}
    for digest in source.blobs():
        if digest not in digests:
            # Nobody put this file on the record, so nobody answers for it.
            _check_blob(source, digest, None, None)


def _refs(log: LogView, index: int) -> list[Blob]:
    try:
        return blob_refs(log.records[index].body)
    except CheckFailed as failure:
        raise CheckFailed(failure.check, failure.detail, where=log.where(index), party=log.writer) from None


def _check_blob(source: RecordSource, digest: str, size: int | None, party: str | None) -> None:
    """One blob, without holding it in memory."""
    where = f"blob/{digest}"
    try:
        source.check_blob(digest, size)
    except KeyError:
        raise CheckFailed(Check.BLOB_DIGEST, "the blob is missing", where=where, party=party) from None
    except CheckFailed as failure:
        raise failure.located(where=where, party=party) from None

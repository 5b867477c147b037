"""Write the conformance corpus: `python tests/conformance/generate.py [FOLDER]`.

Everything comes from fixed seeds, so a second run writes the same bytes. What a case expects stands in the lists of the
modules beside this one; the verifier in Python judges each record while it is made, and a surprise is an error.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(path) for path in (HERE, HERE.parent, HERE.parent / "unit" / "rules", HERE.parents[1])]

import broken_elections  # noqa: E402
import broken_entries  # noqa: E402
import broken_logs  # noqa: E402
import broken_notes  # noqa: E402
import broken_setup  # noqa: E402
import broken_vote  # noqa: E402
import good_records  # noqa: E402
from bench import Draft, Verdict, read_files, shortest, write_files  # noqa: E402
from simulator import GROUP  # noqa: E402
from test_every_check import CASES as EVERY_CHECK  # noqa: E402

from audit.verify.folder import RecordFolder  # noqa: E402
from audit.verify.verifier import verify_record  # noqa: E402
from vemre.checks import Check  # noqa: E402
from vemre.election.rules.view import Anchors  # noqa: E402
from vemre.records.policy import parse_policy  # noqa: E402

CASES = HERE / "cases"


@dataclass(frozen=True)
class Case:
    """What a verifier must find, why, and how the record is made."""

    check: Check | None
    party: str | None
    about: str
    make: Callable[[], Draft]


def judge(draft: Draft) -> Verdict:
    """What the verifier in Python says of a draft: check and party, or twice None."""
    with tempfile.TemporaryDirectory() as folder:
        record = write_files(Path(folder) / "record", draft.files)
        anchors = Anchors(parse_policy(json.dumps(draft.policy).encode()))
        failure = verify_record(RecordFolder(record), anchors, GROUP, os.urandom).failure
    return (None, None) if failure is None else (failure.check, failure.party)


def cases() -> Iterator[Case]:
    """All cases, those of one check in one order."""
    for about, make in good_records.GOOD:
        yield Case(None, None, about, make)
    for stage, about, note_change in broken_notes.BROKEN:
        yield Case(
            Check.NOTE,
            "ballot-box" if "no entries" in about else "tally",
            about,
            good_records.altered(stage, note_change),
        )
    for check, party, name, about, log_change in broken_logs.BROKEN:
        yield Case(check, party, about, lambda n=name, c=log_change: changed(broken_logs.base(n), c))  # type: ignore[misc]
    broken_entries.add_json()
    for check, party, about, make in broken_entries.BROKEN:
        yield Case(check, party, about, make)
    for check, party, change in (*EVERY_CHECK, *broken_setup.CHANGES, *broken_vote.CHANGES):
        about = change.__doc__ or ""
        yield Case(check, party, about, lambda c=change, e=(check, party): shortest(c, e, judge))  # type: ignore[misc]
    for check, party, about, make in broken_elections.BROKEN:
        yield Case(check, party, about, make)


def changed(draft: Draft, change: Callable[[Draft], None]) -> Draft:
    change(draft)
    return draft


def write_case(folder: Path, case: Case) -> str | None:
    """Make, judge and write one case; gives what is wrong where it is not what it claims to be."""
    try:
        draft = case.make()
        found = judge(draft)
    except Exception as error:
        return f"{folder.name}: {type(error).__name__}: {error}"
    if found != (case.check, case.party):
        return f"{folder.name}: {case.about} {found} instead of {(case.check, case.party)}"
    if not case.about.endswith("."):
        return f"{folder.name}: not a sentence: {case.about}"
    write_files(folder / "record", draft.files)
    (folder / "policy.json").write_text(json.dumps(draft.policy, indent=1) + "\n")
    expected = {"check": None if case.check is None else case.check.value, "party": case.party, "about": case.about}
    (folder / "case.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
    return None


def named(all_cases: Iterable[Case]) -> dict[str, Case]:
    """The cases by the names of their folders: the check, or VALID, and a number."""
    numbers: Counter[str] = Counter()
    names = {}
    for case in all_cases:
        name = "VALID" if case.check is None else case.check.value
        numbers[name] += 1
        names[f"{name}-{numbers[name]:02}"] = case
    return names


def same(target: Path) -> Iterator[str]:
    """Cases that differ in nothing but what is said about them."""
    digests: dict[str, str] = {}
    for folder in sorted(target.iterdir()):
        files = {path: data for path, data in read_files(folder).items() if path != "case.json"}
        first = digests.setdefault(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest(), folder.name)
        if first != folder.name:
            yield f"{folder.name}: the same record as {first}"


_CASES: dict[str, Case] = {}
"""All cases, for the processes that make them: functions do not travel between processes."""


def _fill() -> None:
    _CASES.update(_CASES or named(cases()))


def _write(target: Path, name: str) -> str | None:
    return write_case(target / name, _CASES[name])


def generate(target: Path, wanted: Callable[[str], bool] = lambda name: True) -> list[str]:
    """Write the corpus anew (the cases whose names are wanted); gives what is wrong with it."""
    shutil.rmtree(target, ignore_errors=True)
    _fill()
    names = [name for name in _CASES if wanted(name)]
    # Not forked: the arithmetic may have threads by now, and a copy of this process would wait for them for ever.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), initializer=_fill) as pool:
        problems = [problem for problem in pool.map(partial(_write, target), names, chunksize=8) if problem is not None]
    return [*problems, *same(target)]


if __name__ == "__main__":
    problems = generate(Path(sys.argv[1]) if len(sys.argv) > 1 else CASES)
    print("\n".join(problems) or "written")
    sys.exit(bool(problems))

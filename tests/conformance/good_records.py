"""What every verifier must accept: elections at each stage, their rare turns, and oddities that break no rule."""

from __future__ import annotations

from collections.abc import Callable

import broken_entries
import broken_notes
import elections
from bench import Draft, draft_of, plain
from simulator import STAGES

GOOD: list[tuple[str, Callable[[], Draft]]] = [
    ("The manifest alone.", lambda: plain(None)),
    *(
        (about, lambda stage=stage: plain(stage))  # type: ignore[misc]
        for stage, about in zip(
            STAGES,
            (
                "Three trustees have made the key and shown in a drill that it works.",
                "The roll of credentials is published.",
                "Setup, audit plans and favourable opinions on the system.",
                "The box is open and empty.",
                "Five ballots of two urns, in a contest of two blocks and one of one block.",
                "The box is closed, voters are marked, the list to mix is made, a small batch is decided upon.",
                "Two mixers have mixed all batches.",
                "Two trustees of three have decrypted.",
                "Every batch and the result are counted: a write-in, a combination, nulls.",
                "A certified election.",
            ),
            strict=True,
        )
    ),
    ("Batches of no and of one ballot pass through the mixers.", lambda: draft_of(elections.sparse())),
    ("Nobody votes.", lambda: draft_of(elections.nobody())),
    ("A trustee complains, and the accused dealer answers rightly.", lambda: draft_of(elections.complaint())),
    ("The first attempt at the key fails, the second makes it.", lambda: draft_of(elections.second_attempt())),
    ("Enrolments, a replaced and a blocked credential.", lambda: draft_of(elections.changed_roll())),
    (
        "Every kind of plaintext that is no choice counts as null and is listed.",
        lambda: draft_of(elections.irregular()),
    ),
    (
        "Combinations of coalitions of three and two, with remainders and ties.",
        lambda: draft_of(elections.distribution()),
    ),
    (
        "Later drills, incidents, integrity statements, page assets, further plans and destructions.",
        lambda: draft_of(elections.extras()),
    ),
    (
        "Auditors whose first opinions are unfavourable and whose last, which count, are favourable.",
        lambda: draft_of(elections.second_thoughts()),
    ),
    (
        "The second and third of three mixers mix, and all trustees decrypt, the last first.",
        lambda: draft_of(elections.spare_roles()),
    ),
    ("Logs of 255, 256 and 513 entries, one of them of 65,535 bytes.", lambda: draft_of(elections.long_logs())),
    (
        "A file list whose keys sort otherwise by code points than by UTF-16 code units, and a blob that nobody names.",
        lambda: draft_of(elections.odd_names()),
    ),
    *broken_entries.GOOD,
]


def altered(stage: str, change: broken_notes.Change) -> Callable[[], Draft]:
    def make() -> Draft:
        draft = broken_notes.base(stage)
        change(draft)
        return draft

    return make


GOOD += [(about, altered(stage, change)) for stage, about, change in broken_notes.GOOD]

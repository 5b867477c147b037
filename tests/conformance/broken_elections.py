"""Rules whose breaking shows in other elections than the plain one, and blobs that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import elections
from bench import Draft, copy, draft_of, forged, plain
from changes import body, swap
from forge import Forgery

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election import drafts
from vemre.records import setup_bodies as s

BROKEN: list[tuple[Check, str | None, str, Callable[[], Draft]]] = []
"""(check, party, about, make)"""

# --- blobs ------------------------------------------------------------------------------------------------------------


def damaged(party: str | None, about: str, damage: Callable[[Draft, str], Any]) -> None:
    """The roll's first blob, by its path, is not what it was."""

    def make() -> Draft:
        d = copy(plain("roll"))
        roll = canonical.decode(d.entries("registry")[0], limit=1 << 16)
        damage(d, f"blob/{roll['body']['urns'][0]['credentials']['sha256']}")
        return d

    BROKEN.append((Check.BLOB_DIGEST, party, about, make))


damaged("registry", "A blob lacks its last byte.", lambda d, path: d.files.update({path: d.files[path][:-1]}))
damaged("registry", "A blob has a byte too many.", lambda d, path: d.files.update({path: d.files[path] + b"\0"}))
damaged(
    "registry",
    "A bit of a blob is flipped.",
    lambda d, path: d.files.update({path: bytes([d.files[path][0] ^ 1]) + d.files[path][1:]}),
)
damaged("registry", "A blob is empty.", lambda d, path: d.files.update({path: b""}))
damaged(
    "registry",
    "A blob is named in upper case.",
    lambda d, path: d.files.update({f"blob/{path[5:].upper()}": d.files.pop(path)}),
)
damaged(
    None,
    "A blob that no record names is not what its name says.",
    lambda d, _: d.files.update({f"blob/{'0' * 64}": b"something"}),
)


# --- what other elections show --------------------------------------------------------------------------------------


def other(check: Check, party: str, about: str) -> Callable[[Callable[[], Draft]], Callable[[], Draft]]:
    def keep(make: Callable[[], Draft]) -> Callable[[], Draft]:
        BROKEN.append((check, party, about, make))
        return make

    return keep


def on_changed_roll(check: Check, party: str, about: str, apply: Callable[[Forgery], Any]) -> None:
    other(check, party, about)(lambda: forged(draft_of(elections.changed_roll("cast")), apply))


on_changed_roll(
    Check.BALLOT_ELIGIBLE,
    "ballot-box",
    "A block names a credential that was replaced.",
    lambda f: body(f, "block").update(credential=body(f, "roll-replace")["old"]),
)
on_changed_roll(
    Check.BALLOT_ELIGIBLE,
    "ballot-box",
    "A block names a credential of another urn.",
    lambda f: body(f, "block").update(urn="urna-09"),
)
on_changed_roll(
    Check.BALLOT_ONCE,
    "ballot-box",
    "A credential is blocked after it was used.",
    lambda f: body(f, "block").update(
        urn=body(f, "ballot", 4)["urn"], credential=f.logs["ballot"][f.find("ballot", "ballot", 4)]["signer"]
    ),
)
on_changed_roll(
    Check.ROLL_UNIQUE,
    "registry",
    "A replaced credential is brought back.",
    lambda f: f.insert(
        "registry",
        f.find("registry", "roll-replace") + 1,
        "roll-replace",
        "registry",
        {"new": body(f, "roll-replace")["old"], "old": body(f, "roll-replace")["new"], "urn": "urna-09"},
    ),
)
on_changed_roll(
    Check.ROLL_UNIQUE,
    "registry",
    "A credential is replaced on an urn where it is not.",
    lambda f: body(f, "roll-replace").update(urn="urna-17"),
)
on_changed_roll(
    Check.ROLL_KEYS,
    "registry",
    "The new credential is a point of small order.",
    lambda f: body(f, "roll-replace").update(new="01" + "00" * 31),
)
on_changed_roll(
    Check.ORDER,
    "registry",
    "A credential is replaced before there is a roll.",
    lambda f: swap(f.logs["registry"], f.find("registry", "roll"), f.find("registry", "roll-replace")),
)


@other(Check.ORDER, "tally", "A second setup follows the first.")
def second_setup() -> Draft:
    election = elections.plain("setup")
    election.admit(
        "tally", next(record for record in election.view.tally.records if record.type == "setup"), check=False
    )
    return draft_of(election)


@other(Check.DKG_ACK, "trustee/1", "The answer to a complaint does not satisfy the equation.")
def wrong_answer() -> Draft:
    return set_up_after(offset=1)


@other(Check.DKG_ACK, "trustee/1", "A key is set up although a complaint was never answered.")
def no_answer() -> Draft:
    return set_up_after(offset=None)


def set_up_after(offset: int | None) -> Draft:
    """Setup after a complaint that was not answered rightly."""
    election = elections.complaint("roll", offset=offset, check=False)
    lnere = {urn.id: sum(voter.urn == urn.id for voter in election.voters) for urn in election.offer.urns}
    draft = drafts.setup(election.view, registry=election.checkpoint("registry"), lnere=lnere, release="00" * 32)
    election.append("tally", "authority", draft, check=False)
    return draft_of(election)


@other(Check.DKG_ORDER, "trustee/3", "A trustee complains after it has acknowledged.")
def late_complaint() -> Draft:
    election = elections.plain("keys")
    complaint = drafts.Draft(s.DkgComplaint(1, "trustee/1"))
    election.append("tally", "trustee/3", complaint, check=False)
    return draft_of(election)


@other(Check.DRILL, "tally", "A later drill has fewer shares than the threshold.")
def small_drill() -> Draft:
    election = elections.plain("setup")
    election.append("tally", "tally", drafts.Draft(election.drill(2, ["trustee/2"])), check=False)
    return draft_of(election)


@other(Check.SHUFFLE, "mixer/1", "A mixer proves its shuffle with generators whose logarithms it knows [GENERATORS].")
def other_generators() -> Draft:
    election = elections.plain("close")
    with elections.trapdoored():
        draft = election.shuffle("mixer/1", "urna-09", "gubernatura", election.checkpoint("tally"))
    election.append("tally", "mixer/1", draft, check=False)
    return draft_of(election)


@other(Check.RESULT, "tally", "An irregular row is not listed [COUNT-IRREGULAR].")
def hidden_irregular() -> Draft:
    return on_irregular(lambda f, rows: rows[1:])


@other(Check.RESULT, "tally", "A regular row is listed as irregular [COUNT-IRREGULAR].")
def false_irregular() -> Draft:
    return on_irregular(lambda f, rows: sorted({*rows, *range(19)})[: len(rows) + 1])


def on_irregular(change_rows: Callable[[Forgery, list[int]], list[int]]) -> Draft:
    def apply(f: Forgery) -> None:
        batch = next(e["body"] for e in f.logs["tally"] if e["type"] == "result-batch" and e["body"]["rows"])
        rows = canonical.decode(f.blobs[batch["irregular"]["sha256"]], limit=1 << 16)
        batch["irregular"] = f.put_blob(canonical.encode(change_rows(f, rows)))

    return forged(draft_of(elections.irregular()), apply)


@other(Check.MIX_CHAIN, "mixer/1", "A batch that passes through has another output than its input.")
def changed_passage() -> Draft:
    return forged(
        draft_of(elections.sparse()),
        lambda f: body(f, "shuffle").update(output=f.put_blob(f.blobs[body(f, "shuffle")["output"]["sha256"]][::-1])),
    )


@other(Check.DECRYPT_PROOF, "trustee/1", "A decryption of no rows has a proof.")
def proof_of_nothing() -> Draft:
    def apply(f: Forgery) -> None:
        first = f.body("tally", "decryption")
        empty = next(e["body"] for e in f.logs["tally"] if e["type"] == "decryption" and e["body"]["rows"] == 0)
        empty["proof"] = first["proof"]

    return forged(draft_of(elections.sparse()), apply)


def turned(type_: str, auditor: str) -> Draft:
    """An auditor that changed its mind changed it the other way round."""

    def apply(f: Forgery) -> None:
        for entry in f.logs["tally"]:
            if (entry["type"], entry["signer"]) == (type_, auditor):
                was = entry["body"]["verdict"]
                entry["body"]["verdict"] = "favourable" if was == "unfavourable" else "unfavourable"

    return forged(draft_of(elections.second_thoughts()), apply)


other(Check.CERTIFY_TWO, "authority", "The last opinion of an auditor is unfavourable, the one before was not.")(
    lambda: turned("opinion", "auditor/2")
)
other(Check.SYSTEM_TWO, "authority", "The last system opinion of an auditor is unfavourable, the one before was not.")(
    lambda: turned("system-opinion", "auditor/1")
)


@other(Check.IDENTITY, "tally", "The joint key is the identity: the last trustee chose its part to cancel the others'.")
def cancelled_key() -> Draft:
    return draft_of(elections.cancelling())


# --- folders ----------------------------------------------------------------------------------------------------------


def only_file(d: Draft, log: str) -> Draft:
    """A log's folder is replaced by an empty file."""
    d.files = {path: data for path, data in d.files.items() if not path.startswith(f"{log}/")} | {log: b""}
    return d


other(Check.NOTE, "tally", "A file stands where the folder of the tally log should.")(
    lambda: only_file(copy(plain("keys")), "tally")
)
other(Check.NOTE, "ballot-box", "A file stands where the folder of a log that has not begun would.")(
    lambda: only_file(copy(plain("keys")), "ballot")
)


@other(Check.BLOB_DIGEST, None, "A folder in `blob` is named like a digest.")
def folder_of_a_digest() -> Draft:
    d = copy(plain("roll"))
    d.files[f"blob/{'ab' * 32}/inside"] = b""
    return d


@other(
    Check.NOTE, "tally", "The registry log's tile is damaged, and the tally log has no checkpoint, which comes first."
)
def two_damages() -> Draft:
    d = copy(plain("roll"))
    tile = next(path for path in d.files if path.startswith("registry/tile/0/"))
    d.files[tile] = bytes(32)
    del d.files["tally/checkpoint"]
    return d


@other(Check.ORDER, "tally", "The registry log lacks what it builds on, and in the tally log a record stands too late.")
def two_disorders() -> Draft:
    """Places are looked at in all logs before foundations are."""

    def apply(f: Forgery) -> None:
        f.logs["registry"] = [entry for entry in f.logs["registry"] if entry["type"] != "roll"]
        f.logs["tally"].append(dict(f.logs["tally"][f.find("tally", "dkg-commit")]))

    return forged(draft_of(elections.changed_roll()), apply)

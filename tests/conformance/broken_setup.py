"""Rules about order, roles, the manifest, the key and the roll, each broken once; the rest is signed anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from changes import NO_ELEMENT, OTHER_ELEMENT, Changes, body, gate_of, patch_blob, setting, swap
from forge import Forgery
from test_every_check import offer_change, recommit

from vemre.checks import Check

CHANGES = Changes()
case, change = CHANGES.case, CHANGES.change
PARTY = "authority"

# --- order and roles ----------------------------------------------------------------------------------------------

change(
    Check.RECORD_ROLE,
    "tally",
    "A drill is signed by a trustee that does not exist.",
    lambda f: f.logs["tally"][f.find("tally", "drill")].update(signer="trustee/9"),
)
change(
    Check.RECORD_ROLE,
    "mixer/1",
    "A setup is signed by a mixer.",
    lambda f: f.logs["tally"][f.find("tally", "setup")].update(signer="mixer/1"),
)
change(
    Check.RECORD_ROLE,
    "ballot-box",
    "A ballot was made for another log.",
    lambda f: f.logs["ballot"][f.find("ballot", "ballot")].update(log="vemre.example/another/ballot"),
)
change(
    Check.RECORD_ROLE,
    "registry",
    "The registry reports an incident in the log of the tally.",
    lambda f: f.insert("tally", 1, "incident", "registry", {"kind": "x", "text": "x", "time": "2027-05-18T02:00:00Z"}),
)
change(
    Check.ORDER,
    "tally",
    "A shuffle stands after the result.",
    lambda f: f.logs["tally"].append(dict(f.logs["tally"][f.find("tally", "shuffle")])),
)
change(
    Check.ORDER,
    "ballot-box",
    "The ballot log begins with a ballot.",
    lambda f: f.logs["ballot"].insert(1, f.logs["ballot"].pop(0)),
)
change(Check.ORDER, "tally", "The tally log does not begin with the manifest.", lambda f: swap(f.logs["tally"], 0, 1))


@case(Check.ORDER, "tally", "The first shuffle stands before the decision on a small batch.")
def hasty_shuffle(f: Forgery) -> None:
    tally, place = f.logs["tally"], f.find("tally", "small-batch-decision")
    shuffle = tally.pop(f.find("tally", "shuffle"))
    shuffle["body"]["gate"] = gate_of(f, "tally", place)
    tally.insert(place, shuffle)


@case(Check.ORDER, "tally", "A decryption stands before the last shuffle.")
def hasty_decryption(f: Forgery) -> None:
    tally, place = f.logs["tally"], f.find("tally", "shuffle", 5)
    decryption = tally.pop(f.find("tally", "decryption"))
    decryption["body"]["gate"] = gate_of(f, "tally", place)
    tally.insert(place, decryption)


@case(Check.ORDER, "registry", "The registry marks voters before the box is closed.")
def marks_without_close(f: Forgery) -> None:
    del f.logs["ballot"][f.find("ballot", "close")]
    for log, type_ in (("tally", "tally-input"), ("tally", "small-batch-decision")):
        del f.logs[log][f.find(log, type_)]


# --- manifest -----------------------------------------------------------------------------------------------------


def offered(check: Check, about: str, apply: Callable[[dict[str, Any]], Any]) -> None:
    CHANGES.append((check, PARTY, offer_change(about, apply)))


offered(Check.MANIFEST_IDS, "Two urns have one id.", lambda o: o["urns"][1].update(id="urna-09"))
offered(Check.MANIFEST_IDS, "Two contests have one id.", lambda o: o["contests"][1].update(id="presidencia"))
offered(
    Check.MANIFEST_IDS, "A contest stands twice in an urn.", lambda o: o["urns"][1]["contests"].append("presidencia")
)
offered(
    Check.MANIFEST_IDS,
    "A coalition has one member.",
    lambda o: o["contests"][0]["coalitions"][0].update(members=["pan"]),
)
offered(
    Check.MANIFEST_IDS,
    "A coalition has a member that is no option.",
    lambda o: o["contests"][0]["coalitions"][0].update(members=["pan", "prd"]),
)
offered(
    Check.MANIFEST_IDS,
    "An option is in two coalitions.",
    lambda o: o["contests"][0]["coalitions"].append(
        {"id": "otra", "candidate": "Candidato B", "members": ["pan", "mc"]}
    ),
)
offered(
    Check.MANIFEST_IDS,
    "A coalition has the id of an option.",
    lambda o: o["contests"][0]["coalitions"][0].update(id="mc"),
)
offered(Check.MANIFEST_IDS, "An id has 33 characters.", lambda o: o["contests"][0]["options"][2].update(id="x" * 33))
offered(Check.MANIFEST_IDS, "An id ends in a line feed.", lambda o: o["contests"][0]["options"][2].update(id="mc\n"))
offered(
    Check.MANIFEST_IDS,
    "An id has a letter that is not ASCII.",
    lambda o: o["contests"][0]["options"][2].update(id="m\u00e7"),
)
offered(
    Check.MANIFEST_BLOCKS,
    "A contest has more blocks than its papers need.",
    lambda o: o["contests"][0].update(blocks=3),
)
offered(Check.MANIFEST_BLOCKS, "A contest has no blocks.", lambda o: o["contests"][1].update(blocks=0))

MANIFEST: list[tuple[Check, str, Callable[[dict[str, Any]], Any]]] = [
    (Check.MANIFEST_IDS, "The mixers are not numbered in order.", lambda m: swap(m["mixers"], 0, 1)),
    (
        Check.MANIFEST_KEYS,
        "A mixer has the key of a trustee.",
        lambda m: m["mixers"][0].update(sign=m["trustees"]["members"][0]["sign"]),
    ),
    (
        Check.MANIFEST_KEYS,
        "A trustee signs with the key of its box.",
        lambda m: m["trustees"]["members"][0].update(sign=m["trustees"]["members"][0]["box"]),
    ),
    (Check.MANIFEST_POLICY, "The policy asks for one mixer.", lambda m: m["policy"].update(mixers=1)),
    (Check.MANIFEST_POLICY, "The policy asks for more mixers than there are.", lambda m: m["policy"].update(mixers=3)),
    (Check.MANIFEST_POLICY, "The threshold is one.", lambda m: m["trustees"].update(threshold=1)),
    (
        Check.MANIFEST_POLICY,
        "The threshold is above the number of trustees.",
        lambda m: m["trustees"].update(threshold=4),
    ),
    (Check.MANIFEST_POLICY, "Batches of one may be decrypted.", lambda m: m["policy"].update(min_batch=1)),
    (
        Check.MANIFEST_AUDITORS,
        "The manifest gives an auditor another signing key.",
        lambda m: m["auditors"][1].update(sign=OTHER_ELEMENT),
    ),
]

for check_, about_, apply_ in MANIFEST:
    change(check_, PARTY, about_, lambda f, apply=apply_: apply(f.body("tally", "manifest")))

# --- key generation and drills ------------------------------------------------------------------------------------

change(
    Check.DKG_ORDER,
    "trustee/1",
    "A trustee commits twice.",
    lambda f: f.logs["tally"].insert(4, dict(f.logs["tally"][1])),
)
change(Check.DKG_ORDER, "trustee/1", "The first attempt has the number two.", setting("dkg-commit", 0, attempt=2))
change(Check.DKG_ORDER, "authority", "The setup names an attempt that never was.", setting("setup", 0, attempt=2))
change(
    Check.DKG_ORDER,
    "trustee/2",
    "A trustee's answer answers no complaint.",
    lambda f: f.insert(
        "tally",
        f.find("tally", "dkg-ack"),
        "dkg-answer",
        "trustee/2",
        {"attempt": 1, "share": "00" * 32, "to": "trustee/1"},
    ),
)
change(Check.DKG_SHARES, "trustee/1", "A dealer has a box too few.", lambda f: body(f, "dkg-shares")["shares"].pop())
change(
    Check.DKG_DEGREE,
    "trustee/1",
    "A trustee reveals one commitment less than the threshold.",
    lambda f: (body(f, "dkg-reveal")["commitments"].pop(), recommit(f, 0)),
)
change(
    Check.ELEMENT,
    "trustee/1",
    "A commitment of a trustee is not an element.",
    lambda f: (body(f, "dkg-reveal")["commitments"].__setitem__(1, NO_ELEMENT), recommit(f, 0)),
)
change(Check.DRILL, "tally", "The first drill has the number two.", setting("drill", 0, number=2))
change(
    Check.DRILL,
    "tally",
    "A trustee stands twice in a drill.",
    lambda f: body(f, "drill")["shares"].__setitem__(1, body(f, "drill")["shares"][0]),
)
change(
    Check.DRILL, "tally", "The key is set up without a drill.", lambda f: f.logs["tally"].pop(f.find("tally", "drill"))
)
change(
    Check.DRILL,
    "tally",
    "A drill stands before the last acknowledgement.",
    lambda f: swap(f.logs["tally"], f.find("tally", "drill"), f.find("tally", "dkg-ack", 2)),
)

# --- roll, setup, opening -----------------------------------------------------------------------------------------

change(
    Check.ROLL_URNS,
    "authority",
    "The setup counts voters in another order of urns.",
    lambda f: body(f, "setup")["lnere"].reverse(),
)
change(
    Check.ROLL_COUNT,
    "registry",
    "The roll states one credential less than its blob holds.",
    lambda f: body(f, "roll")["urns"][0].update(count=3),
)


change(
    Check.ROLL_KEYS,
    "registry",
    "The blob of an urn's credentials ends inside a key.",
    lambda f: patch_blob(f, body(f, "roll")["urns"][1], "credentials", lambda data: data[:-1]),
)


@case(Check.ROLL_UNIQUE, "registry", "A credential is on two urns.")
def on_two_urns(f: Forgery) -> None:
    first, second = f.body("registry", "roll")["urns"]
    mine, others = f.blobs[first["credentials"]["sha256"]][:32], f.blobs[second["credentials"]["sha256"]]
    keys = sorted([mine, *(others[i : i + 32] for i in range(32, len(others), 32))])
    second["credentials"] = f.put_blob(b"".join(keys))


change(
    Check.SETUP,
    PARTY,
    "The verification keys of two trustees are swapped.",
    lambda f: swap(body(f, "setup")["verification_keys"], 0, 1),
)
change(Check.SETUP, PARTY, "The setup names another record as the roll.", setting("setup", 0, roll="00" * 32))
change(Check.SETUP, PARTY, "The box is opened for another setup.", setting("open", 0, setup="00" * 32))
change(
    Check.SYSTEM_TWO, PARTY, "The box is opened upon one system opinion.", lambda f: body(f, "open")["opinions"].pop()
)
change(
    Check.SYSTEM_TWO,
    PARTY,
    "A system opinion is about another release.",
    setting("system-opinion", 0, release="00" * 32),
)
change(
    Check.CONTEXT,
    "trustee/1",
    "The context of a decryption is another election's.",
    setting("decryption", 0, context="00" * 32),
)
change(
    Check.ROWS, "mixer/1", "A shuffle is of a contest that its urn does not have.", setting("shuffle", 0, contest="x")
)
change(
    Check.ROWS,
    "tally",
    "The list to mix states another number of rows.",
    lambda f: body(f, "tally-input")["batches"][0].update(rows=5),
)

# --- roles that are none ----------------------------------------------------------------------------------------------

change(
    Check.DKG_SHARES,
    "trustee/2",
    "A dealer has a box for a role whose number has a leading zero.",
    lambda f: body(f, "dkg-shares", 1)["shares"][0].update(to="trustee/01"),
)
change(
    Check.DRILL,
    "tally",
    "A drill has the share of a role that does not exist.",
    lambda f: body(f, "drill")["shares"][1].update(trustee="trustee"),
)
change(
    Check.MANIFEST_IDS,
    "authority",
    "A mixer has a role id without a number.",
    lambda f: f.body("tally", "manifest")["mixers"][1].update(id="mixer"),
)
change(
    Check.ELEMENT,
    "tally",
    "A commitment of a proof in a drill is not an element.",
    lambda f: body(f, "drill")["shares"][1]["proof"].update(t2=NO_ELEMENT),
)

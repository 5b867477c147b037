"""Rules from the ballot to the certification, each broken once; the rest is signed anew."""

from __future__ import annotations

from changes import NO_ELEMENT, OTHER_ELEMENT, Changes, body, gate_of, patch_blob, setting, swap
from forge import Forgery
from simulator import GROUP

from vemre.checks import Check
from vemre.crypto import canonical

CHANGES = Changes()
case, change = CHANGES.case, CHANGES.change
PARTY = "authority"

# --- ballots ------------------------------------------------------------------------------------------------------

change(
    Check.BALLOT_CONTESTS,
    "ballot-box",
    "The contests of a ballot are in another order.",
    lambda f: body(f, "ballot")["contests"].reverse(),
)
change(
    Check.BALLOT_CONTESTS,
    "ballot-box",
    "A ballot has a block too few.",
    lambda f: body(f, "ballot")["contests"][0]["ciphertexts"].pop(),
)
change(
    Check.BALLOT_CONTESTS,
    "ballot-box",
    "A ballot has a proof too few.",
    lambda f: body(f, "ballot")["contests"][0]["pok"].pop(),
)
change(
    Check.BALLOT_FRESH,
    "ballot-box",
    "A ballot has an element twice.",
    lambda f: body(f, "ballot")["contests"][0]["ciphertexts"][1].update(
        b=body(f, "ballot")["contests"][0]["ciphertexts"][0]["b"]
    ),
)
change(
    Check.BALLOT_POK,
    "ballot-box",
    "The response of a ballot's last proof is zero.",
    lambda f: body(f, "ballot", 4)["contests"][0]["pok"][1].update(response="00" * 32),
)
change(
    Check.BALLOT_POK,
    "ballot-box",
    "An element that the proof is not directly about is replaced.",
    lambda f: body(f, "ballot")["contests"][0]["ciphertexts"][0].update(b=OTHER_ELEMENT),
)


@case(
    Check.BALLOT_POK,
    "ballot-box",
    "A voter casts another's ciphertexts and proofs, each moved by a known amount, as its own.",
)
def another_voters_proofs(f: Forgery) -> None:
    """Ciphertexts by the same urn's first voter plus one G, with the proofs moved along: the challenge binds them."""
    mine, theirs = body(f, "ballot", 1), body(f, "ballot", 0)
    g = GROUP.base_mul(GROUP.scalars([1]))
    for target, source in zip(mine["contests"], theirs["contests"], strict=True):
        for to, pair in zip(target["ciphertexts"], source["ciphertexts"], strict=True):
            to["a"] = (GROUP.decode(bytes.fromhex(pair["a"])) + g).encode().hex()
        target["pok"] = source["pok"]


# --- close, marks, mixing -----------------------------------------------------------------------------------------

change(
    Check.RECONCILE,
    "registry",
    "A country stands after `other`.",
    lambda f: body(f, "marks").update(countries=[{"country": "other", "count": 4}, {"country": "US", "count": 1}]),
)
change(
    Check.RECONCILE,
    "registry",
    "A country stands twice.",
    lambda f: body(f, "marks").update(countries=[{"country": "US", "count": 4}, {"country": "US", "count": 1}]),
)
change(
    Check.CLOSE_COUNT,
    "ballot-box",
    "The close counts the urns in another order.",
    lambda f: body(f, "close")["counts"].reverse(),
)
change(
    Check.TALLY_INPUT,
    "tally",
    "The batches to mix are in another order.",
    lambda f: swap(body(f, "tally-input")["batches"], 0, 1),
)
change(Check.MIX_CHAIN, "mixer/2", "A shuffle of several rows has no proof.", setting("shuffle", 3, proof=None))
change(
    Check.SHUFFLE_LENGTH,
    "mixer/1",
    "The proof of a shuffle has 32 bytes too many.",
    lambda f: patch_blob(f, body(f, "shuffle"), "proof", lambda data: data + bytes(32)),
)
change(
    Check.SHUFFLE_LENGTH,
    "mixer/1",
    "The output of a shuffle lacks a ciphertext.",
    lambda f: patch_blob(f, body(f, "shuffle"), "output", lambda data: data[:-64]),
)
change(
    Check.SHUFFLE,
    "mixer/2",
    "The last response of a shuffle proof is zero.",
    lambda f: patch_blob(f, body(f, "shuffle", 3), "proof", lambda data: data[:-32] + bytes(32)),
)
change(
    Check.SHUFFLE,
    "mixer/1",
    "A mixer replaces a ciphertext.",
    lambda f: patch_blob(f, body(f, "shuffle"), "output", lambda data: bytes.fromhex(OTHER_ELEMENT) + data[32:]),
)
change(
    Check.IDENTITY,
    "mixer/1",
    "A commitment of a shuffle proof is the identity.",
    lambda f: patch_blob(f, body(f, "shuffle"), "proof", lambda data: bytes(32) + data[32:]),
)
change(
    Check.SCALAR,
    "mixer/1",
    "The last response of a shuffle proof is not below l.",
    lambda f: patch_blob(f, body(f, "shuffle"), "proof", lambda data: data[:-32] + b"\xff" * 32),
)
change(
    Check.ELEMENT,
    "mixer/1",
    "The output of a shuffle holds an encoding of no element.",
    lambda f: patch_blob(f, body(f, "shuffle"), "output", lambda data: bytes.fromhex(NO_ELEMENT) + data[32:]),
)


@case(Check.SHUFFLE, "mixer/2", "Two mixers swap their names: the proof of one is not the other's.")
def swapped_mixers(f: Forgery) -> None:
    first, second = (f.logs["tally"][f.find("tally", "shuffle", nth)] for nth in (0, 3))
    first["signer"], second["signer"] = second["signer"], first["signer"]


# --- decryption and result ------------------------------------------------------------------------------------------

change(
    Check.MIN_BATCH,
    "authority",
    "The decision on a small batch is not to decrypt it.",
    setting("small-batch-decision", 0, decision="keep"),
)
change(
    Check.DECRYPT_PROOF,
    "trustee/1",
    "A trustee gives a share too few.",
    lambda f: patch_blob(f, body(f, "decryption"), "shares", lambda data: data[:-32]),
)
change(
    Check.DECRYPT_PROOF,
    "trustee/1",
    "A share is another element.",
    lambda f: patch_blob(f, body(f, "decryption"), "shares", lambda data: bytes.fromhex(OTHER_ELEMENT) + data[32:]),
)
change(
    Check.DECRYPT_PROOF, "trustee/2", "A trustee gives shares without a proof.", setting("decryption", 3, proof=None)
)
change(
    Check.DECRYPT_PROOF,
    "trustee/3",
    "A trustee passes off another's decryption as its own.",
    lambda f: f.logs["tally"][f.find("tally", "decryption")].update(signer="trustee/3"),
)
change(
    Check.RESULT,
    "tally",
    "A vote is moved from one option to another.",
    lambda f: (
        body(f, "result-batch")["options"][3].update(votes=body(f, "result-batch")["options"][3]["votes"] - 1),
        body(f, "result-batch")["options"][2].update(votes=body(f, "result-batch")["options"][2]["votes"] + 1),
    ),
)
change(
    Check.RESULT,
    "tally",
    "A vote of a combination is given to the other member.",
    lambda f: swap(body(f, "result-batch")["distributed"], 0, 1),
)
change(
    Check.RESULT,
    "tally",
    "A candidate has a vote more.",
    lambda f: body(f, "result-batch")["candidates"][0].update(votes=9),
)
change(Check.RESULT, "tally", "A combination is not listed.", lambda f: body(f, "result-batch").update(combinations=[]))
change(
    Check.RESULT,
    "tally",
    "A write-in is listed in another spelling.",
    lambda f: body(f, "result-batch")["write_ins"].update(
        texts=f.put_blob(canonical.encode(["Benito Ju\u0061\u0301rez"]))
    ),
)
change(
    Check.RESULT, "tally", "The result does not name one of its batches.", lambda f: body(f, "result")["batches"].pop()
)
change(
    Check.RESULT,
    "tally",
    "A batch has two results.",
    lambda f: f.logs["tally"].insert(f.find("tally", "result"), dict(f.logs["tally"][f.find("tally", "result-batch")])),
)
change(
    Check.CANONICAL,
    "tally",
    "The list of irregular rows has a space.",
    lambda f: body(f, "result-batch").update(irregular=f.put_blob(b"[ ]")),
)

# --- opinions, certification, gates -----------------------------------------------------------------------------------

change(
    Check.OPINION,
    "auditor/1",
    "An opinion rests on a state of the tally log without the result.",
    lambda f: body(f, "opinion").update(tally=body(f, "result")["gate"]),
)
change(
    Check.CERTIFY_TWO,
    PARTY,
    "The certification names another record as the result.",
    setting("certification", 0, result="00" * 32),
)
change(
    Check.CERTIFY_TWO,
    PARTY,
    "The certification names one opinion twice.",
    lambda f: body(f, "certification")["opinions"].__setitem__(1, body(f, "certification")["opinions"][0]),
)
change(
    Check.GATE,
    "trustee/1",
    "A decryption rests on a checkpoint before the last shuffle.",
    lambda f: body(f, "decryption").update(gate=body(f, "shuffle")["gate"]),
)
change(
    Check.GATE,
    "tally",
    "The result rests on a checkpoint before the results of its batches.",
    lambda f: body(f, "result").update(gate=body(f, "decryption")["gate"]),
)
change(
    Check.GATE,
    PARTY,
    "The certification rests on a checkpoint before the opinions.",
    lambda f: body(f, "certification").update(gate=body(f, "opinion")["tally"]),
)


@case(Check.GATE, "registry", "The marks rest on a checkpoint before the close.")
def marks_before_the_close(f: Forgery) -> None:
    f.body("registry", "marks")["ballot"] = gate_of(f, "ballot", f.find("ballot", "close"))

"""Every check id refuses a record that breaks it and nothing before it, and names the party.

Each case alters a good record and has it signed anew by everyone but those whom the check protects. Its docstring says
what is wrong; the conformance corpus prints it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import forge
import pytest
import simulator
from forge import Forgery

from audit.verify.folder import RecordFolder
from audit.verify.report import Status
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.crypto import canonical
from vemre.log import merkle

Change = Callable[[Forgery], None]
CASES: list[tuple[Check, str, Change]] = []

SMALL = hex(1)[2:].zfill(2) + "00" * 31
"""The encoding of a point of small order."""
IDENTITY = "00" * 32
UNREDUCED = "ff" * 32


def case(check: Check, party: str) -> Callable[[Change], Change]:
    def keep(change: Change) -> Change:
        CASES.append((check, party, change))
        return change

    return keep


# --- the record as bytes -------------------------------------------------------------------------------------


@case(Check.CANONICAL, "registry")
def unknown_field(f: Forgery) -> None:
    """A body has a field that its type does not know."""
    f.body("registry", "roll")["extra"] = 1


@case(Check.CANONICAL, "tally")
def upper_case_hex(f: Forgery) -> None:
    """A public key is written in upper-case hex."""
    body = f.body("tally", "setup")
    body["joint_key"] = body["joint_key"].upper()


@case(Check.CANONICAL, "tally")
def boolean_for_a_number(f: Forgery) -> None:
    """A number is replaced by a boolean."""
    f.body("tally", "drill")["number"] = True


@case(Check.ELEMENT, "trustee/1")
def share_is_no_element(f: Forgery) -> None:
    """A blob of decryption shares does not hold encodings of elements."""
    body = f.body("tally", "decryption")
    body["shares"] = f.put_blob(b"\xff" * body["shares"]["size"])


@case(Check.IDENTITY, "mixer/1")
def output_holds_the_identity(f: Forgery) -> None:
    """The output of a shuffle holds the identity."""
    body = f.body("tally", "shuffle")
    data = bytearray(f.blobs[body["output"]["sha256"]])
    data[:32] = bytes(32)
    body["output"] = f.put_blob(bytes(data))


@case(Check.SCALAR, "trustee/1")
def response_not_reduced(f: Forgery) -> None:
    """The response of a decryption proof is not below l."""
    f.body("tally", "decryption")["proof"]["response"] = UNREDUCED


@case(Check.BLOB_DIGEST, "tally")
def blob_missing(f: Forgery) -> None:
    """The document of an audit plan is not in the record."""
    del f.blobs[f.body("tally", "audit-plan")["document"]["sha256"]]


@case(Check.BLOB_DIGEST, "registry")
def blob_of_another_size(f: Forgery) -> None:
    """A record states another size of its blob."""
    f.body("registry", "roll")["urns"][0]["credentials"]["size"] += 32


# --- signatures, roles, order ----------------------------------------------------------------------------------


@case(Check.RECORD_SIGNATURE, "mixer/2")
def signature_of_somebody_else(f: Forgery) -> None:
    """The signature of a shuffle was not made with the mixer's key."""
    entry = f.logs["tally"][f.find("tally", "shuffle", 3)]
    entry["signature"] = "11" * 64
    f.keys.roles.pop("mixer/2")


@case(Check.RECORD_ROLE, "tally")
def close_signed_by_the_tally(f: Forgery) -> None:
    """The close is signed by the tally, which may not close the box."""
    f.logs["ballot"][f.find("ballot", "close")]["signer"] = "tally"


@case(Check.RECORD_ROLE, "ballot-box")
def record_of_another_log(f: Forgery) -> None:
    """The close was made for the log of another election."""
    f.logs["ballot"][f.find("ballot", "close")]["log"] = "vemre.example/another/ballot"


@case(Check.ORDER, "tally")
def result_before_its_batches(f: Forgery) -> None:
    """A batch has its result before its last decryption."""
    tally = f.logs["tally"]
    i, j = f.find("tally", "result-batch", 2), f.find("tally", "result-batch", 2) - 4
    tally.insert(j, tally.pop(i))


@case(Check.ORDER, "ballot-box")
def ballot_after_the_close(f: Forgery) -> None:
    """A ballot stands after the close."""
    ballot = f.logs["ballot"]
    ballot.insert(len(ballot) - 1, ballot.pop())
    ballot.append(ballot.pop(f.find("ballot", "ballot")))


# --- manifest --------------------------------------------------------------------------------------------------


@case(Check.MANIFEST_AUTHORITY, "authority")
def another_authority(f: Forgery) -> None:
    """The manifest and all else of the authority is signed with a key that the policy does not name."""
    key = bytes(range(32))
    f.keys.roles["authority"] = key
    f.body("tally", "manifest")["authority"]["sign"] = forge.SigningKey.from_seed(key).public.hex()
    f.resign_signer("authority")


@case(Check.MANIFEST_LOGS, "authority")
def another_log_key(f: Forgery) -> None:
    """The manifest gives the registry log the key of the ballot log."""
    manifest = f.body("tally", "manifest")
    manifest["registry"]["log"] = manifest["ballot_box"]["log"]


@case(Check.MANIFEST_AUDITORS, "authority")
def another_witness(f: Forgery) -> None:
    """The manifest gives an auditor the witness key of the other."""
    manifest = f.body("tally", "manifest")
    manifest["auditors"][0]["witness"] = manifest["auditors"][1]["witness"]


def offer_change(about: str, change: Callable[[dict[str, Any]], None]) -> Change:
    def apply(f: Forgery) -> None:
        manifest = f.body("tally", "manifest")
        offer = canonical.decode(f.blobs[manifest["offer"]["sha256"]], limit=1 << 20)
        change(offer)
        manifest["offer"] = f.put_blob(canonical.encode(offer))

    apply.__doc__ = about
    return apply


case(Check.MANIFEST_IDS, "authority")(
    offer_change("Two options of a contest have one id.", lambda o: o["contests"][0]["options"][1].update(id="pan"))
)
case(Check.MANIFEST_IDS, "authority")(
    offer_change("The id of an urn has a space and an upper-case letter.", lambda o: o["urns"][0].update(id="Urna 09"))
)
case(Check.MANIFEST_IDS, "authority")(
    offer_change("An urn has a contest that does not exist.", lambda o: o["urns"][0]["contests"].append("nada"))
)
case(Check.MANIFEST_IDS, "authority")(
    offer_change(
        "A coalition names one member twice.",
        lambda o: o["contests"][0]["coalitions"][0].update(members=["pan", "pan"]),
    )
)
case(Check.MANIFEST_BLOCKS, "authority")(
    offer_change("A contest has fewer blocks than its papers need.", lambda o: o["contests"][0].update(blocks=1))
)
# Another list of options makes another manifest, under which no proof of the key's generation holds.
case(Check.DKG_POP, "trustee/1")(
    offer_change(
        "The key was made for a manifest with another list of options.",
        lambda o: o["contests"][0]["options"].append({"id": "x", "name": "X"}),
    )
)


@case(Check.MANIFEST_KEYS, "authority")
def one_key_for_two_roles(f: Forgery) -> None:
    """Two trustees have one box key."""
    members = f.body("tally", "manifest")["trustees"]["members"]
    members[0]["box"] = members[1]["box"]


@case(Check.MANIFEST_POLICY, "authority")
def revoting(f: Forgery) -> None:
    """The policy of the manifest allows voting again."""
    f.body("tally", "manifest")["policy"]["revote"] = "allowed"


# --- key generation ----------------------------------------------------------------------------------------------


@case(Check.DKG_ORDER, "trustee/1")
def reveal_before_all_commits(f: Forgery) -> None:
    """A trustee reveals before the last one has committed."""
    tally = f.logs["tally"]
    tally.insert(f.find("tally", "dkg-commit", 2), tally.pop(f.find("tally", "dkg-reveal", 0)))


@case(Check.DKG_COMMIT, "trustee/2")
def reveal_of_something_else(f: Forgery) -> None:
    """A trustee reveals other commitments than it committed to."""
    f.body("tally", "dkg-commit", 1)["digest"] = "00" * 32


def recommit(f: Forgery, nth: int) -> None:
    digest = sha256(canonical.encode(f.body("tally", "dkg-reveal", nth))).hexdigest()
    f.body("tally", "dkg-commit", nth)["digest"] = digest


@case(Check.DKG_DEGREE, "trustee/3")
def excess_degree(f: Forgery) -> None:
    """A trustee reveals one commitment more than the threshold."""
    body = f.body("tally", "dkg-reveal", 2)
    body["commitments"].append(body["commitments"][0])
    recommit(f, 2)


@case(Check.DKG_DEGREE, "trustee/3")
def identity_commitment(f: Forgery) -> None:
    """A trustee's second commitment is the identity."""
    f.body("tally", "dkg-reveal", 2)["commitments"][1] = IDENTITY
    recommit(f, 2)


@case(Check.DKG_POP, "trustee/1")
def possession_of_another_key(f: Forgery) -> None:
    """A trustee takes another's first commitment, of which it cannot prove possession."""
    body = f.body("tally", "dkg-reveal", 0)
    body["commitments"][0] = f.body("tally", "dkg-reveal", 1)["commitments"][0]
    recommit(f, 0)


@case(Check.DKG_SHARES, "trustee/2")
def box_for_one_trustee_twice(f: Forgery) -> None:
    """A dealer has two boxes for one trustee and none for another."""
    f.body("tally", "dkg-shares", 1)["shares"][0]["to"] = "trustee/2"


@case(Check.DKG_ACK, "trustee/3")
def acknowledges_another_view(f: Forgery) -> None:
    """A trustee acknowledges another transcript."""
    f.body("tally", "dkg-ack", 2)["transcript"] = "00" * 32


@case(Check.DKG_ACK, "trustee/3")
def one_does_not_acknowledge(f: Forgery) -> None:
    """One trustee never acknowledges the key."""
    del f.logs["tally"][f.find("tally", "dkg-ack", 2)]


@case(Check.DRILL, "trustee/2")
def drill_share_forged(f: Forgery) -> None:
    """A share of the drill is that of another trustee."""
    shares = f.body("tally", "drill")["shares"]
    shares[1]["share"] = shares[0]["share"]


@case(Check.DRILL, "tally")
def drill_without_all(f: Forgery) -> None:
    """The drill before setup lacks a trustee."""
    f.body("tally", "drill")["shares"].pop()


# --- roll and setup ------------------------------------------------------------------------------------------------


@case(Check.ROLL_URNS, "registry")
def urns_in_another_order(f: Forgery) -> None:
    """The roll lists the urns in another order than the offer."""
    f.body("registry", "roll")["urns"].reverse()


def roll_change(about: str, change: Callable[[bytes], bytes]) -> Change:
    def apply(f: Forgery) -> None:
        urn = f.body("registry", "roll")["urns"][0]
        urn["credentials"] = f.put_blob(change(f.blobs[urn["credentials"]["sha256"]]))

    apply.__doc__ = about
    return apply


case(Check.ROLL_KEYS, "registry")(
    roll_change("A credential is a point of small order.", lambda keys: bytes.fromhex(SMALL) + keys[32:])
)
case(Check.ROLL_UNIQUE, "registry")(
    roll_change("The credentials of an urn are not in order.", lambda keys: keys[32:64] + keys[:32] + keys[64:])
)
case(Check.ROLL_UNIQUE, "registry")(
    roll_change("A credential stands twice on the roll.", lambda keys: keys[:32] + keys[:32] + keys[64:])
)
case(Check.ROLL_COUNT, "registry")(
    roll_change("The roll states one credential more than its blob holds.", lambda keys: keys[:-32])
)


@case(Check.ROLL_COUNT, "registry")
def more_credentials_than_voters(f: Forgery) -> None:
    """The roll has one credential more than the authority counts voters."""
    f.body("tally", "setup")["lnere"][1]["count"] -= 1


@case(Check.ROLL_FROZEN, "registry")
def replaced_after_the_setup(f: Forgery) -> None:
    """A credential is replaced after setup."""
    urn = f.body("registry", "roll")["urns"][1]
    old = f.blobs[urn["credentials"]["sha256"]][:32].hex()
    new = forge.SigningKey.from_seed(bytes(range(32))).public.hex()
    body = {"new": new, "old": old, "urn": urn["urn"]}
    f.insert("registry", f.find("registry", "roll") + 1, "roll-replace", "registry", body)


@case(Check.SETUP, "authority")
def another_joint_key(f: Forgery) -> None:
    """Setup states a joint key that the trustees did not make."""
    setup = f.body("tally", "setup")
    setup["joint_key"] = setup["verification_keys"][0]


@case(Check.SYSTEM_TWO, "authority")
def one_opinion_twice(f: Forgery) -> None:
    """The box is opened upon one system opinion that is named twice."""
    opinions = f.body("ballot", "open")["opinions"]
    opinions[1] = opinions[0]


@case(Check.SYSTEM_TWO, "authority")
def unfavourable_system_opinion(f: Forgery) -> None:
    """The box is opened although a named system opinion is unfavourable."""
    f.body("tally", "system-opinion", 1)["verdict"] = "unfavourable"


@case(Check.CONTEXT, "ballot-box")
def close_of_another_election(f: Forgery) -> None:
    """The context of the close is another election's."""
    f.body("ballot", "close")["context"] = "00" * 32


@case(Check.ROWS, "mixer/2")
def rows_of_a_shuffle(f: Forgery) -> None:
    """A shuffle states another number of rows than the urn has ballots."""
    f.body("tally", "shuffle", 4)["rows"] += 1


# --- ballots -------------------------------------------------------------------------------------------------------


@case(Check.BALLOT_CONTEXT, "ballot-box")
def ballot_of_another_election(f: Forgery) -> None:
    """The context of a ballot is another election's."""
    f.body("ballot", "ballot", 1)["context"] = "00" * 32


@case(Check.BALLOT_TIME, "authority")
def opened_too_early(f: Forgery) -> None:
    """The box is opened before its time."""
    f.body("ballot", "open")["time"] = "2020-01-01T00:00:00Z"


@case(Check.BALLOT_TIME, "ballot-box")
def closed_too_early(f: Forgery) -> None:
    """The box is closed before its time."""
    f.body("ballot", "close")["time"] = "2027-05-17T00:00:00Z"


@case(Check.BALLOT_ELIGIBLE, "ballot-box")
def credential_of_another_urn(f: Forgery) -> None:
    """A voter of one urn casts in another."""
    f.body("ballot", "ballot", 0)["urn"] = "urna-17"


@case(Check.BALLOT_ONCE, "ballot-box")
def ballot_twice(f: Forgery) -> None:
    """A ballot stands twice in the log."""
    f.logs["ballot"].insert(3, dict(f.logs["ballot"][f.find("ballot", "ballot")]))


@case(Check.BALLOT_CONTESTS, "ballot-box")
def contest_missing(f: Forgery) -> None:
    """A ballot lacks a contest of its urn."""
    f.body("ballot", "ballot", 0)["contests"].pop()


@case(Check.BALLOT_FRESH, "ballot-box")
def ciphertext_copied(f: Forgery) -> None:
    """A ballot repeats an element of an earlier ballot."""
    first, second = f.body("ballot", "ballot", 0), f.body("ballot", "ballot", 1)
    second["contests"][0]["ciphertexts"][0]["a"] = first["contests"][0]["ciphertexts"][0]["a"]


@case(Check.BALLOT_SIGNATURE, "ballot-box")
def ballot_without_the_credential(f: Forgery) -> None:
    """A ballot is not signed with the credential that it names."""
    entry = f.logs["ballot"][f.find("ballot", "ballot")]
    f.keys.credentials.pop(entry["signer"])
    entry["signature"] = "22" * 64


@case(Check.BALLOT_POK, "ballot-box")
def proof_of_another_contest(f: Forgery) -> None:
    """A ballot carries the proofs of another voter's ballot."""
    first, second = f.body("ballot", "ballot", 0), f.body("ballot", "ballot", 1)
    second["contests"][0]["pok"] = first["contests"][0]["pok"]


# --- close to result ---------------------------------------------------------------------------------------------


@case(Check.CLOSE_COUNT, "ballot-box")
def close_counts_more(f: Forgery) -> None:
    """The close counts a ballot that is not in the log."""
    f.body("ballot", "close")["counts"][1]["ballots"] += 1


@case(Check.CLOSE_COUNT, "ballot-box")
def ballot_removed(f: Forgery) -> None:
    """A ballot that was counted at the close is gone from the log."""
    del f.logs["ballot"][f.find("ballot", "ballot")]


@case(Check.RECONCILE, "registry")
def marks_count_more(f: Forgery) -> None:
    """The registry marks one voter more than there are ballots."""
    f.body("registry", "marks")["counts"][0]["count"] += 1


@case(Check.RECONCILE, "registry")
def countries_count_less(f: Forgery) -> None:
    """The countries of the marks do not add up to the ballots."""
    f.body("registry", "marks")["countries"][0]["count"] -= 1


@case(Check.TALLY_INPUT, "tally")
def ballots_swapped(f: Forgery) -> None:
    """Two ballots changed places after the list to mix was made."""
    ballot, i = f.logs["ballot"], f.find("ballot", "ballot")
    ballot[i], ballot[i + 1] = ballot[i + 1], ballot[i]


@case(Check.TALLY_INPUT, "tally")
def list_to_mix_altered(f: Forgery) -> None:
    """The list to mix has its rows in another order than the log."""
    batches = f.body("tally", "tally-input")["batches"]
    data = f.blobs[batches[0]["input"]["sha256"]]
    batches[0]["input"] = f.put_blob(data[256:] + data[:256])


@case(Check.MIX_CHAIN, "mixer/1")
def mixer_twice(f: Forgery) -> None:
    """One mixer mixes a batch twice."""
    f.logs["tally"][f.find("tally", "shuffle", 3)]["signer"] = "mixer/1"


@case(Check.MIX_COUNT, "tally")
def mixer_skipped(f: Forgery) -> None:
    """A batch is decrypted after one mixer instead of two."""
    del f.logs["tally"][f.find("tally", "shuffle", 5)]


@case(Check.SHUFFLE_LENGTH, "mixer/2")
def proof_too_short(f: Forgery) -> None:
    """The proof of a shuffle is one scalar too short."""
    body = f.body("tally", "shuffle", 3)
    body["proof"] = f.put_blob(f.blobs[body["proof"]["sha256"]][:-32])


@case(Check.SHUFFLE, "mixer/1")
def two_rows_equal(f: Forgery) -> None:
    """A mixer replaces one row by a copy of another."""
    body = f.body("tally", "shuffle", 0)
    data = f.blobs[body["output"]["sha256"]]
    body["output"] = f.put_blob(data[:128] + data[:128] + data[256:])


@case(Check.MIN_BATCH, "trustee/1")
def small_batch_undecided(f: Forgery) -> None:
    """A small batch is decrypted without the authority's decision."""
    del f.logs["tally"][f.find("tally", "small-batch-decision")]


@case(Check.DECRYPT_ONCE, "trustee/1")
def decrypted_twice(f: Forgery) -> None:
    """A trustee decrypts one batch twice."""
    i = f.find("tally", "decryption")
    f.logs["tally"].insert(i + 1, dict(f.logs["tally"][i]))


@case(Check.DECRYPT_PROOF, "trustee/2")
def share_of_another_key(f: Forgery) -> None:
    """A trustee passes off another's shares as its own."""
    first, second = f.body("tally", "decryption", 0), f.body("tally", "decryption", 3)
    second["shares"] = first["shares"]


@case(Check.DECRYPT_QUORUM, "tally")
def too_few_shares(f: Forgery) -> None:
    """A batch is counted with fewer trustees than the threshold."""
    del f.logs["tally"][f.find("tally", "decryption", 4)]


@case(Check.RESULT, "tally")
def count_edited(f: Forgery) -> None:
    """A vote is added to the first option."""
    f.body("tally", "result-batch")["options"][0]["votes"] += 1


@case(Check.RESULT, "tally")
def batches_in_another_order(f: Forgery) -> None:
    """The result names its batches in another order."""
    f.body("tally", "result")["batches"].reverse()


@case(Check.OPINION, "auditor/1")
def opinion_before_the_marks(f: Forgery) -> None:
    """An opinion rests on a state of the registry log without the marks."""
    body = f.body("tally", "opinion")
    body["registry"] = f.body("tally", "setup")["registry"]


@case(Check.CERTIFY_TWO, "authority")
def certified_with_one_opinion(f: Forgery) -> None:
    """The certification names one opinion."""
    f.body("tally", "certification")["opinions"].pop()


@case(Check.CERTIFY_TWO, "authority")
def certified_against_an_opinion(f: Forgery) -> None:
    """The certification stands although an auditor's opinion is unfavourable."""
    f.body("tally", "opinion", 1)["verdict"] = "unfavourable"


@case(Check.GATE, "mixer/2")
def gate_before_the_previous_shuffle(f: Forgery) -> None:
    """The second shuffle rests on a checkpoint that does not cover the first."""
    f.body("tally", "shuffle", 3)["gate"] = f.body("tally", "shuffle", 0)["gate"]


# --- checks of bytes that no signature covers --------------------------------------------------------------------


@pytest.fixture(scope="module")
def election() -> simulator.Simulator:
    return simulator.Simulator(min_batch=3).reach("certified")


@pytest.fixture(scope="module")
def record(election: simulator.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return election.write(tmp_path_factory.mktemp("election") / "record")


def verdict(election: simulator.Simulator, record: Path) -> Any:
    return verify_record(RecordFolder(record), election.view.anchors, simulator.GROUP, os.urandom)


def test_the_record_itself_is_valid(election: simulator.Simulator, record: Path) -> None:
    report = verdict(election, record)
    assert report.failure is None
    assert report.certified
    assert all(check.status is Status.PASSED for check in report.checks.values())


def test_a_forger_who_changes_nothing_is_not_refused(
    election: simulator.Simulator, record: Path, tmp_path: Path
) -> None:
    assert verdict(election, Forgery.open(record, election.forge_keys()).write(tmp_path / "same")).valid


@pytest.mark.parametrize(("check", "party", "change"), CASES, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(CASES)])
def test_the_check_refuses(
    election: simulator.Simulator, record: Path, tmp_path: Path, check: Check, party: str, change: Change
) -> None:
    forgery = Forgery.open(record, election.forge_keys())
    change(forgery)
    report = verdict(election, forgery.write(tmp_path / "forged"))
    assert report.failure is not None
    assert (report.failure.check, report.failure.party) == (check, party), str(report.failure)
    assert report.failure.where
    assert report.result == []
    assert not report.certified


def test_a_cited_root_that_is_not_the_logs_convicts_its_writer(
    election: simulator.Simulator, record: Path, tmp_path: Path
) -> None:
    """The ballot box signs and both witnesses cosign another history than the one that it publishes."""
    forgery = Forgery.open(record, election.forge_keys())
    shown = forgery._checkpoint("ballot", [b"another history"] * 6, 6)
    forgery.body("registry", "marks")["ballot"] = shown.decode()
    forge.sign(forgery.logs["registry"][forgery.find("registry", "marks")], election.keys["registry"])
    failure = verdict(election, forgery.write(tmp_path / "forged", resign=False)).failure
    assert failure is not None
    assert (failure.check, failure.party) == (Check.CHECKPOINT, "ballot-box")


@pytest.mark.parametrize("log", ["registry", "ballot", "tally"])
@pytest.mark.parametrize("auditors", [[], ["auditor/1"]])
def test_published_checkpoints_need_both_auditors(
    election: simulator.Simulator, record: Path, tmp_path: Path, log: str, auditors: list[str]
) -> None:
    forgery = Forgery.open(record, election.forge_keys())
    forged = forgery.write(tmp_path / "forged")
    (forged / log / "checkpoint").write_text(election.checkpoint(log, auditors=auditors))  # type: ignore[arg-type]
    failure = verdict(election, forged).failure
    assert failure is not None
    assert (failure.check, failure.where) == (Check.NOTE, f"{log}/checkpoint")


def test_a_gate_needs_both_auditors(election: simulator.Simulator, record: Path, tmp_path: Path) -> None:
    forgery = Forgery.open(record, election.forge_keys())
    body = forgery.body("tally", "shuffle", 0)
    body["gate"] = election.checkpoint("tally", forgery.find("tally", "shuffle", 0), auditors=["auditor/2"])
    failure = verdict(election, forgery.write(tmp_path / "forged")).failure
    assert failure is not None
    assert (failure.check, failure.party) == (Check.GATE, "mixer/1")


def test_every_check_id_has_a_case() -> None:
    elsewhere = {Check.PARAMS, Check.NOTE, Check.LOG, Check.CHECKPOINT}
    assert {check for check, _, _ in CASES} | elsewhere == set(Check)


def test_leaf_hashes_are_rfc_6962(election: simulator.Simulator) -> None:
    record = election.view.tally.records[0]
    assert record.leaf_hash == merkle.leaf_hash(record.entry) == sha256(b"\0" + record.entry).digest()

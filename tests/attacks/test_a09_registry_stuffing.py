"""A9: stuffing by the registry: credentials too many, doubled, or too late. The authority's own count and the freeze at
the setup leave no room."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from served import BallotBoxUnderTest, write_logs
from simulator import CLOSES, Simulator, Voter, refusal

from ballot.voter.duty import VerifiedElection
from vemre.checks import Check
from vemre.crypto.credential import Credential
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.choice import Null
from vemre.election.rules import engine, keygen, roll
from vemre.errors import Refused
from vemre.records import setup_bodies as s

OWN = SigningKey(bytes([9]) * 32)


def rolled(change: Callable[[dict[str, list[bytes]]], None]) -> Simulator:
    """An election whose registry published another roll than it should, and whose setup stands on it."""
    sim = Simulator().reach("keys")
    credentials: dict[str, list[bytes]] = {}
    for voter in sim.voters:
        credentials.setdefault(voter.urn, []).append(voter.key.public)
    change(credentials)
    draft = drafts.roll(sim.offer, credentials)
    sim.append("registry", "registry", draft, check=False)
    return sim


def test_extra_credential_breaks_the_authoritys_count() -> None:
    sim = rolled(lambda credentials: credentials["urna-09"].append(OWN.public))
    failure = refusal(sim.set_up)
    assert (failure.check, failure.party) == (Check.ROLL_COUNT, "registry")


def test_voter_replaced_by_the_registry_itself_is_the_same_count() -> None:
    """What no count finds: the registry takes a voter's place. The voter does, whose client looks at the roll."""

    def swap(credentials: dict[str, list[bytes]]) -> None:
        credentials["urna-09"][0] = OWN.public

    sim = rolled(swap)
    sim.set_up()
    key = keygen.joint_key(sim.view)
    assert key is not None
    election = VerifiedElection(
        sim.view.manifest.election_id,
        sim.view.context or b"",
        key.joint,
        sim.offer,
        roll.current_roll(sim.view).urn_of,
        sim.log_signers["ballot"].vkey,
    )
    with pytest.raises(Refused, match="credential-not-on-roll"):
        election.key_of(Credential(bytes(16)))


def test_one_credential_in_two_urns() -> None:
    sim = rolled(lambda credentials: credentials["urna-17"].append(credentials["urna-09"][0]))
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.party) == (Check.ROLL_UNIQUE, "registry")


def test_credential_twice_in_an_urn() -> None:
    sim = rolled(lambda credentials: credentials["urna-09"].append(credentials["urna-09"][0]))
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.party) == (Check.ROLL_UNIQUE, "registry")


@pytest.mark.parametrize("stage", ["setup", "open", "cast"])
def test_late_replacement_is_refused(stage: str) -> None:
    sim = Simulator().reach(stage)
    absent = sim.voters[3]
    change = s.RollReplace(absent.urn, absent.key.public.hex(), OWN.public.hex())
    failure = refusal(lambda: sim.append("registry", "registry", drafts.Draft(change)))
    assert (failure.check, failure.where, failure.party) == (Check.ROLL_FROZEN, "registry/1", "registry")


def test_late_replacement_lets_nobody_vote() -> None:
    sim = Simulator().reach("open")
    absent = sim.voters[3]
    change = s.RollReplace(absent.urn, absent.key.public.hex(), OWN.public.hex())
    sim.append("registry", "registry", drafts.Draft(change), check=False)
    ballot = sim.ballot(Voter(absent.urn, OWN, None), [Null(), Null()])
    failure = refusal(lambda: sim.admit("ballot", ballot))
    assert failure.check is Check.ROLL_FROZEN


def test_box_opens_the_roll_as_the_setup_binds_it(tmp_path: Path) -> None:
    sim = Simulator().reach("setup")
    absent = sim.voters[3]
    change = s.RollReplace(absent.urn, absent.key.public.hex(), OWN.public.hex())
    with BallotBoxUnderTest(sim, tmp_path).running() as box:
        box.open()
        # From here on the registry serves a log with a replacement that nobody may accept any more.
        sim.append("registry", "registry", drafts.Draft(change), check=False)
        write_logs(sim, box.record, ("registry",))
        ballot = sim.ballot(Voter(absent.urn, OWN, None), [Null(), Null()])
        assert box.cast(absent, ballot.entry).json()["code"] == "other-credential"
        assert box.cast(absent, box.ballot(absent, [Null(), Null()])).status_code == 201
        roster = box.roster()
        roster["entries"][3]["credential"] = OWN.public.hex()
        assert box.official("roster", roster).json()["check"] == Check.ROLL_FROZEN


def test_second_roll_is_refused() -> None:
    sim = Simulator().reach("roll")
    failure = refusal(lambda: sim.append("registry", "registry", drafts.roll(sim.offer, {"urna-09": [OWN.public]})))
    assert (failure.check, failure.party) == (Check.ORDER, "registry")


def test_replaced_credential_never_comes_back() -> None:
    sim = Simulator().reach("roll")
    voter = sim.voters[0]
    old, new = voter.key.public.hex(), OWN.public.hex()
    sim.append("registry", "registry", drafts.Draft(s.RollReplace(voter.urn, old, new)))
    again = drafts.Draft(s.RollReplace(voter.urn, new, old))
    failure = refusal(lambda: sim.append("registry", "registry", again))
    assert (failure.check, failure.party) == (Check.ROLL_UNIQUE, "registry")


@pytest.mark.parametrize("field", ["counts", "countries"])
def test_marks_that_are_not_the_ballots(field: str) -> None:
    """Marking more voters than there are ballots would hide ballots of credentials that nobody holds."""
    sim = Simulator().reach("cast")
    sim.append("ballot", "ballot-box", drafts.close(sim.view, now=CLOSES, late=0))
    ballots = sum(sim.view.ballots_by_urn().values())
    checkpoint = sim.checkpoint("ballot")
    countries = {"US": ballots + (field == "countries")}
    body = drafts.marks(sim.view, ballot=checkpoint, countries=countries).body
    if field == "counts":
        counts = [s.UrnCount(count.urn, count.count + 1) for count in body.counts]  # type: ignore[attr-defined]
        body = msgspec.structs.replace(body, counts=counts)
    failure = refusal(lambda: sim.append("registry", "registry", drafts.Draft(body)))
    assert (failure.check, failure.party) == (Check.RECONCILE, "registry")

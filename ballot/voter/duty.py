"""What a client verifies before it encrypts [CLIENT-SETUP], from the policy alone.

A tally checkpoint with a quorum of auditors, manifest and setup in it, context, joint key, contests, and the roll after
all replacements. Whoever serves the logs is not trusted. Source: protocol, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vemre.crypto.credential import Credential
from vemre.crypto.signing import SigningKey
from vemre.election.casting import EncryptedBallot, encrypt_ballot
from vemre.election.choice import Choice
from vemre.election.choice_names import contests_of_urn
from vemre.election.rules import keygen, roll
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.group import Elements, Group
from vemre.log.note import Vkey
from vemre.records.setup_bodies import Contest, Offer
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource
from vemre.service.sources import LogSource
from vemre.types import LogName, Random


@dataclass(frozen=True)
class VerifiedElection:
    """An election whose setup was verified. `urn_of` is the roll after all replacements."""

    election_id: str
    context: bytes
    joint_key: Elements
    offer: Offer
    urn_of: Mapping[bytes, str]
    ballot_log: Vkey

    def key_of(self, credential: Credential) -> tuple[SigningKey, str]:
        """The credential's key and its urn. Raises Refused("credential-not-on-roll")."""
        key = credential.signing_key(self.election_id)
        urn = self.urn_of.get(key.public)
        if urn is None:
            raise Refused("credential-not-on-roll")
        return key, urn

    def contests(self, urn: str) -> list[Contest]:
        """The contests of an urn."""
        return contests_of_urn(self.offer, urn)

    def encrypt(
        self, group: Group, random: Random, key: SigningKey, urn: str, choices: Mapping[str, Choice]
    ) -> EncryptedBallot:
        """Encrypt one choice per contest."""
        return encrypt_ballot(
            group,
            random,
            context=self.context,
            joint_key=self.joint_key,
            offer=self.offer,
            urn=urn,
            key=key,
            choices=choices,
        )


def verify_election(
    anchors: Anchors, sources: Mapping[LogName, LogSource], group: Group, random: Random
) -> VerifiedElection:
    """The setup of the election, verified. `sources` are the registry's and the tally's logs.

    Raises CheckFailed where anything is wrong, Refused("no-setup"), Refused("not-cosigned-yet") where the auditors
    have not seen it yet; then a client refuses to encrypt.
    """
    election = ElectionSource(anchors, sources, group, random)
    try:
        view = election.refresh()
    except CheckFailed as failure:
        raise failure.located(party="tally") from None
    key = keygen.joint_key(view)
    if view.context is None or key is None:
        raise Refused("no-setup")
    return VerifiedElection(
        view.manifest.election_id,
        view.context,
        key.joint,
        view.offer,
        roll.current_roll(view).urn_of,
        anchors.logs["ballot"],
    )


def find_logs(ballot_box: ServiceClient, given: Mapping[LogName, str | None]) -> dict[LogName, LogSource]:
    """Where registry and tally serve their logs: as given, or as the ballot box says (it is not trusted for that).

    Raises Refused("log-missing").
    """
    names: tuple[LogName, ...] = ("registry", "tally")
    described = {} if all(given.get(name) for name in names) else _described(ballot_box)
    sources: dict[LogName, LogSource] = {}
    for name in names:
        url = given.get(name) or described.get(name)
        if not url:
            raise Refused("log-missing", log=name)
        sources[name] = HttpSource(ServiceClient(url))
    return sources


def _described(ballot_box: ServiceClient) -> dict[str, str]:
    try:
        logs = ballot_box.get_json("/election")["logs"]
        return {name: str(log["url"]) for name, log in logs.items() if log["url"]}
    except (AttributeError, KeyError, TypeError):
        raise Refused("log-missing", log="registry, tally") from None

"""A whole election as somebody outside the services sees it: three followed logs, verified, in one view.

Trustees, mixers, the authority, auditors and voters look at the election through this, whether the logs come over
HTTP or lie on a stick. Nothing of where they come from is trusted: each log is authenticated against the policy, the
three are brought to states that fit each other, and every rule is verified before anybody acts on what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from vemre.election.rules import cited, engine
from vemre.election.rules.view import Anchors, View
from vemre.election.workers import HERE, Workers
from vemre.errors import Refused
from vemre.group import Group
from vemre.records.fields import Blob
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.follower import Follower
from vemre.service.sources import FolderSource, LogSource
from vemre.service.verified import Verified
from vemre.types import LOG_NAMES, LogName, Random

ROUNDS: Final = 8


class ElectionSource:
    """Follows the logs of an election and keeps a verified view of them. For one thread at a time.

    `sources` are the logs at hand, by name; the others stay empty in the view. With `cosigned_only` the view never
    goes beyond checkpoints that a quorum of auditors cosigned, which is what a key may be used upon.
    """

    def __init__(
        self,
        anchors: Anchors,
        sources: Mapping[LogName, LogSource],
        group: Group,
        random: Random,
        *,
        cosigned_only: bool = True,
        workers: Workers = HERE,
        verified: Verified | None = None,
    ) -> None:
        self.verified = verified
        """What is verified: to begin with, what the caller verified before and vouches for."""
        self._before = verified
        self._cosigned_only = cosigned_only
        self._blobs: dict[str, Callable[[], bytes]] = {}
        self.view = View(anchors, lambda digest: self._blobs[digest](), group, random, workers=workers)
        self._followers = {
            name: Follower(
                name,
                anchors.logs[name],
                sources[name],
                auditors=anchors.witnesses,
                quorum=anchors.quorum,
                cosigned_only=cosigned_only,
            )
            for name in LOG_NAMES
            if name in sources
        }

    def refresh(self) -> View:
        """Take over what is new, verify everything, and give the view.

        Raises CheckFailed where a rule does not hold (then and ever after), Refused("not-cosigned-yet") while there
        is no tally log to look at or a cited state of a log is not cosigned, Refused("logs-out-of-step") where the
        logs do not come together, and what the sources raise.
        """
        self.take()
        if self._before is not None:
            # Once: what does not stand there now is verified like everything else.
            self._before.trust(self.view)
            self._before = None
        engine.verify(self.view)
        self.verified = Verified.of(self.view)
        return self.view

    def take(self) -> View:
        """As `refresh`, without verifying: for whoever wants to report every check itself."""
        for _ in range(ROUNDS):
            waiting = {name: reason for name in self._followers if (reason := self._follow(name)) is not None}
            if not self.view.tally.records and "tally" in waiting:
                raise waiting["tally"]
            ahead = cited.beyond(self.view)
            if not ahead:
                return self.view
            for name in ahead & set(waiting):
                raise waiting[name]
        raise Refused("logs-out-of-step")

    def gate(self, log: LogName, size: int = 0) -> str:
        """A checkpoint of a log, with its quorum, for an act to carry: what the view stands on where that is enough.

        Raises Refused("not-cosigned-yet") where no cosigned checkpoint of at least `size` entries is to be had, and
        Refused("log-missing") for a log that is not followed.
        """
        follower = self._followers.get(log)
        if follower is None:
            raise Refused("log-missing", log=log)
        accepted = follower.checkpoint_bytes
        if self._cosigned_only and accepted is not None and follower.size >= size:
            return accepted.decode()
        return follower.cosigned(size)

    def waiting(self) -> Refused | None:
        """Why the view may lack what a log has already: Refused("not-cosigned-yet") for the first log that goes on
        beyond its cosigned checkpoint, None where none does. Raises what the sources raise."""
        reasons = (follower.waiting() for follower in self._followers.values())
        return next((reason for reason in reasons if reason is not None), None)

    def follower(self, log: LogName) -> Follower | None:
        """The follower of a log, where it is followed."""
        return self._followers.get(log)

    def _follow(self, name: LogName) -> Refused | None:
        """Take over what is new in one log; gives the reason where there is nothing to take yet."""
        follower = self._followers[name]
        try:
            follower.refresh()
        except Refused as reason:
            if reason.code != "not-cosigned-yet":
                raise
            return reason

        def keep(ref: Blob) -> None:
            if ref.sha256 not in self._blobs:
                data = follower.blob(ref)
                # What lies in a folder is read, and checked, whenever it is asked for; nothing else asks twice.
                again = partial(follower.blob, ref) if isinstance(follower.source, FolderSource) else lambda: data
                self._blobs[ref.sha256] = again

        for records in follower.new_records(self.view.group, keep):
            self.view.logs[name].extend(records)
        return None


def from_folder(record: Path) -> dict[LogName, LogSource]:
    """The logs of an election record on a stick. A log that has not begun has no folder. Raises Refused
    ("file-unusable") where there is no record."""
    found: dict[LogName, LogSource] = {
        name: FolderSource(record, name) for name in LOG_NAMES if (record / name).is_dir()
    }
    if "tally" not in found:
        raise Refused("file-unusable", file=str(record), reason="no folder `tally`: not an election record")
    return found


def from_urls(
    urls: Mapping[LogName, str], connect: Callable[[str], ServiceClient] = ServiceClient
) -> dict[LogName, LogSource]:
    """The logs of running services. Raises Unreachable for an address that is none."""
    return {name: HttpSource(connect(url)) for name, url in urls.items()}


__all__ = ["ElectionSource", "from_folder", "from_urls"]

"""Lists of ciphertexts and shares as decoded elements, kept from one rule to the next: each list of ciphertexts is what
one mixer gives and the next one takes, and the first stands in the ballots."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from vemre.group import Elements, Group
from vemre.group.kernel import PublicKeys
from vemre.params import ELEMENT_BYTES
from vemre.records.fields import Blob

MOST_POINTS: Final = 1 << 21
"""Elements that are kept; about 200 bytes each."""

Ahead = Callable[[str, int], Elements | None]
"""Whoever decodes ahead of the rules: gives the elements that the bytes of a digest (hex) begin with, so many of them,
or None where it does not have them. It answers for the bytes being those of the digest."""


class Decoded:
    """The lists used last, by the digest of their bytes, and the ballots' points."""

    def __init__(self, ahead: Ahead | None = None) -> None:
        self.ahead: Ahead = ahead or (lambda _digest, _count: None)
        self._lists: OrderedDict[str, Elements] = OrderedDict()
        self._points = 0
        self._keys: PublicKeys | None = None
        self._ballots: Mapping[str, Sequence[Elements]] = {}

    def get(self, ref: Blob, decode: Callable[[], Elements]) -> Elements:
        """The elements of a blob. What `decode` raises passes through."""
        digest = ref.sha256
        found = self._lists.get(digest)
        if found is None:
            count, rest = divmod(ref.size, ELEMENT_BYTES)
            found = (None if rest else self.ahead(digest, count)) or decode()
            self.keep(digest, found)
        else:
            self._lists.move_to_end(digest)
        return found

    def keep(self, digest: str, elements: Elements) -> None:
        """Keep a list, at the cost of those that were used least lately."""
        self._points += len(elements) - len(self._lists.get(digest, ()))
        self._lists[digest] = elements
        while len(self._lists) > 1 and self._points > MOST_POINTS:
            self._points -= len(self._lists.popitem(last=False)[1])

    def forget(self, digest: str) -> None:
        """Nobody is expected to ask for a list again; whoever does has it decoded anew."""
        self._points -= len(self._lists.pop(digest, ()))

    def keys(self, group: Group) -> PublicKeys | None:
        """Credentials as decoded keys, where the group has compiled steps."""
        if self._keys is None and group.kernel is not None:
            self._keys = group.kernel.public_keys()
        return self._keys

    def drop_keys(self) -> None:
        """The ballots' signatures are checked; what comes later comes one by one."""
        self._keys = None

    def keep_ballots(self, points: Mapping[str, Sequence[Elements]]) -> None:
        """The points of all ballots of the log: by urn, in log order, each vector a number of whole ballots."""
        self._ballots = points

    def take_ballots(self) -> Mapping[str, Sequence[Elements]]:
        """The ballots' points, once: they are not kept beyond the list to mix."""
        points, self._ballots = self._ballots, {}
        return points


def column(group: Group, ballots: Sequence[Elements], start: int, count: int, width: int) -> Elements:
    """Of ballots of `width` points each, the `count` points from `start` on."""
    return group.concat([part if count == width else part.strided(start, count, width) for part in ballots])

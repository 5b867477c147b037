"""The ballot box's decisions on one ballot."""

import pytest

from ballot.core import Window
from ballot.sessions import Session
from vemre.errors import Refused

WINDOW = Window(opens=100, closes=200, grace=30)
EARLY, LATE = Session("x", bytes(32), 199, 2000), Session("x", bytes(32), 200, 2000)


@pytest.mark.parametrize(
    ("now", "session", "code"),
    [
        (99, EARLY, "voting-not-begun"),
        (100, EARLY, None),
        (199, EARLY, None),
        (200, EARLY, None),
        (229, EARLY, None),
        (230, EARLY, "voting-closed"),
        (199, LATE, None),
        (200, LATE, "voting-closed"),
        (229, LATE, "voting-closed"),
    ],
)
def test_grace_is_for_sessions_that_were_open(now: int, session: Session, code: str | None) -> None:
    if code is None:
        WINDOW.check(now, session)
        return
    with pytest.raises(Refused, match=code):
        WINDOW.check(now, session)


def test_without_grace_the_closing_second_is_too_late() -> None:
    window = Window(100, 200, 0)
    window.check(199, EARLY)
    with pytest.raises(Refused, match="voting-closed"):
        window.check(200, EARLY)
    assert window.end == 200
    assert WINDOW.end == 230

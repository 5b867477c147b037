"""Nothing happens to an application but what the table of acts says, and nothing after the freeze."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.enrolment import NEXT, REASONS, UNDECIDED, Act, Standing, State, after, check_modality_may_change
from vemre import messages
from vemre.errors import Refused

STANDINGS = st.builds(Standing, st.sampled_from(State), st.booleans())


def walked(acts: list[Act]) -> list[tuple[Standing, Act, Standing]]:
    """What possible acts do, from the beginning; impossible ones are left out."""
    steps, standing = [], Standing()
    for act in acts:
        try:
            found = after(standing, act, frozen=False)
        except Refused:
            continue
        steps.append((standing, act, found))
        standing = found
    return steps


@given(st.lists(st.sampled_from(Act), max_size=40))
def test_histories_are_lawful(acts: list[Act]) -> None:
    steps = walked(acts)
    for before, act, found in steps:
        assert NEXT[before.state, act] is found.state
        # Nobody is accepted who was not asked about after the last thing that was wrong.
        assert not (found.state is State.ACCEPTED and before.state is State.OBSERVED)
        assert found.appealed == (before.appealed or act is Act.APPEAL)
    kinds = [found.state for _, _, found in steps]
    assert kinds.count(State.APPEALED) <= 1
    assert kinds.count(State.REFUSED) <= 2
    assert State.ACCEPTED not in kinds[:-1]


@given(STANDINGS, st.sampled_from(Act))
def test_freeze_ends_everything(standing: Standing, act: Act) -> None:
    for attempt in (
        lambda: after(standing, act, frozen=True),
        lambda: check_modality_may_change(standing, frozen=True),
    ):
        with pytest.raises(Refused, match="enrolment-frozen"):
            attempt()


@given(STANDINGS, st.sampled_from(Act))
def test_what_is_not_in_the_table_is_refused(standing: Standing, act: Act) -> None:
    possible = (standing.state, act) in NEXT and not (act is Act.APPEAL and standing.appealed)
    if not possible:
        with pytest.raises(Refused, match=r"act-not-possible|appealed-already"):
            after(standing, act, frozen=False)
        return
    assert after(standing, act, frozen=False).state is not standing.state


def test_every_undecided_application_can_be_decided() -> None:
    for state in State:
        decisions = {NEXT.get((state, act)) for act in (Act.ACCEPT, Act.REFUSE)} - {None}
        assert bool(decisions) == (state in UNDECIDED)


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_have_their_texts(reason: str) -> None:
    for language in messages.LANGUAGES:
        assert messages.text(f"refusal-{reason}", language)

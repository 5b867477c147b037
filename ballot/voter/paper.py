"""The ballot paper at a terminal: shows each contest and asks for a choice."""

from __future__ import annotations

import click

from vemre.cli import console
from vemre.cli.translations import language, say
from vemre.election.choice import Choice, Marks, Null, WriteIn, invalid
from vemre.election.choice_names import option_label
from vemre.records.setup_bodies import Contest


def ask(contests: list[Contest]) -> dict[str, Choice]:
    """One choice per contest, asked until it is one that the contest allows."""
    return {contest.id: _ask(contest) for contest in contests}


def show(contests: list[Contest], choices: dict[str, Choice]) -> None:
    """Every choice, to be looked over once more."""
    for contest in contests:
        console.say(f"{_title(contest)}: {_words(contest, choices[contest.id])}")


def _ask(contest: Contest) -> Choice:
    console.say(f"\n{_title(contest)}", style="bold")
    console.say(contest.legend)
    for number, option in enumerate(contest.options, 1):
        console.say(f"  {number:>2}  {option_label(option)}")
    console.say(say("voter-how-to-mark" if contest.write_in_bytes else "voter-how-to-mark-only"))
    while True:
        typed = str(click.prompt(say("voter-choice"), err=True)).strip()
        choice = read(contest, typed)
        if choice is not None:
            return choice
        console.say(say("voter-choice-again"), style="yellow")


def read(contest: Contest, typed: str) -> Choice | None:
    """What was typed: numbers of options, ``0`` to spoil, ``=name`` to write in. None for what is not allowed."""
    choice: Choice
    if typed == "0":
        return Null()
    if typed.startswith("="):
        choice = WriteIn(typed[1:].strip())
    else:
        numbers = typed.replace(",", " ").split()
        if not numbers or not all(number.isascii() and number.isdecimal() for number in numbers):
            return None
        choice = Marks(tuple(sorted({int(number) - 1 for number in numbers})))
    return choice if invalid(contest, choice) is None else None


def _title(contest: Contest) -> str:
    return contest.title.en if language() == "en" else contest.title.es


def _words(contest: Contest, choice: Choice) -> str:
    if isinstance(choice, Marks):
        return ", ".join(option_label(contest.options[option]) for option in choice.options)
    if isinstance(choice, WriteIn):
        return choice.text
    return say("voter-null")

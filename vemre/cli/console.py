"""What commands print: words and progress on standard error, results on standard output.

Texts that come from a record, a server or a file go through `printable`, so that nothing in them can move the
cursor or hide other text. rich is imported when something is printed, not before.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]
"""`advance(n)` moves a progress bar on by n."""


def say(text: str, *, style: str | None = None) -> None:
    """One paragraph for the person, on standard error."""
    _console(stderr=True).print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)


def put(text: str) -> None:
    """One paragraph of the result, on standard output."""
    _console().print(printable(text), markup=False, highlight=False, soft_wrap=True)


def put_json(value: Any) -> None:
    """The one JSON object of a command with ``--json``, on standard output. Call it once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def put_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numeric: Collection[int] = (),
    styles: Sequence[str] | None = None,
) -> None:
    """A table of results on standard output. `numeric` names the columns (from 0) to align to the right; `styles` has
    rich's style of every row."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for place, column in enumerate(columns):
        table.add_column(Text(printable(column)), justify="right" if place in numeric else "left", overflow="fold")
    for place, row in enumerate(rows):
        table.add_row(*(Text(printable(str(cell))) for cell in row), style=styles[place] if styles else None)
    # A title inside the table would be folded to the table's width.
    _console().print(Text(printable(title), style="bold"), soft_wrap=True)
    _console().print(table)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on standard error while the block runs; silent where that is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    err = _console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(printable(label), total=total)
        yield lambda steps: bar.advance(task, steps)


@contextmanager
def named_progress(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar whose label changes: the function given takes the label, what is done, and the total."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    err = _console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(printable(label), total=None)

        def update(text: str, done: int, total: int) -> None:
            bar.update(task, description=printable(text), completed=done, total=total)

        yield update


def printable(text: str) -> str:
    """The text with every control or invisible formatting character, line feed apart, replaced by U+FFFD."""
    return "".join("\ufffd" if _unsafe(character) else character for character in text)


def _unsafe(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)

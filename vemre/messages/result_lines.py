"""What a line of a table of results is called, in the words of a language."""

from __future__ import annotations

from vemre.election.published import Batch, Line
from vemre.messages.catalogue import text
from vemre.messages.language import Language


def label(line: Line, batch: Batch, language: Language) -> str:
    """The words of a line; those of options, combinations and candidates come from the offer."""
    match line.kind:
        case "write-ins" | "total":
            return text(f"results-{line.kind}", language)
        case "write-in":
            return f"«{line.label}»"
        case "nulls":
            irregular = len(batch["irregular"])
            return text("results-nulls-irregular" if irregular else "results-nulls", language, count=irregular)
        case "option" | "combination" | "candidate":
            return line.label

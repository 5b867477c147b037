"""The page that lists the pictures (docs/screenshots/README.md), written anew with them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gallery.camera import SIZES
from gallery.shots import PARTS, SHOTS, part_of

INDEX: Final = "README.md"
KIND: Final = "webp"
WIDTHS: Final = {"phone": 180, "desktop": 480}
HEAD: Final = """# Pantallas · Screenshots

Every page of the system as a telephone (360 pixels wide) and a desktop (1,280) show it. `make screenshots` takes them
all from the real pages, in a real browser, over real services; people, votes, addresses and emblems are invented. Click
one to see it whole. With `--language en` the same program takes them in English:

    PYTHONPATH=tests .venv/bin/python -m gallery.take FOLDER --language en

Cada página del sistema como se ve en un teléfono y en una computadora. Las personas, los votos, las direcciones y los
emblemas son inventados.
"""


def files() -> list[str]:
    """The name of every picture."""
    return [f"{name}-{size}.{KIND}" for name in SHOTS for size in SIZES]


def page() -> str:
    """The list, as Markdown."""
    lines = [HEAD]
    for part, (spanish, english) in PARTS.items():
        lines.append(f"## {spanish} · {english}\n\n| | teléfono · phone | escritorio · desktop |\n| --- | --- | --- |")
        for name, words in SHOTS.items():
            if part_of(name) == part:
                cells = [_picture(name, size, words) for size in SIZES]
                lines.append(f"| {words[0]}<br>*{words[1]}* | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def write_index(folder: Path) -> None:
    """Write the list, and remove pictures of former names."""
    (folder / INDEX).write_text(page(), encoding="utf-8")
    wanted = {INDEX, *files()}
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()


def _picture(name: str, size: str, words: tuple[str, str]) -> str:
    file = f"{name}-{size}.{KIND}"
    return f'<a href="{file}"><img src="{file}" width="{WIDTHS[size]}" loading="lazy" alt="{words[0]} ({size})"></a>'

"""The pictures of every page (docs/screenshots): all are there, listed, and small enough to carry along."""

from pathlib import Path
from typing import Final

from gallery import index
from gallery.camera import SIZES
from gallery.shots import PARTS, SHOTS, part_of

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES: Final = 10_000_000


def test_every_picture_is_there_and_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {index.INDEX, *index.files()}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES
    for name in index.files():
        assert (FOLDER / name).read_bytes()[8:12] == b"WEBP", name


def test_the_list_names_them_in_both_languages() -> None:
    text = (FOLDER / index.INDEX).read_text(encoding="utf-8")
    assert text == index.page()
    for name, words in SHOTS.items():
        assert all(one in text for one in words), name
        assert all(f'src="{name}-{size}.webp"' in text for size in SIZES), name


def test_every_part_has_pictures() -> None:
    assert {part_of(name) for name in SHOTS} == set(PARTS)

"""A small VeMRE on disk, to be altered: five packages, their commands, and nothing that runs."""

from __future__ import annotations

from pathlib import Path

from vemre.election.release import PACKAGES

PROJECT = """
[project]
name = "vemre"
[project.scripts]
vemre = "vemre.cli.main:main"
[project.entry-points."vemre.commands"]
audit = "audit.commands:group"
"""
ENTRY_POINTS = """
[console_scripts]
vemre = vemre.cli.main:main

[vemre.commands]
audit = audit.commands:group
"""


def source_tree(root: Path) -> Path:
    """As a checkout has it."""
    for package in PACKAGES:
        (root / package / "inner").mkdir(parents=True)
        (root / package / "__init__.py").write_text(f'"""{package}"""\n')
        (root / package / "inner" / "code.py").write_text(f"NAME = {package!r}\n")
        (root / package / "py.typed").write_text("")
    (root / "pyproject.toml").write_text(PROJECT)
    return root


def installed_tree(root: Path) -> Path:
    """As an installation has it, beside other distributions."""
    source_tree(root)
    (root / "pyproject.toml").unlink()
    (root / "vemre-0.1.0.dist-info").mkdir()
    (root / "vemre-0.1.0.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    (root / "other-1.dist-info").mkdir()
    (root / "other-1.dist-info" / "entry_points.txt").write_text("[console_scripts]\nother = other:main\n")
    (root / "other").mkdir()
    (root / "other" / "module.py").write_text("pass\n")
    return root

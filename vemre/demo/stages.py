"""What the person sees of a demonstration: one line for each stage, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vemre.cli import console
from vemre.cli.translations import say


@dataclass
class Stages:
    """The stages of one demonstration. `times` are seconds by the name of the stage."""

    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, **params: str | int) -> Iterator[None]:
        """Tell a stage (``demo-stage-<name>`` in the catalogue), and its time once it is done."""
        console.say(f"• {say(f'demo-stage-{name}', **params)}")
        begun = time.monotonic()
        yield
        self.times[name] = time.monotonic() - begun
        console.say(f"    {self.times[name]:.1f} s", style="dim")

    def total(self) -> float:
        """Seconds of all stages together."""
        return sum(self.times.values())

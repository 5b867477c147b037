"""Settings of the ballot box."""

from __future__ import annotations

from pathlib import Path

from vemre.service.delivery.settings import DeliverySettings


class BallotSettings(DeliverySettings):
    """What the ballot box needs beside what every service needs."""

    roster_token_file: Path | None = None
    """The token with which the registry hands over the roster."""
    emblem_folder: Path | None = None
    """The pictures that the offer names as its options' emblems: PNG, JPEG or WebP, at most 128 KiB each."""

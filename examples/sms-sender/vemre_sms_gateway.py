"""Hands text messages to a gateway that takes JSON over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from vemre.service.delivery.letters import Letter
from vemre.service.delivery.senders import Postponed, Rejected, SenderDown, check_address

TIMEOUT_SECONDS = 20.0


class Gateway:
    """One connection. `settings` are those of its TOML file: ``url``, and ``key_file`` with the key to the gateway."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        try:
            self._url = str(settings["url"])
            key = Path(settings["key_file"]).read_text(encoding="ascii").strip()
        except (KeyError, OSError, UnicodeError) as error:
            raise SenderDown(f"settings: {type(error).__name__}") from None
        self._http = httpx2.Client(headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_SECONDS)

    def send(self, letter: Letter) -> None:
        """Returns once the gateway has the message."""
        check_address(letter)
        try:
            answer = self._http.post(self._url, json={"to": letter.to, "text": letter.text})
        except httpx2.HTTPError as error:
            raise SenderDown(type(error).__name__) from None
        match answer.status_code:
            case 200:
                return
            case 400 | 404 | 422:
                # The gateway says that this number takes no messages.
                raise Rejected(f"HTTP {answer.status_code}")
            case 429:
                raise Postponed("HTTP 429")
            case other:
                raise SenderDown(f"HTTP {other}")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

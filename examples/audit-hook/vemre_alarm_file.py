"""The hook `alarm-file`: a letter in a folder for every finding and every incident."""

from __future__ import annotations

import os
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from audit.hooks.events import FindingEvent, IncidentEvent
from audit.hooks.interface import AuditHook, HookContext, HookError


class AlarmFile(AuditHook):
    """Settings: `folder`, which must exist, and `to`, the address of whoever is to read the letters."""

    def __init__(self, settings: Mapping[str, Any], context: HookContext) -> None:
        super().__init__(settings, context)
        if set(settings) != {"folder", "to"} or not all(isinstance(value, str) for value in settings.values()):
            raise HookError("the settings are folder and to")
        self._folder = Path(settings["folder"])
        if not self._folder.is_dir():
            raise HookError(f"{self._folder} is no folder")
        try:
            self._to = Address(addr_spec=settings["to"])
        except (ValueError, IndexError):
            raise HookError("to is no address of e-mail") from None

    def on_finding(self, event: FindingEvent) -> None:
        """A rule does not hold."""
        proof = "The signatures alone prove it." if event.provable else "This is the witness's word."
        lines = [
            f"Rule:     {event.check}",
            f"Place:    {event.where or '-'}",
            f"Party:    {event.party or '-'}",
            f"Detail:   {event.detail}",
            f"Evidence: {event.evidence or '-'}",
            proof,
        ]
        self._leave(f"finding-{event.number:04d}", f"FINDING {event.check}", lines)

    def on_incident(self, event: IncidentEvent) -> None:
        """Somebody recorded an incident."""
        lines = [
            f"Log:    {event.log}, entry {event.index}",
            f"Signer: {event.signer}",
            f"Time:   {event.time}",
            event.text,
        ]
        self._leave(f"incident-{event.log}-{event.index}", f"incident: {event.kind}", lines)

    def _leave(self, name: str, subject: str, lines: list[str]) -> None:
        """One file for each happening: an event that is told twice leaves one letter."""
        letter = EmailMessage()
        letter["To"] = self._to
        # What a log says must not begin a header of its own.
        letter["Subject"] = " ".join(f"[{self.context.witness}] {subject}".split())
        letter.set_content("\n".join(lines) + "\n")
        aside = self._folder / f".{name}.new"
        aside.write_bytes(bytes(letter))
        os.replace(aside, self._folder / f"{name}.eml")

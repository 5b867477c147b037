"""What the registry writes to people: credentials to voters, and to applicants what became of their applications.

A letter is in the outbox before the transaction commits that makes it true, and goes out only once that did: what an
act left behind that came to no end is never sent.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from registry import commitments
from registry.applications import Application
from registry.commitments import Commitments
from registry.enrolment import State
from registry.node import RegistryNode
from registry.settings import RegistrySettings
from registry.store import Enrolled, RegistryStore
from vemre import messages
from vemre.crypto.credential import Credential
from vemre.service.delivery import Courier, Message, Outbox, name_of, open_senders
from vemre.service.station import Station


class Letters:
    """The registry's outbox and courier."""

    def __init__(
        self,
        station: Station[RegistryNode],
        settings: RegistrySettings,
        store: RegistryStore,
        commitments_: Commitments,
    ) -> None:
        """Drops what broken-off acts left. Raises Refused("settings-unusable")."""
        self._store = store
        self._commitments = commitments_
        self._node = station.node
        self._election_id = station.identity.election_id
        self.outbox = Outbox(settings.outbox, store.vault, station.clock)
        self._seal_older(settings.outbox)
        self.outbox.keep_only(self._ready)
        self.courier = Courier(
            self.outbox,
            open_senders(settings),
            ready=self._ready,
            help_contact=settings.help_contact,
            clock=station.clock,
        )
        station.alongside(self.courier.run)

    # --- credentials --------------------------------------------------------------------------------------------

    def credential(self, voter: Enrolled, made: Credential) -> bytes:
        """Put a credential into the outbox, durable with its next `sync`; gives its public half. It goes out once the
        voter's row has it."""
        public = made.signing_key(self._election_id).public
        self._put_credential(voter.email, made.shown(), public)
        return public

    def withdraw(self, *publics: bytes) -> None:
        """Credentials that do not count are not to go out."""
        for public in publics:
            self.outbox.remove(_name(public))

    def _put_credential(self, email: str, shown: str, public: bytes) -> None:
        values = {"credential": shown, "public": public.hex(), **self._election()}
        self.outbox.put(Message(_name(public), "mail", email, "credential", values))

    def _election(self) -> dict[str, str]:
        """The name of the election, once it has one."""
        name = self._node.look(lambda view: view.manifest.name if view.tally.records else None)
        if name is not None:
            return {"election_es": name.es, "election_en": name.en}
        return {f"election_{language}": messages.text("letter-election", language) for language in messages.LANGUAGES}

    # --- applications -------------------------------------------------------------------------------------------

    def application(self, found: Application, kind: str, commitment: bytes, code: str | None = None) -> None:
        """Tell an applicant of a change, in the transaction that makes it. `code` opens a new application."""
        values = {"application": str(found.number), "commitment": commitment.hex(), "folio": found.folio}
        if kind == State.RECEIVED and code is not None:
            values["code"] = code
        elif kind == State.OBSERVED:
            values["note"] = found.note["text"]
            for language in messages.LANGUAGES:
                fields = [messages.text(f"letter-field-{_dashed(name)}", language) for name in found.note["fields"]]
                values[f"fields_{language}"] = ", ".join(fields)
        elif kind == State.REFUSED:
            values["note"] = found.note["text"]
            for language in messages.LANGUAGES:
                values[f"reason_{language}"] = messages.text(f"refusal-{found.reason}", language)
        elif kind not in (State.ACCEPTED, State.APPEALED):
            return
        # Each change has a letter of its own: one that waits is not replaced by one of an act that may break off.
        name = name_of("application", commitment.hex())
        self.outbox.put(Message(name, "mail", found.data["email"], f"application-{kind}", values))
        self.outbox.sync()

    # --- what may go out ------------------------------------------------------------------------------------------

    def _ready(self, message: Message) -> bool:
        if message.template == "credential":
            return self._store.is_current(bytes.fromhex(message.values["public"]))
        subject = commitments.application(int(message.values["application"]))
        return self._commitments.stands(subject, bytes.fromhex(message.values["commitment"]))

    def _seal_older(self, folder: Path) -> None:
        """Take over the credentials that an older version left in clear."""
        for path in sorted(folder.glob("*.json")):
            with suppress(ValueError, KeyError, TypeError):
                found = json.loads(path.read_text(encoding="utf-8"))
                public = Credential.parse(found["secret"]).signing_key(self._election_id).public
                self._put_credential(found["to"], found["secret"], public)
                self.outbox.sync()
                path.unlink()


def _name(public: bytes) -> str:
    return name_of("credential", public.hex())


def _dashed(name: str) -> str:
    return name.replace("_", "-")

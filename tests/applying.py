"""What tests of applications share: people who do not exist, and what they send."""

from __future__ import annotations

import secrets
from typing import Any

from served import RegistryUnderTest, token_of


def form(number: int, **changes: str) -> dict[str, str]:
    """What an applicant sends."""
    return {
        "request": secrets.token_hex(16),
        "clave_de_elector": f"XXXXXX80022909M{500 + number:03}",
        "cic": f"{number:09}",
        "names": "Solicitante Inventada",
        "country": "US",
        "city": "Ciudad Plantada",
        "address": f"{number} Calle Plantada",
        "entity": "09",
        "district": "7",
        "email": f"solicitante{number}@example.org",
        "phone": f"+1 312 666 {number:04}",
        "modality": "internet",
        **changes,
    }


class Applicant:
    """Somebody who applied, with the code."""

    def __init__(self, registry: RegistryUnderTest, number: int, **changes: str) -> None:
        self.registry = registry
        self.form = form(number, **changes)
        answer = registry.client.post("/solicitudes", json=self.form)
        assert answer.status_code == 201, answer.text
        self.id, self.folio, self.code = (answer.json()[name] for name in ("id", "folio", "code"))

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.code}"}

    def look(self) -> Any:
        return self.registry.client.get(f"/solicitudes/{self.id}", headers=self.headers).json()

    def send(self, act: str, body: Any) -> Any:
        return self.registry.client.post(f"/solicitudes/{self.id}/{act}", json=body, headers=self.headers)

    def reviewed(self, act: str, body: Any = None, who: dict[str, str] | None = None) -> Any:
        headers = who or token_of(self.registry.data)
        url = f"/official/solicitudes/{self.id}/{act}"
        return self.registry.client.post(url, json=body if body is not None else {}, headers=headers)

    def commitments(self) -> list[dict[str, Any]]:
        answer = self.registry.client.get(f"/solicitudes/{self.id}/commitments", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["commitments"]
        return found

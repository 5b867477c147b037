"""What tests of the registry's pages share: a browser without a screen, which keeps its cookies and fills in forms."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from typing import Any

from applying import form
from served import RegistryUnderTest
from simulator import ELECTION

from registry.commitments import Commitments
from registry.openings import Openings
from registry.roles import Role, add_holder

ORIGIN = "https://testserver"
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Page(HTMLParser):
    """A page that was answered: its text, its forms by action, and the ids on it."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.status: int = answer.status_code
        self.headers = answer.headers
        self.html: str = answer.text
        self.forms: dict[str, dict[str, str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._action = ""
        self._text: list[str] = []
        self._area = ""
        self.feed(self.html)

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        name, value = found.get("name"), found.get("value") or ""
        if tag == "form":
            self._action = found["action"] or ""
            self.forms[self._action] = {}
        elif (
            tag == "input"
            and name
            and self._action
            and (found.get("type") not in ("radio", "checkbox") or "checked" in found)
        ):
            self.forms[self._action][name] = value
        elif tag in ("select", "textarea") and name:
            self._area = name
        elif tag == "option" and "selected" in found:
            self.forms[self._action][self._area] = value

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if self._area and self.lasttag == "textarea" and self._area not in self.forms[self._action]:
            self.forms[self._action][self._area] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = ""


class Visitor:
    """Somebody with a browser."""

    def __init__(self, registry: RegistryUnderTest, language: str = "") -> None:
        self.registry = registry
        self.cookies: dict[str, str] = {}
        if language:
            self.cookies["__Host-idioma"] = language

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """One request, whose redirection is not followed."""
        headers = {"Accept": ACCEPT, **options.pop("headers", {})}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        client = self.registry.client
        client.cookies.clear()
        answer = client.request(method, ORIGIN + path, headers=headers, follow_redirects=False, **options)
        for name, value in client.cookies.items():
            self.cookies[name] = value
        for line in answer.headers.get_list("set-cookie"):
            if "Max-Age=0" in line:
                self.cookies.pop(line.partition("=")[0], None)
        client.cookies.clear()
        return answer

    def get(self, path: str) -> Page:
        """A page, after at most three redirections."""
        answer = self.ask("GET", path)
        for _ in range(3):
            if answer.status_code != 303:
                break
            answer = self.ask("GET", answer.headers["location"])
        return Page(answer)

    def post(self, path: str, fields: dict[str, Any]) -> Any:
        """The bare answer to a form."""
        return self.ask("POST", path, data=fields)

    def fill(self, path: str, fields: dict[str, Any], action: str = "") -> Page:
        """Open a page, fill in the form that goes to `action` (by default to the same place), send it, and go where it
        leads."""
        page = self.get(path)
        answer = self.post(action or path, {**page.forms[action or path], **fields})
        return self.get(answer.headers["location"]) if answer.status_code == 303 else Page(answer)


def applied(registry: RegistryUnderTest, number: int, language: str = "", **changes: str) -> tuple[Visitor, Page]:
    """Somebody who applied with the pages, and the confirmation."""
    visitor = Visitor(registry, language)
    fields = form(number, **changes)
    del fields["request"]
    assert "revis" in visitor.fill("/registro/solicitud", fields).text.lower() or language == "en"
    return visitor, visitor.fill("/registro/revision", {})


def codes(registry: RegistryUnderTest) -> dict[str, str]:
    """The codes of voters who came with an imported roll, by folio."""
    store = registry.store()
    opened = Openings(registry.station, store, Commitments(store.engine, store.vault, ELECTION, os.urandom))
    with store.engine.connect() as connection:
        return {found.folio: opened.code_of(number) for number, found in store.voters(connection)}


def holder(registry: RegistryUnderTest, role: Role, name: str, language: str = "") -> Visitor:
    """Somebody with a token of a role, signed in."""
    token = add_holder(registry.data, role, name).read_text().strip()
    visitor = Visitor(registry, language)
    root = {"official": "/personal", "party": "/representaciones"}[role]
    page = visitor.fill(f"{root}/entrar", {"key": token})
    assert page.status == 200, page.text
    return visitor

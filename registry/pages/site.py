"""What every page shares: who visits it, in which language, how it is shown, and with which headers.

visit = await site.visit(request)
return site.show(visit, "start.html", opens=...)
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from registry.pages import forms, paths
from registry.pages.forms import Form
from registry.pages.sessions import Role, Session, Sessions, is_name
from registry.pages.words import Words
from registry.settings import RegistrySettings
from vemre import messages
from vemre.cli.console import printable
from vemre.errors import Refused
from vemre.messages import LANGUAGES, Language, Problem
from vemre.service import problems

COOKIE: Final = "__Host-registro"
"""The session."""
FORM_COOKIE: Final = "__Host-formulario"
"""Shows that a form without a session was opened in the browser that sends it. A cookie of its own: whoever follows a
link of another site comes without the session's, and must not lose it."""
LANGUAGE_COOKIE: Final = "__Host-idioma"
HTML: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NAMES: Final[dict[Language, str]] = {"es": "Español", "en": "English"}
_YEAR: Final = 365 * 86_400
_MAX_QUERY: Final = 512
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SignInNeeded(Exception):
    """The page is for those who are signed in with a role; whoever is not is sent to where one signs in."""

    def __init__(self, role: Role) -> None:
        super().__init__(role)
        self.role = role


SIGN_IN: Final[dict[Role, str]] = {
    "draft": paths.APPLY,
    "applicant": paths.ENTER,
    "official": f"{paths.OFFICE}/entrar",
    "party": f"{paths.PARTY}/entrar",
}


@dataclass
class Visit:
    """One request for a page. `name` and `form_name` are what the two cookies say, or what new ones will."""

    request: Request
    language: Language
    chosen: bool
    """Whether the request chose the language, which then stays chosen."""
    session: Session | None
    name: str | None = field(repr=False)
    form_name: str | None = field(repr=False)
    new_names: set[str] = field(default_factory=set)
    """Cookies to set."""

    @property
    def words(self) -> Words:
        """The texts in the visitor's language."""
        return Words(self.language)


class Site:
    """The look of the pages, and their sessions."""

    def __init__(self, sessions: Sessions, settings: RegistrySettings) -> None:
        self.sessions = sessions
        self._settings = settings

    # --- visitors -------------------------------------------------------------------------------------------------

    async def visit(self, request: Request) -> Visit:
        """Who asks for a page."""
        wish = request.query_params.get("lang")
        chosen = wish in LANGUAGES
        language = wish if chosen else request.cookies.get(LANGUAGE_COOKIE)
        name, form_name = _cookie(request, COOKIE), _cookie(request, FORM_COOKIE)
        session = await run_in_threadpool(self.sessions.find, name) if name is not None else None
        return Visit(request, "en" if language == "en" else "es", chosen, session, name, form_name)

    async def visit_as(self, request: Request, role: Role) -> Visit:
        """A visitor who is signed in with a role. Raises SignInNeeded."""
        visit = await self.visit(request)
        if visit.session is None or visit.session.role != role:
            raise SignInNeeded(role)
        return visit

    async def form(self, visit: Visit, names: Collection[str] = (), many: Collection[str] = ()) -> Form:
        """The form that a visitor sent from a page of ours.

        Raises Refused: "form-unusable", "form-expired" where the form is not of a page that was shown to this browser.
        """
        form = await forms.read(visit.request)
        name = visit.name if visit.session is not None else visit.form_name
        expected = self.sessions.form_token(name) if name is not None else ""
        if not expected or not hmac.compare_digest(expected.encode(), form.one(forms.TOKEN).encode()):
            raise Refused("form-expired")
        form.only(names, many)
        return form

    async def sign_in(self, visit: Visit, role: Role, content: dict[str, Any], place: str) -> Response:
        """Begin a session in place of the one before, and go on to a page. A draft stays until its time is over, so
        that whoever sends it twice gets the same answer twice."""
        if visit.session is not None and visit.session.role != "draft":
            assert visit.name is not None
            await run_in_threadpool(self.sessions.end, visit.name)
        visit.name = await run_in_threadpool(self.sessions.open, role, content)
        visit.new_names.add(COOKIE)
        return self.go(visit, place)

    async def sign_out(self, visit: Visit, place: str) -> Response:
        """End the session, whatever it was."""
        if visit.name is not None:
            await run_in_threadpool(self.sessions.end, visit.name)
        answer = self.go(visit, place)
        _put(answer, COOKIE, "", 0)
        return answer

    # --- answers --------------------------------------------------------------------------------------------------

    def show(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """A page. `values` are what its template names beside what every template has."""

        def token() -> str:
            if visit.session is not None and visit.name is not None:
                return self.sessions.form_token(visit.name)
            if visit.form_name is None:
                visit.form_name = self.sessions.new_name()
                visit.new_names.add(FORM_COOKIE)
            return self.sessions.form_token(visit.form_name)

        html = _environment().get_template(template).render(
            words=visit.words, language=visit.language, token=token, paths=paths, style=_style()[0],
            role=visit.session.role if visit.session is not None else None, help=self._settings,
            failed=status == 422, switch=_switch(visit, template), place=visit.request.url.path, **values,
        )  # fmt: skip
        answer = Response(html, status, media_type=HTML)
        self._finish(visit, answer)
        return answer

    def go(self, visit: Visit, place: str) -> Response:
        """On to another page, which is then asked for with GET."""
        answer = RedirectResponse(place, 303)
        self._finish(visit, answer)
        return answer

    def _finish(self, visit: Visit, answer: Response) -> None:
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Content-Language"] = visit.language
        answer.headers["Vary"] = "Accept, Cookie"
        if visit.chosen:
            _put(answer, LANGUAGE_COOKIE, visit.language, _YEAR)
        for cookie, name in ((COOKIE, visit.name), (FORM_COOKIE, visit.form_name)):
            if cookie in visit.new_names and name is not None:
                _put(answer, cookie, name, None)

    def route_class(self) -> type[APIRoute]:
        """Routes of pages: what nobody expected ends as a page too, and who must sign in is asked to."""
        site = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Handler:
                handle = super().get_route_handler()

                async def handled(request: Request) -> Response:
                    try:
                        return await handle(request)
                    except SignInNeeded as needed:
                        visit = await site.visit(request)
                        ended = "?sesion=terminada" if visit.name is not None and needed.role != "draft" else ""
                        return site.go(visit, f"{SIGN_IN[needed.role]}{ended}")
                    except Exception as error:
                        if isinstance(error, tuple(request.app.exception_handlers)):
                            raise
                        return await site.problem(request, problems.internal_error(request, error))

                return handled

        return PageRoute

    async def problem(self, request: Request, told: Response) -> Response:
        """The page that says what a problem document says."""
        problem = Problem.parse(json.loads(bytes(told.body))) or messages.problem("internal")
        visit = await self.visit(request)
        answer = self.show(
            visit, "problem.html", told.status_code, problem=problem.wording(visit.language),
            request_number=problems.request_id(request),
        )  # fmt: skip
        for name in ("Retry-After", "Allow"):
            if name in told.headers:
                answer.headers[name] = told.headers[name]
        return answer


def _cookie(request: Request, cookie: str) -> str | None:
    """The name that a cookie holds, if it may be one."""
    found = request.cookies.get(cookie)
    return found if found is not None and is_name(found) else None


def _put(answer: Response, name: str, value: str, seconds: int | None) -> None:
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def _switch(visit: Visit, template: str) -> dict[str, str]:
    """The link to the same page in the other language; to the first page where there is none to ask for again."""
    other: Language = "en" if visit.language == "es" else "es"
    url = visit.request.url
    if visit.request.method != "GET" and template == "problem.html":
        return {"language": other, "name": _NAMES[other], "address": f"{paths.START}?lang={other}"}
    query = [(name, value) for name, value in parse_qsl(url.query[:_MAX_QUERY]) if name != "lang"]
    return {"language": other, "name": _NAMES[other], "address": f"{url.path}?{urlencode([*query, ('lang', other)])}"}


@cache
def _style() -> tuple[str, bytes]:
    """Where the style sheet is, by its content, and the style sheet."""
    data = _read("static", "style.css").encode()
    return f"{paths.STATIC}/{hashlib.sha256(data).hexdigest()[:16]}/style.css", data


def style_sheet(digest: str) -> bytes:
    """The style sheet at its address. Raises Refused("not-found") where it is another."""
    place, data = _style()
    if place.split("/")[-2] != digest:
        raise Refused("not-found")
    return data


def mark() -> bytes:
    """The mark of the product."""
    return _read("static", "mark.svg").encode()


def _read(folder: str, name: str) -> str:
    return resources.files("registry.pages").joinpath(folder, name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(lambda name: _read("templates", name)), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
        # Whatever people wrote is shown without what could move or hide text.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )  # fmt: skip

"""Signing in with a token: officials and representatives of parties.

The session keeps the digest of the token. A token that is taken away, or made anew, ends its sessions at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.pages.fields import Field
from registry.pages.site import SIGN_IN, SignInNeeded, Site, Visit
from registry.roles import By, Role, holder
from vemre.service.official import digest
from vemre.service.problems import request_id

_MAX_TOKEN = 128


class Holders:
    """Those who hold the tokens of one role."""

    def __init__(self, site: Site, data_dir: Path, role: Role, home: str) -> None:
        self._site = site
        self._data_dir = data_dir
        self._role: Role = role
        self._home = home

    async def visit(self, request: Request) -> tuple[Visit, By]:
        """A visitor who is signed in, and who it is. Raises SignInNeeded."""
        visit = await self._site.visit_as(request, self._role)
        assert visit.session is not None
        kept = bytes.fromhex(visit.session.content["token"])
        who = await run_in_threadpool(holder, self._data_dir, self._role, kept)
        if who is None:
            raise SignInNeeded(self._role)
        return visit, By(request_id(request), who)

    def routes(self) -> APIRouter:
        """Signing in and out."""
        site, router = self._site, APIRouter(route_class=self._site.route_class(), include_in_schema=False)
        place = SIGN_IN[self._role]

        def page(visit: Visit, problem: str = "") -> Response:
            label, hint = visit.words("field-token"), visit.words(f"hint-token-{self._role}")
            token = Field("key", "secret", label, hint, problem=problem)
            return site.show(
                visit, "enter.html", 422 if problem else 200, field=token, form=place, texts=f"enter-{self._role}",
                ended=visit.request.query_params.get("sesion") == "terminada",
            )  # fmt: skip

        @router.get(place)
        async def enter(request: Request) -> Response:
            return page(await site.visit(request))

        @router.post(place)
        async def sign_in(request: Request) -> Response:
            visit = await site.visit(request)
            token = (await site.form(visit, ("key",))).one("key")
            given = digest(token)
            known = 0 < len(token) <= _MAX_TOKEN
            if not known or await run_in_threadpool(holder, self._data_dir, self._role, given) is None:
                return page(visit, visit.words("error-token"))
            content: dict[str, Any] = {"token": given.hex()}
            return await site.sign_in(visit, self._role, content, self._home)

        @router.post(f"{self._home}/salir")
        async def leave(request: Request) -> Response:
            visit = await site.visit(request)
            await site.form(visit)
            return await site.sign_out(visit, place)

        return router

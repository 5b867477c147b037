"""Errors as pages: a browser reads in words what a program gets as a problem document, from the same catalogue."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import WebSocketRequestValidationError

from registry.pages.site import Site
from vemre.messages import prefers_page


def install(app: FastAPI, site: Site) -> None:
    """Let every handler of errors answer with a page whoever asks for one."""
    for kind, handler in list(app.exception_handlers.items()):
        if kind is not WebSocketRequestValidationError:
            app.add_exception_handler(kind, _for_people(handler, site))


def _for_people(handler: Callable[..., Any], site: Site) -> Callable[..., Any]:
    async def answer(request: Request, error: Exception) -> Response:
        told = handler(request, error)
        found: Response = await told if inspect.isawaitable(told) else told
        if not prefers_page(request.headers.get("accept")):
            return found
        return await site.problem(request, found)

    return answer

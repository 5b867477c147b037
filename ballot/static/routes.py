"""Serves the page.

    GET /, /acceso, /recibo, /reto, /practica   the pages, always asked for anew (ETag)
    GET /assets/...                             their parts, kept for good
    GET /policy.json                            the policy file of the service, byte by byte
    GET /assets.json                            {path: SHA-256} of all of these; its SHA-256 is the page's digest

Where no client was built, the pages say so, and everything else of the service works.
"""

from __future__ import annotations

import html
from typing import Final

from fastapi import APIRouter, Request, Response

from ballot.static.assets import FOLDER, LIST, PAGES, POLICY, Asset, Assets
from vemre import messages
from vemre.errors import Refused
from vemre.messages import LANGUAGES

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        # The one name under which the voting page says which script its worker is.
        "trusted-types vemre-worker",
    )
)
"""Nothing but what this origin serves runs or is asked, and no script makes markup of text."""
_CAMERA: Final = frozenset({"/", "/recibo", "/reto"})
"""Pages that read QR codes."""
_NO_DEVICES: Final = "display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_FRESH: Final = "no-cache"


def page_routes(assets: Assets) -> APIRouter:
    """The routes. Only what `assets` holds is served, by its exact path; nothing is looked for on the disk."""
    router = APIRouter()

    async def page(request: Request) -> Response:
        if not assets:
            return _missing()
        return _answer(request, assets)

    async def part(request: Request) -> Response:
        return _answer(request, assets)

    # Plain routes: they answer HEAD too, and are no part of the API's description.
    for path in PAGES:
        router.add_route(path, page, methods=["GET"], include_in_schema=False)
    for path in (POLICY, LIST, f"/{FOLDER}/{{name:path}}"):
        router.add_route(path, part, methods=["GET"], include_in_schema=False)
    return router


def _answer(request: Request, assets: Assets) -> Response:
    asset = assets.get(request.scope["path"])
    if asset is None:
        raise Refused("not-found")
    packed = asset.packed is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
    headers = _headers(asset, packed=packed)
    if headers["ETag"] in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    data = asset.packed if packed and asset.packed is not None else asset.data
    headers["Content-Length"] = str(len(data))
    return Response(b"" if request.method == "HEAD" else data, media_type=asset.media_type, headers=headers)


def _headers(asset: Asset, *, packed: bool) -> dict[str, str]:
    camera = "(self)" if asset.path in _CAMERA else "()"
    headers = {
        # A strong tag names exact bytes, so each encoding has its own.
        "ETag": f'"{asset.digest}{"-gz" if packed else ""}"',
        "Cache-Control": _IMMUTABLE if asset.path.startswith(f"/{FOLDER}/") else _FRESH,
        "Content-Security-Policy": CONTENT_POLICY,
        "Permissions-Policy": f"camera={camera}, {_NO_DEVICES}",
    }
    if asset.packed is not None:
        headers["Vary"] = "Accept-Encoding"
    if packed:
        headers["Content-Encoding"] = "gzip"
    return headers


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.lower().split(","):
        coding, _, quality = (part.strip() for part in item.partition(";"))
        if coding == "gzip":
            return quality.replace(" ", "").rstrip("0.") != "q="
    return False


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _missing() -> Response:
    """The page that stands in for all pages, in both languages."""
    problem = messages.problem("page-missing")
    parts = []
    for language in LANGUAGES:
        words = problem.wording(language)
        heading, detail, following = (html.escape(text) for text in (words.title, words.detail, words.next))
        parts.append(f'<section lang="{language}"><h1>{heading}</h1><p>{detail}</p><p>{following}</p></section>')
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    title = html.escape(problem.wording("es").title)
    text = (
        f'<!DOCTYPE html><html lang="es"><head>{head}<title>{title}</title></head><body>{"".join(parts)}</body></html>'
    )
    return Response(text, problem.status, media_type="text/html; charset=utf-8")

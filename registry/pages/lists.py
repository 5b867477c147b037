"""The roll in its two orders, part by part, for officials and for parties; each sees the fields that the settings name.

A part is reached by what stands in the address: country, entity and district, or entity and district. These name
nobody. Only the last page of a way shows persons, and showing it is noted.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from registry import nominal
from registry.api_review import listing
from registry.enrolling import Enrolling
from registry.pages.holders import Holders
from registry.pages.site import Site
from registry.store import RegistryStore
from vemre.errors import Refused

PAGE: Final = 50
_MAX_PART: Final = 32
PageNumber = Annotated[int, Query(ge=1, le=1 << 20)]


def routes(
    site: Site, enrolling: Enrolling, store: RegistryStore, fields: tuple[str, ...], holders: Holders, home: str
) -> APIRouter:
    """The routes, below ``<home>/lista``."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)
    root = f"{home}/lista"

    @router.get(root)
    async def orders(request: Request) -> Response:
        visit, _ = await holders.visit(request)
        counts = await run_in_threadpool(store.counts)
        return site.show(visit, "orders.html", root=root, total=sum(counts.values()), home=home)

    @router.get(f"{root}/{{order}}.csv")
    async def download(request: Request, order: nominal.Order) -> Response:
        _, by = await holders.visit(request)
        return await listing(enrolling, store, order, fields, by)

    @router.get(f"{root}/{{order}}")
    async def first(request: Request, order: nominal.Order) -> Response:
        return await part(request, order, "")

    @router.get(f"{root}/{{order}}/{{way:path}}")
    async def part(request: Request, order: nominal.Order, way: str, pagina: PageNumber = 1) -> Response:
        visit, by = await holders.visit(request)
        chosen = way.split("/") if way else []
        columns = nominal.ORDERS[order]
        if len(chosen) > len(columns) or any(not 0 < len(one) <= _MAX_PART for one in chosen):
            raise Refused("not-found")
        place = "/".join([root, order, *chosen])
        if len(chosen) < len(columns):
            branches = await run_in_threadpool(nominal.branches, store, order, chosen)
            if not branches:
                raise Refused("not-found" if chosen else "roll-empty")
            return site.show(
                visit, "branches.html", order=order, columns=columns, chosen=chosen, here=place, branches=branches,
                column=columns[len(chosen)], root=root, home=home,
            )  # fmt: skip
        people = await run_in_threadpool(nominal.part, store, order, chosen)
        shown = people[(pagina - 1) * PAGE : pagina * PAGE]
        if not shown:
            raise Refused("not-found")
        await enrolling.note(f"nominal-{order}", len(shown), by)
        return site.show(
            visit, "people.html", order=order, columns=columns, chosen=chosen, here=place, root=root, fields=fields,
            rows=[[getattr(person, name) for name in fields] for person in shown], page=pagina, total=len(people),
            pages=-(-len(people) // PAGE), home=home,
        )  # fmt: skip

    return router

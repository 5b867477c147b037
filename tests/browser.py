"""Pages in a real browser: Chromium as the machine has it, driven by Playwright.

A test takes the fixture `browser` and opens its pages with `showing`, which fails upon every error that the browser
tells of: a script that breaks, an answer that is none, something that the page's own policy forbade. Where there is no
Chromium such tests are left out and a line of the summary says so; with `VEMRE_REQUIRE_ALL=1` they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    # Every run of the tests loads this module, and few of them a browser.
    from playwright.sync_api import Browser, Page

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"
PHONE: Final = (360, 740)
DESKTOP: Final = (1280, 900)
PATIENCE: Final = 60_000
"""Milliseconds that anything in a page may take."""
_FIXTURE: Final = "browser"
_AXE: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # What is right need not be described: that takes as long as to look.
    "resultTypes": ["violations"],
}


def chromium() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def why_not() -> str | None:
    """Why there is no browser to test with, or None."""
    return None if chromium() else "no chromium: make deps installs it"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one module: while it runs, no event loop can be started in this thread."""
    if (reason := why_not()) is not None:
        pytest.fail(f"tests in a browser cannot run: {reason}")
    from playwright.sync_api import expect, sync_playwright

    # What is expected comes at once, but not on a machine that does much else.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        # Chromium refuses its own sandbox to root, as which tests run in a container.
        started = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@contextmanager
def showing(
    browser: Browser, size: tuple[int, int] = DESKTOP, *, errors: bool = False, **options: Any
) -> Iterator[Page]:
    """An empty page of a window of that size (CSS pixels), in a context of its own.

    `options` are those of Playwright's `new_context` (``locale``, ``java_script_enabled`` ...). With `errors` the
    browser's errors are the test's own affair.
    """
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    told: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: told.append(f"script: {error}"))
        page.on("console", lambda line: told.append(f"console: {line.text}") if line.type == "error" else None)
        yield page
    finally:
        context.close()
    assert errors or not told, told


def axe(page: Page) -> list[str]:
    """What axe finds wrong with a page by WCAG 2.2, levels A and AA, and by good practice."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=_AXE).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {[node['html'] for node in rule['nodes']]}" for rule in found]


def overflow(page: Page) -> int:
    """CSS pixels by which a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    if REQUIRE_ALL or why_not() is None:
        return
    missing = [item for item in items if _FIXTURE in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=missing)
    items[:] = [item for item in items if item not in missing]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := why_not()) is not None:
        print(f"NOT RUN: tests in a browser ({reason})")

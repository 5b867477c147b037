"""Pictures of pages as a telephone and a desktop show them, each kept under the name of the page and its state."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from browser import DESKTOP, PHONE, chromium, overflow
from voting_page import LANGUAGES

from gallery.shots import SHOTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page, Playwright

SIZES: Final = {"phone": PHONE, "desktop": DESKTOP}
"""Each window, in pixels."""
TALLEST: Final = 2600
"""Pixels of a page that a picture shows."""
QUALITY: Final = 42
SETTLED: Final = "document.fonts.ready.then(() => new Promise(done => setTimeout(done, 120)))"


@dataclass
class Camera:
    """Takes pictures in one language. `kind` is ``webp`` or ``png``; only shots whose name begins with `only`."""

    folder: Path
    language: str
    kind: str = "webp"
    only: str = ""
    browser: Browser = field(init=False)
    taken: list[str] = field(default_factory=list)

    @contextmanager
    def running(self, driver: Playwright, **options: Any) -> Iterator[Camera]:
        """With a browser, as long as it lasts."""
        flags = ["--no-sandbox", "--font-render-hinting=none", "--force-color-profile=srgb"]
        self.browser = driver.chromium.launch(executable_path=chromium(), args=flags, **options)
        try:
            yield self
        finally:
            self.browser.close()

    @contextmanager
    def window(self, **options: Any) -> Iterator[Page]:
        """An empty page of a visitor of its own."""
        width, height = DESKTOP
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            locale=LANGUAGES[self.language],
            ignore_https_errors=True,
            accept_downloads=True,
            reduced_motion="reduce",
            **options,
        )
        try:
            page = context.new_page()
            page.set_default_timeout(60_000)
            yield page
        finally:
            context.close()

    def take(self, page: Page, name: str, ready: str = "h1") -> None:
        """The page as it is once `ready` is there, at both sizes."""
        if name not in SHOTS:
            raise ValueError(f"{name} is not among the pictures of gallery/shots.py")
        page.wait_for_selector(ready, state="attached")
        if not name.startswith(self.only):
            return
        devtools = page.context.new_cdp_session(page)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(SETTLED)
            if (wider := overflow(page)) > 0:
                raise ValueError(f"{name}: {wider} pixels wider than the window ({size})")
            (self.folder / f"{name}-{size}.{self.kind}").write_bytes(self._picture(devtools, page, width, height))
        devtools.detach()
        self.taken.append(name)
        print(f"  {name}", flush=True)

    def _picture(self, devtools: CDPSession, page: Page, width: int, height: int) -> bytes:
        whole = int(page.evaluate("Math.ceil(document.documentElement.scrollHeight)"))
        clip = {"x": 0, "y": 0, "width": width, "height": min(max(whole, height), TALLEST), "scale": 1}
        # Only a whole page is taken beyond its window: what is fixed to the window stays in its place.
        wanted: dict[str, Any] = {"format": self.kind, "captureBeyondViewport": whole > height, "clip": clip}
        if self.kind != "png":
            wanted["quality"] = QUALITY
        return base64.b64decode(devtools.send("Page.captureScreenshot", wanted)["data"])

"""What the page does with a device beside its screen: the camera, pictures, passkeys, a printer, a slow line."""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import segno
import voting_page
from browser import PHONE, chromium, showing
from playwright.sync_api import Browser, Page, expect
from voting_page import LANGUAGES, VotingPage


def picture(text: str) -> bytes:
    """A QR code as a PNG."""
    out = io.BytesIO()
    segno.make(text).save(out, kind="png", scale=8)
    return out.getvalue()


def film(text: str, file: Path, size: int = 480) -> None:
    """A film (y4m) that shows a QR code, as a camera would see it."""
    rows = [list(row) for row in segno.make(text).matrix_iter(border=4)]
    scale = size // len(rows)
    margin = (size - scale * len(rows)) // 2
    light = bytes([235])

    def line(y: int) -> bytes:
        row = (y - margin) // scale
        if not 0 <= row < len(rows):
            return light * size
        dots = b"".join(bytes([16 if dark else 235]) * scale for dark in rows[row])
        return light * margin + dots + light * (size - margin - len(dots))

    frame = b"FRAME\n" + b"".join(line(y) for y in range(size)) + bytes([128]) * (size * size // 2)
    file.write_bytes(f"YUV4MPEG2 W{size} H{size} F10:1 Ip A1:1 C420\n".encode() + frame * 2)


def test_a_credential_from_a_picture(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        page.set_input_files("#picture", {"name": "x.png", "mimeType": "image/png", "buffer": picture("nothing")})
        expect(page.locator("#credential-error")).to_contain_text("no se encontró el código")
        code = picture(who.credential)
        page.set_input_files("#picture", {"name": "x.png", "mimeType": "image/png", "buffer": code})
        expect(page.locator("#credential-state")).to_contain_text("bien escrita")
        page.set_input_files("#picture", {"name": "x.png", "mimeType": "image/png", "buffer": b"not a picture"})
        expect(page.locator("#credential-error")).to_contain_text("no se encontró el código")


def test_a_camera_that_is_not_there(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        page.click("#scan")
        expect(page.locator("#credential-error")).to_contain_text("No se pudo usar la cámara")


NOTE_STREAMS: Final = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (what) => (window.stream = await ask(what));
"""
FILMING: Final = "window.stream.getTracks().some((track) => track.readyState === 'live')"


@contextmanager
def filming(browser: Browser, folder: Path, text: str) -> Iterator[Page]:
    """A page on a telephone whose camera sees a code."""
    film(text, folder / "film.y4m")
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={folder / 'film.y4m'}"]
    own = browser.browser_type.launch(executable_path=chromium(), args=["--no-sandbox", *camera])
    try:
        with showing(own, PHONE, locale=LANGUAGES["es"], permissions=["camera"]) as page:
            page.add_init_script(NOTE_STREAMS)
            yield page
    finally:
        own.close()


def test_a_credential_by_camera(browser: Browser, site: VotingPage, tmp_path: Path) -> None:
    """With a camera that shows the code. The lamp goes out once it is read."""
    who = site.next()
    with filming(browser, tmp_path, who.credential) as page:
        who.come(page, site.url)
        page.click("#scan")
        expect(page.locator("#credential-state")).to_contain_text("bien escrita", timeout=30_000)
        expect(page.locator("video")).to_have_count(0)
        expect(page.locator("#credential")).to_be_focused()
        assert not page.evaluate(FILMING)
        page.click("#go-on")
        page.wait_for_selector(".paper")


def test_a_camera_goes_off_with_the_screen(browser: Browser, site: VotingPage, tmp_path: Path) -> None:
    who = site.next()
    with filming(browser, tmp_path, "no credential") as page:
        who.come(page, site.url)
        page.click("#scan")
        page.wait_for_selector("video")
        assert page.evaluate(FILMING)
        page.click("#sign-out")
        page.wait_for_selector("#user")
        page.wait_for_function(f"() => !({FILMING})")


@pytest.fixture
def by_name(pages: Path, tmp_path: Path) -> Iterator[VotingPage]:
    """A page that knows its own address: passkeys belong to a name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://localhost:{port}"
    simulation = voting_page.simulated(urns=("urna-17",) * 2)
    with voting_page.serving(tmp_path, simulation, port=port, public_url=address) as site:
        site.url = address
        yield site


def test_passkeys(browser: Browser, by_name: VotingPage) -> None:
    who = by_name.next()
    with showing(browser, locale=LANGUAGES["en"]) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        who.come(page, by_name.url)
        page.click("summary:has-text('Sign in more easily')")
        page.click("#passkey-add")
        expect(page.locator("#passkey-said")).to_contain_text("Done")
        page.click("#passkey-add")
        expect(page.locator("#passkey-said")).to_contain_text("has a passkey for your account already")
        page.click("#sign-out")
        page.wait_for_selector("#user")
        page.click("#passkey")
        page.wait_for_selector("#credential")
        who.seal(page, "option-4")
        page.click("#cast")
        page.wait_for_selector("#tracker")


def test_a_device_that_has_no_passkey(browser: Browser, by_name: VotingPage) -> None:
    with showing(browser, locale=LANGUAGES["es"]) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        page.add_init_script(
            "navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
        )
        page.goto(by_name.url)
        page.click("#passkey")
        expect(page.locator("#passkey-error")).to_contain_text("no usó ninguna llave")
        page.fill("#user", "sigue@example.org")


def test_a_printed_receipt(browser: Browser, site: VotingPage) -> None:
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        who.seal(page, "option-4")
        page.click("#cast")
        page.wait_for_selector("#tracker")
        page.emulate_media(media="print")
        for hidden in ("#download", "#print", "footer", "#language-en", "#time-left"):
            expect(page.locator(hidden)).to_be_hidden()
        for printed in ("#tracker", "svg.qr", "#auditors"):
            expect(page.locator(printed)).to_be_visible()
        assert "Jorge" not in page.inner_text("body")


@pytest.mark.slow
def test_a_slow_line(browser: Browser, site: VotingPage) -> None:
    """Two seconds each way, 50 kilobytes a second: it takes longer, and nothing else."""
    who = site.next()
    who.person.enter()
    with showing(browser, PHONE, locale=LANGUAGES["es"]) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        speed = {"offline": False, "latency": 2000, "downloadThroughput": 50_000, "uploadThroughput": 10_000}
        devtools.send("Network.emulateNetworkConditions", speed)
        page.set_default_timeout(120_000)
        who.sign_in(page, site.url)
        who.seal(page, "option-4")
        page.click("#cast")
        page.wait_for_selector("#tracker")

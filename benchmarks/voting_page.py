"""Measures the voter's page in Chromium, and writes docs/performance-voting-page.md.

python benchmarks/voting_page.py [--rounds 15]

A ballot of four contests, each with seven options, coalitions and a line for a name, is encrypted again and again: from
the press of the button until the page offers to cast it.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

import machine  # noqa: E402
import voting_page  # noqa: E402
from browser import PHONE, chromium  # noqa: E402
from client_program import FOLDER  # noqa: E402

from vemre.demo import pef2024  # noqa: E402
from vemre.election.choice import blocks_needed  # noqa: E402
from vemre.records import setup_bodies as s  # noqa: E402
from vemre.records.fields import Bilingual  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TARGET: Final = ROOT / "docs" / "performance-voting-page.md"
CONTESTS: Final = 4
MILLISECONDS: Final = 120_000
MEASURE: Final = """
() => new Promise(done => {
    const begun = performance.now();
    const seen = new MutationObserver(() => {
        if (document.getElementById('cast') === null) return;
        seen.disconnect();
        done(performance.now() - begun);
    });
    seen.observe(document.getElementById('main'), { childList: true, subtree: true });
    document.getElementById('seal').click();
})
"""


def offer() -> s.Offer:
    """One urn of four contests in the shape of the presidency of 2024."""
    [first] = [contest for contest in pef2024.offer(pef2024.entities(1)).contests if contest.id == "presidencia"]
    contests = [
        s.Contest(
            id=f"contest-{number}",
            title=Bilingual(f"Elección {number}", f"Contest {number}"),
            legend=first.legend,
            options=first.options,
            coalitions=first.coalitions,
            write_in_bytes=first.write_in_bytes,
            blocks=blocks_needed(first),
        )
        for number in range(1, CONTESTS + 1)
    ]
    return s.Offer([s.Urn("urna-17", "Morelos", [contest.id for contest in contests])], contests)


def measure(browser: Browser, site: voting_page.VotingPage, rounds: int) -> list[float]:
    """Seconds from the press until the ballot can be cast, round by round."""
    who = site.next()
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    who.come(page, site.url)
    who.give_credential(page)
    for number in range(1, CONTESTS + 1):
        page.wait_for_selector(f".step:has-text('{number}')")
        for option in (0, 1):
            page.check(f"#option-{option}", force=True)
        page.click("#next")
    found = []
    for _ in range(rounds):
        page.wait_for_selector("#seal")
        found.append(page.evaluate(MEASURE) / 1000)
        page.click("#back")
    context.close()
    return found


def bundle() -> int:
    """Bytes of the voting page as they are sent: the page, its script, its worker, its style."""
    dist = FOLDER / "dist"
    files = [dist / "index.html", *(dist / "assets").glob("index-*"), *(dist / "assets").glob("main-*")]
    files += [path for path in (dist / "assets").glob("style-*") if path.name in files[0].read_text(encoding="utf-8")]
    return sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in files)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the voter's page.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    from playwright.sync_api import sync_playwright

    simulation = voting_page.simulated(offer(), urns=("urna-17",) * 2)
    with (
        tempfile.TemporaryDirectory() as folder,
        voting_page.serving(Path(folder), simulation) as site,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        times = measure(browser, site, rounds)
        version = browser.version
        browser.close()
    ciphertexts = sum(blocks_needed(contest) for contest in offer().contests)
    lines = [
        "# Performance of the voting page",
        "",
        "Written by `python benchmarks/voting_page.py`; do not edit. Absolute times depend on the machine and what",
        "else it does.",
        "",
        f"* Encrypting a ballot of {CONTESTS} contests ({ciphertexts} ciphertexts, each with its proof), from the",
        "  press of the button until the ballot can be cast or put to the test",
        f"* Machine: {machine.description()}; Chromium {version}",
        f"* {rounds} ballots of one voter, one after the other",
        "",
        "| first ballot | median | slowest |",
        "| ---: | ---: | ---: |",
        f"| {times[0]:.2f} s | {statistics.median(times):.2f} s | {max(times):.2f} s |",
        "",
        f"The page with its script, worker and style is {bundle():,} bytes, compressed as it is sent.",
        "",
    ]
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()

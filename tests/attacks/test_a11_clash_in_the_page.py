"""A11: clash. The ballot box answers a voter's page with somebody else's receipt. The page computes the tracker of the
ballot that it made itself, alarms, and keeps both as evidence; an honest answer to the same bytes still ends well."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import voting_page
from browser import PHONE, showing
from voting_page import LANGUAGES, VotingPage

from vemre.crypto import tracker
from vemre.log.merkle import leaf_hash

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VotingPage]:
    with voting_page.serving(tmp_path_factory.mktemp("site")) as serving:
        yield serving


@pytest.fixture(scope="module")
def other(site: VotingPage) -> Answer:
    """The answer to another voter, of like choices."""
    voter = site.next().person.voter
    answer: Answer = site.box.cast(voter, site.box.ballot(voter, [voting_page.FIRST])).json()
    return answer


def the_other_voters(answer: Answer, _entry: bytes, other: Answer) -> Answer:
    return other


def with_my_names(answer: Answer, entry: bytes, other: Answer) -> Answer:
    leaf = leaf_hash(entry)
    return {**other, "leaf_hash": leaf.hex(), "tracker": tracker.shown(leaf)}


def with_another_tracker(answer: Answer, entry: bytes, other: Answer) -> Answer:
    return {**answer, "tracker": other["tracker"]}


def with_another_place(answer: Answer, entry: bytes, other: Answer) -> Answer:
    return {**answer, "index": answer["index"] + 1}


def without_a_receipt(answer: Answer, entry: bytes, other: Answer) -> Answer:
    return {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (the_other_voters, "receipt-of-another-ballot"),
        (with_another_tracker, "receipt-of-another-ballot"),
        (with_another_place, "receipt-of-another-ballot"),
        # Then the proof does not lead to what the log signed.
        (with_my_names, "LOG receipt"),
        (without_a_receipt, "NOTE receipt"),
    ],
)
def test_the_page_alarms(
    browser: Browser,
    site: VotingPage,
    other: Answer,
    change: Callable[[Answer, bytes, Answer], Answer],
    code: str,
    tmp_path: Path,
) -> None:
    who = site.next()
    sent: list[bytes] = []

    def lie(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps(change(answer.json(), sent[-1], other)))

    with showing(browser, PHONE, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)
        who.seal(page, "option-0")
        page.context.route("**/ballots", lie)
        page.click("#cast")
        page.wait_for_selector(".alarm")
        assert page.get_attribute(".alarm", "data-code") == code
        assert page.inner_text("h1").startswith("Alarma")
        mine = tracker.shown(leaf_hash(sent[0]))
        assert page.inner_text("#mine") == mine
        assert page.locator("#tracker").count() == 0
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(tmp_path / "evidence.json")
        evidence = json.loads((tmp_path / "evidence.json").read_text())
        assert base64.b64decode(evidence["entry"]) == sent[0]
        assert (evidence["tracker"], evidence["leaf_hash"]) == (mine, leaf_hash(sent[0]).hex())
        assert evidence["answer"].get("tracker") == change({"tracker": mine, "index": 0}, sent[0], other).get("tracker")
        # The ballot is still kept: the same bytes get an honest answer.
        page.context.unroute("**/ballots")
        page.reload()
        page.click("#send")
        page.wait_for_selector("#tracker")
        assert page.inner_text("#tracker") == mine
        assert len(sent) == 1


def test_an_account_that_voted_is_shown_a_receipt_that_verifies_or_none(
    browser: Browser, site: VotingPage, other: Answer
) -> None:
    """After signing in again the box names another ballot as the voter's: its own receipt does not prove that one."""
    who = site.next()
    with showing(browser, locale=LANGUAGES["es"]) as page:
        who.come(page, site.url)

        def lie(route: Route) -> None:
            answer = route.fetch()
            voted = {"tracker": other["tracker"], "leaf_hash": "00" * 32}
            route.fulfill(response=answer, body=json.dumps({**answer.json(), "voted": voted}))

        page.context.route("**/session", lie)
        page.context.route(
            "**/receipts/*", lambda route: route.fulfill(body=other["receipt"], content_type="text/plain")
        )
        page.reload()
        page.wait_for_selector(".problem")
        assert page.get_attribute(".problem", "data-code") == "LOG receipt"
        assert page.locator("#tracker").count() == 0

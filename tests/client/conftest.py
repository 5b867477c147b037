"""The voter's page in a browser, over a real ballot box."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import voting_page
from voting_page import VotingPage


@pytest.fixture(scope="module")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VotingPage]:
    """A ballot box that is open, with its page."""
    with voting_page.serving(tmp_path_factory.mktemp("site")) as serving:
        yield serving

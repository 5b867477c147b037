"""Each service answers what its own description declares, whatever it is asked: over real HTTP, with real stores.

schemathesis makes requests from ``/openapi.json``, proper ones and broken ones, sent with and without the tokens of
those who may. `VEMRE_FUZZ_EXAMPLES` is the number of requests for each operation and kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
import schemathesis
from fuzz_targets import STARTED, Target
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

EXAMPLES = int(os.environ.get("VEMRE_FUZZ_EXAMPLES", "6"))
# A stream has no end; the pages' stylesheet and the like are in no description.
LEFT_OUT = {("witness", "/events")}
_PROMISED = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)


@pytest.fixture(scope="module", params=list(STARTED))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Target]]:
    with ExitStack() as stack:
        yield request.param, STARTED[request.param](stack, tmp_path_factory.mktemp(request.param))


def _check(url: str, session: requests.Session, case: Case, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        case.headers[name] = value
    answer = case.call(base_url=url, session=session, timeout=60, allow_redirects=False)
    place = f"{case.method} {answer.request.url} {case.headers} {case.body!r}"
    assert answer.status_code < 500 or answer.status_code == 503, f"{place}: {answer.text[:2000]}"
    case.validate_response(answer, checks=list(_PROMISED))


@pytest.mark.slow
def test_every_answer_is_declared(target: tuple[str, Target]) -> None:
    name, found = target
    schema = schemathesis.openapi.from_url(f"{found.url}/openapi.json")
    headers = st.sampled_from([{}, *found.headers])
    failures: list[str] = []
    count = 0
    with requests.Session() as session:
        for result in schema.get_all_operations():
            operation = result.ok()
            if (name, operation.path) in LEFT_OUT:
                continue
            count += 1
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                cases = operation.as_strategy(generation_mode=mode)

                @settings(
                    max_examples=EXAMPLES,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.explicit, Phase.generate],
                    report_multiple_bugs=False,
                )
                @given(case=cases, headers=headers)
                def every(case: Case, headers: dict[str, str]) -> None:
                    _check(found.url, session, case, headers)

                try:
                    every()
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    # A description without anything to negate has no negative requests.
                    if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                        failures.append(f"--- {operation.label} ({mode.value})\n{error}")
    assert count > 5
    assert not failures, f"{len(failures)} of {count} operations:\n" + "\n".join(failures)[:20_000]


def test_refusals_are_declared_with_their_headers(target: tuple[str, Target]) -> None:
    document = requests.get(f"{target[1].url}/openapi.json", timeout=60).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            headers = operation["responses"]["429"]["headers"]
            assert set(headers) == {"Retry-After", "RateLimit", "RateLimit-Policy"}, (method, path)

"""HTTP to another service: submissions, and reading its log.

Every POST of the product is safe to repeat (the same bytes get the same answer), so transport errors and answers
that say "later" are retried with capped backoff. Refusals come as `RemoteProblem`, everything else that is no answer
of the product as `Unreachable`. Answers are read up to a limit and within a deadline, whoever serves them.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import httpx2

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.messages import Distrusted, Problem, RemoteProblem, Unreachable
from vemre.records.bundle import MEDIA_TYPE
from vemre.service import tls

MAX_ANSWER_BYTES: Final = 1 << 24
_RETRIED: Final = frozenset({429, 502, 503, 504})
_FIRST_PAUSE: Final = 0.2
_MAX_PAUSE: Final = 5.0
_PROBLEM_MEMBERS: Final = frozenset({"check", "where", "party", "finding", "fields", "lines", "request_id"})


class TooLong(Exception):
    """An answer with more bytes than were asked for."""


class ServiceClient:
    """A connection to one service; a context manager. May be used from several threads."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        deadline: float = 600.0,
        attempts: int = 6,
        max_problem: int = 1 << 16,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`token` goes as a bearer token. `timeout` bounds each step of the network, `deadline` a whole answer (both
        seconds), `max_problem` a refusal (bytes). Raises Unreachable for an address that is none, Refused
        ("roots-unusable")."""
        try:
            self._url = httpx2.URL(base_url.rstrip("/"))
        except httpx2.InvalidURL:
            raise Unreachable("—", "not an address") from None
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise Unreachable("—", "not an http address")
        self.place = f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"
        # Identity alone: what arrives is what was asked for, and no small answer unpacks to a large one.
        headers = {"Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx2.Client(
            headers=headers,
            timeout=timeout,
            transport=transport,
            trust_env=not is_loopback(self._url.host),
            verify=tls.client_context(self._url.scheme),
        )
        self._deadline = deadline
        self._attempts = attempts
        self._max_problem = max_problem
        self._sleep = sleep

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, submission: bytes, path: str = "/records") -> Any:
        """Post a submission (`vemre.records.bundle.encode`); gives the answer's JSON. Raises RemoteProblem."""
        return self.decode(self.post(path, submission, MEDIA_TYPE))

    def get_json(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The JSON at `path`."""
        return self.decode(self.request("GET", path, params=params))

    def post_json(self, path: str, value: Any) -> Any:
        """Post JSON; gives the answer's."""
        return self.decode(self.post(path, json.dumps(value).encode(), "application/json"))

    def post(self, path: str, content: bytes, media_type: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """Post bytes; gives the answer's."""
        return self.request("POST", path, content=content, media_type=media_type, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        media_type: str | None = None,
        params: Mapping[str, str | int] | None = None,
        limit: int = MAX_ANSWER_BYTES,
    ) -> bytes:
        """The body of a successful answer.

        Raises RemoteProblem for a refusal, Unreachable where no proper answer came in all attempts (Distrusted at once
        for a certificate that is not trusted), TooLong for an answer of more than `limit` bytes.
        """
        headers = {"Content-Type": media_type} if media_type else {}
        request = self._http.build_request(
            method, f"{self._url}{path}", content=content, params=params, headers=headers
        )
        failure: RemoteProblem | Unreachable = Unreachable(self.place, "not tried")
        for attempt in range(self._attempts):
            wait: str | None = None
            try:
                answer = self._http.send(request, stream=True)
                try:
                    data = self._read(answer, limit if answer.is_success else self._max_problem)
                finally:
                    answer.close()
            except httpx2.HTTPError as error:
                if (doubt := tls.distrust(error)) is not None:
                    raise Distrusted(self.place, doubt) from None
                failure = Unreachable(self.place, type(error).__name__)
            else:
                if answer.is_success:
                    return data
                failure = self._failure(answer, data)
                if answer.status_code not in _RETRIED:
                    raise failure
                wait = answer.headers.get("retry-after")
            if attempt + 1 < self._attempts:
                self._sleep(_pause(attempt, wait))
        raise failure

    def decode(self, data: bytes) -> Any:
        """The JSON of an answer. Raises Unreachable for anything else."""
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Unreachable(self.place, "an answer that is not JSON") from None

    def _read(self, answer: httpx2.Response, limit: int) -> bytes:
        end = time.monotonic() + self._deadline
        data = bytearray()
        # A transport in memory gives its answer whole.
        for chunk in (answer.content,) if answer.is_stream_consumed else answer.iter_raw():
            data += chunk
            if len(data) > limit:
                raise TooLong(limit)
            if time.monotonic() > end:
                raise httpx2.ReadTimeout("the answer took too long")
        return bytes(data)

    def _failure(self, answer: httpx2.Response, data: bytes) -> RemoteProblem | Unreachable:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = None
        problem = Problem.parse(document)
        if problem is None or problem.status != answer.status_code:
            return Unreachable(self.place, f"HTTP {answer.status_code}")
        return RemoteProblem(problem, {name: document[name] for name in _PROBLEM_MEMBERS & set(document)})


class HttpSource:
    """A log as its service serves it (`vemre.service.log_routes`)."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        """See `LogSource`."""
        if cosigned:
            return self._get("/log/cosigned", MAX_NOTE_BYTES, Check.NOTE, {"size": covering}, absent=None)
        return self._get("/log/checkpoint", MAX_NOTE_BYTES, Check.NOTE)

    def tile(self, path: str) -> bytes:
        """See `LogSource`."""
        return self._get(f"/log/{path}", MAX_BUNDLE_BYTES, Check.LOG)

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`."""
        return self._get(f"/blob/{digest}", limit, Check.BLOB_DIGEST)

    def _get(
        self, path: str, limit: int, check: Check, params: Mapping[str, int] | None = None, absent: int | None = 404
    ) -> bytes:
        try:
            return self._client.request("GET", path, params=params, limit=limit)
        except RemoteProblem as problem:
            if problem.status == absent:
                raise FileNotFoundError(path) from None
            raise
        except TooLong:
            raise CheckFailed(check, f"{path}: more than {limit} bytes") from None


def is_loopback(host: str) -> bool:
    """Requests to this machine go through no proxy."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pause(attempt: int, wait: str | None) -> float:
    """Seconds before the next attempt: what the server asks for, within our cap, or doubling ones."""
    if wait is not None and wait.isascii() and wait.isdecimal():
        return min(float(wait), _MAX_PAUSE)
    return float(min(_FIRST_PAUSE * 2**attempt, _MAX_PAUSE))

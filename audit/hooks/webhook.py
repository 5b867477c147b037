"""The hook `webhook`: every event as a signed POST of JSON to one address.

    use = "webhook"
    url = "https://alarm.example/vemre"        # https, or http to this machine
    secret_file = "/etc/vemre/webhook.secret"  # 0600; both sides hold it
    attempts = 4                               # how often one event is sent, at most 10
    attempt_seconds = 5                        # for each step of the network

The body is the event's document, ``application/json``. Header ``VeMRE-Signature: t=<seconds>,v1=<hex>``, where v1 is
HMAC-SHA-256 under the secret of ``<seconds>``, a full stop, and the body; seconds are the POSIX time of sending.
``VeMRE-Delivery`` is the SHA-256 of the body: the same for each repetition. docs/audit-hooks.md says why it is no
signature of the auditor.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec

import vemre
from audit.hooks.document import encode
from audit.hooks.events import Event
from audit.hooks.interface import EveryEvent, HookContext, HookError
from vemre.errors import Refused
from vemre.service import tls

SIGNATURE: Final = "VeMRE-Signature"
DELIVERY: Final = "VeMRE-Delivery"
MIN_SECRET: Final = 16
_MAX_SECRET: Final = 4096
_RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE: Final = 0.5
_MAX_PAUSE: Final = 8.0


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    secret_file: str
    attempts: int = 4
    attempt_seconds: float = 5.0


class Webhook(EveryEvent):
    """See the module."""

    def __init__(self, settings: Mapping[str, Any], context: HookContext) -> None:
        super().__init__(settings, context)
        try:
            chosen = msgspec.convert(dict(settings), _Settings)
        except msgspec.ValidationError as error:
            raise HookError(str(error)) from None
        if not 1 <= chosen.attempts <= 10 or not 0.1 <= chosen.attempt_seconds <= 60:
            raise HookError("attempts are from 1 to 10, attempt_seconds from 0.1 to 60")
        self._url, loopback = _address(chosen.url)
        self._secret = read_secret(Path(chosen.secret_file))
        self._attempts = chosen.attempts
        # A receiver that sends the event elsewhere would take it out of the operator's hands.
        try:
            verify = tls.client_context(self._url.scheme)
        except Refused as refused:
            raise HookError(str(refused)) from None
        self._http = httpx2.Client(
            timeout=chosen.attempt_seconds, follow_redirects=False, trust_env=not loopback, verify=verify,
            headers={"User-Agent": f"vemre/{vemre.__version__}", "Accept-Encoding": "identity"},
        )  # fmt: skip

    def close(self) -> None:
        """See `AuditHook`."""
        self._http.close()

    def on_event(self, event: Event) -> None:
        """See `EveryEvent`."""
        body = encode(event)
        for attempt in range(self._attempts):
            wait: str | None = None
            try:
                # The answer's body says nothing that matters here, so none of it is read.
                with self._http.stream("POST", self._url, content=body, headers=self._headers(body)) as answer:
                    if answer.is_success:
                        return
                    failure = f"HTTP {answer.status_code}"
                    if answer.status_code not in _RETRIED:
                        break
                    wait = answer.headers.get("retry-after")
            except httpx2.HTTPError as error:
                if (doubt := tls.distrust(error)) is not None:
                    raise HookError(f"not delivered: certificate not trusted: {doubt}") from None
                failure = type(error).__name__
            if attempt + 1 < self._attempts:
                time.sleep(_pause(attempt, wait))
        raise HookError(f"not delivered: {failure}")

    def _headers(self, body: bytes) -> dict[str, str]:
        seconds = int(time.time())
        return {
            "Content-Type": "application/json",
            SIGNATURE: f"t={seconds},v1={sign(self._secret, seconds, body)}",
            DELIVERY: hashlib.sha256(body).hexdigest(),
        }


def sign(secret: bytes, seconds: int, body: bytes) -> str:
    """The signature of a body sent at `seconds` (POSIX): 64 hex digits."""
    return hmac.new(secret, b"%d." % seconds + body, hashlib.sha256).hexdigest()


def read_secret(path: Path) -> bytes:
    """The bytes of the file without a final line feed. Raises HookError where others may read it, or it is short."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise HookError(f"{path}: must be a file that its owner alone can read (0600)")
            secret = file.read(_MAX_SECRET + 1).removesuffix(b"\n")
    except OSError as error:
        raise HookError(f"{path}: {error.strerror}") from None
    if not MIN_SECRET <= len(secret) <= _MAX_SECRET:
        raise HookError(f"{path}: a secret has {MIN_SECRET} to {_MAX_SECRET} bytes")
    return secret


def _address(text: str) -> tuple[httpx2.URL, bool]:
    """The address, and whether it is on this machine. An error never quotes it: some hold a secret in their path."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise HookError("url is no address") from None
    loopback = _is_loopback(url.host)
    if url.userinfo or not url.host or not (url.scheme == "https" or (url.scheme == "http" and loopback)):
        raise HookError("url must be https, or http to this machine, without user or password")
    return url, loopback


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pause(attempt: int, wait: str | None) -> float:
    """Seconds before the next attempt: what the receiver asks for, within our cap, or doubling ones."""
    if wait is not None and wait.isascii() and wait.isdecimal():
        return min(float(wait), _MAX_PAUSE)
    return float(min(_FIRST_PAUSE * 2**attempt, _MAX_PAUSE))

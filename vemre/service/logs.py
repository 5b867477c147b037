"""Technical logs: one JSON object a line on standard error, with what could be secret taken out.

The log of a service names requests by number and route, never by address, body or header. Errors are logged by type
and place in the code: their texts may quote what a voter sent.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec
import structlog

_requests: Final = logging.getLogger("vemre.requests")
REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"pass(word|phrase|code)?|secret|seed|token|authori[sz]ation|cookie|credential|body|payload|private|"
    r"^share|_share|^key$|signing_key|api_key|^code$|otp|totp|e?mail|phone|contact|clave_de_elector|^names?$",
    re.IGNORECASE,
)
_NOT_SECRET: Final = frozenset({"problem_code"})
_SECRET_TEXTS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {REDACTED}"),
    (re.compile(r"://[^/@\s]+@"), f"://{REDACTED}@"),
    (re.compile(r"(\w|/)[?#][^\s\"']*=[^\s\"']*"), rf"\1?{REDACTED}"),
    # A voting credential: seven groups of four symbols, with or without the dashes between them.
    (re.compile(r"(?i)\b[0-9a-z]{4}(?:[- ][0-9a-z]{4}){6}\b"), REDACTED),
    (re.compile(r"(?i)\b[0-9A-Z]{28}\b"), REDACTED),
    (re.compile(r"AGE-SECRET-KEY-\S+"), REDACTED),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), REDACTED),
)
_MAX_TEXT: Final = 500


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send the logs of this process, also those of its libraries, to `stream` (standard error) as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace,
        redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            keep_exc_info=False,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # One line per request is ours to write, without the address; libraries speak only when something is wrong.
    for library in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx2", "httpcore", "sqlalchemy", "alembic"):
        logger = logging.getLogger(library)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def request(**fields: str | int | float) -> None:
    """The line of an answered request. The values are the program's own, none that a client chose: so nothing has to be
    taken out, and the line costs a tenth of any other."""
    if _requests.isEnabledFor(logging.INFO):
        _requests.info({**fields, "event": "request", "level": "info"})


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes the lines of requests as they are."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name != _requests.name or not isinstance(record.msg, dict):
            return super().format(record)
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return msgspec.json.encode({**record.msg, "timestamp": moment}).decode()


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that takes out values under secret-looking names, and secret-looking pieces of all others."""
    for name, value in event.items():
        event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if name not in _NOT_SECRET and _SECRET_NAME.search(name):
        return REDACTED
    match value:
        case bool() | int() | float() | None:
            return value
        case str():
            return clean_text(value)
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case Mapping():
            return {str(key): _clean(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", inner) for inner in value]
    # The representation of an unknown object may show anything.
    return value if name.startswith("_") else f"[{type(value).__name__}]"


def clean_text(text: str) -> str:
    """A text without bearer tokens, passwords in addresses, query strings, credentials and e-mail addresses."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."


def _trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places of its trace, without its text or any variable."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()[1]
    elif isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        frames = traceback.extract_tb(info.__traceback__)
        event["error"] = type(info).__name__
        event["trace"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    event.pop("stack_info", None)
    return event

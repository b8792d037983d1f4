"""Structured logs: one JSON object a line in production, readable lines in development.

Secrets never in either.
"""

import logging.config
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from django.http import HttpRequest
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "[masked]"

_SECRET_NAMES = re.compile(
    r"passw|secret|authorization|cookie|credential|api_?key|private_?key|signature|jwt"
    r"|access_code|access_url|content_url|manual_code"  # what is sold, and what opens a door
    r"|(?:^|_)token$|^(?:access|refresh)$",
    re.IGNORECASE,
)
_SECRET_TEXTS = re.compile(
    r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9_]+"  # Stripe's secret and restricted keys
    r"|\bwhsec_[A-Za-z0-9+/=_-]+"  # webhook secrets, Stripe's and Resend's
    r"|\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{16,}"  # Resend's keys
    r"|\b(?:pi|seti|cs)_[A-Za-z0-9_]+_secret_[A-Za-z0-9]+"  # Stripe's client secrets
    r"|(?i:\bMQ1:[A-Z2-7]+)"  # tickets' codes
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # JSON web tokens
    r"|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]+"
    r"|(?<=://)[^\s/:@]*:[^\s/@]+(?=@)"  # user:password of an address
    r"|(?i:(?<=password=)|(?<=secret=)|(?<=token=))[^\s&'\"]+"
)
_QUERIES = re.compile(r"\?[^\s'\"]+")
_SUSPICIOUS = "django.security."
_TOO_DEEP = 12


def masked(value: Any, depth: int = 0) -> Any:
    """Return a copy of a value of JSON's shape with its secrets, by name or by look, as ``[masked]``."""
    if depth > _TOO_DEEP:
        return MASK
    if isinstance(value, str):
        return _SECRET_TEXTS.sub(MASK, value)
    if isinstance(value, bytes):
        return _SECRET_TEXTS.sub(MASK, value.decode("utf-8", "replace"))
    if isinstance(value, HttpRequest):
        return f"{value.method} {value.path}"
    if isinstance(value, Mapping):
        return {name: _masked_entry(name, item, depth) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth + 1) for item in value]
    return value


def _masked_entry(name: object, value: Any, depth: int) -> Any:
    if value in (None, "") or isinstance(value, bool):
        return value
    return MASK if _SECRET_NAMES.search(str(name)) else masked(value, depth + 1)


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask the whole line, traces included; the last processor before it is written."""
    return {name: _masked_entry(name, _plain(value), 0) for name, value in event.items()}


def _plain(value: Any) -> Any:
    """Return what the line will show of a value, so that a secret inside an object is seen as well."""
    plain = (str, bytes, int, float, bool, type(None), Mapping, list, tuple, set, frozenset, HttpRequest)
    return value if isinstance(value, plain) else str(value)


def without_query(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say which request a line of Django's is of as the access log does: by method, path and status.

    Queries are what people typed, and may be of the page that they came from. A request that Django finds suspicious
    is told in its sender's words, with a trace of the refusal: neither is kept, the logger names the sort.
    """
    if not isinstance(event.get("request"), HttpRequest):
        return event
    request = event.pop("request")
    status = event.pop("status_code", None)
    event.update(method=request.method, path=request.path, status=status)
    if event.get("logger", "").startswith(_SUSPICIOUS) and event.pop("exc_info", None):
        # Whoever is signed in can send such a request: nothing of ours has failed.
        event["event"], event["level"] = "refused as suspicious", "warning"
    event["event"] = _QUERIES.sub("?...", event["event"])
    return event


def configure(config: Mapping[str, Any]) -> None:
    """Set up logging; Django calls this as ``LOGGING_CONFIG`` with ``LOGGING``.

    ``config["levels"]`` names a level per logger (the empty name is the root); ``config["json"]`` forces
    the shape, else it is readable on a terminal's development run and JSON everywhere else. Lines go to
    standard error, so the tables of commands stay clean.
    """
    as_json = config.get("json", not _is_development())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    logging.config.dictConfig(_standard_library(dict(config.get("levels", {})), as_json=as_json))


def _is_development() -> bool:
    from django.conf import settings  # the settings name this module: it cannot be first

    return getattr(settings, "ENVIRONMENT", "production") == "development" and sys.stderr.isatty()


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]


def _standard_library(levels: dict[str, str], *, as_json: bool) -> dict[str, Any]:
    root = levels.pop("", "INFO")
    last: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_shared(), structlog.stdlib.ExtraAdder(), without_query],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # Before the mask, and without local variables: those hold what must not be written.
                    structlog.processors.format_exc_info,
                    mask_secrets,
                    last,
                ],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": root},
        "loggers": {name: {"level": level} for name, level in levels.items()},
    }

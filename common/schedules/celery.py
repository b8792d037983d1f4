"""Celery's end: a worker keeps how each run that beat began has ended. ``connect()`` once."""

from typing import Any

import structlog
from celery.signals import task_failure, task_revoked, task_success
from django.db import Error

from common import clock
from common.outbox.failures import describe
from common.schedules import services

# Set by django_celery_beat in what it sends; a task that somebody else began has none.
_HEADER = "periodic_task_name"

_log = structlog.stdlib.get_logger(__name__)


def connect() -> None:
    """Attach to Celery's signals; a second call changes nothing."""
    task_success.connect(_succeeded, dispatch_uid="marquee.schedules.succeeded", weak=False)
    task_failure.connect(_failed, dispatch_uid="marquee.schedules.failed", weak=False)
    task_revoked.connect(_revoked, dispatch_uid="marquee.schedules.revoked", weak=False)


def _succeeded(sender: Any, **_: object) -> None:
    _keep(_name(sender.request), None)


def _failed(sender: Any, exception: BaseException, **_: object) -> None:
    name = _name(sender.request)
    if name:
        _log.error("scheduled_job_failed", schedule=name, error=describe(exception), exc_info=exception)
    _keep(name, describe(exception))


def _revoked(sender: Any, request: Any, expired: bool = False, **_: object) -> None:
    """Say that a wake-up came too late; the run that follows it decides whether anything is missing."""
    name = _name(request)
    if name and expired:
        _log.warning("scheduled_job_overtaken", schedule=name)


def _name(request: Any) -> str:
    # A worker sets headers as attributes of the request, a task that is applied in place keeps them apart.
    headers = getattr(request, "headers", None) or {}
    return str(getattr(request, _HEADER, None) or headers.get(_HEADER) or "")


def _keep(name: str, error: str | None) -> None:
    if not name:
        return
    try:
        services.ended(name, error=error, now=clock.now())
    except Error as trouble:
        # The database is away: that this run is missing there will be seen, and the job itself is not undone.
        _log.warning("scheduled_run_not_kept", schedule=name, error=type(trouble).__name__)

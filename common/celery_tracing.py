"""The request id across Celery: in a task's headers, and current while it runs. ``connect()`` once."""

from contextlib import ExitStack
from threading import get_ident
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from common.requests import current_request_id, tracing

# Lower case without dashes: kept by every transport, and free of Celery's own names.
HEADER = "marquee_request_id"

# By thread as well: a broker that lost its connection hands a task out again, and a second thread may run it beside.
_running: dict[tuple[int, str], ExitStack] = {}


def connect() -> None:
    """Attach to Celery's signals; a second call changes nothing."""
    before_task_publish.connect(_send, dispatch_uid="marquee.tracing.send", weak=False)
    task_prerun.connect(_enter, dispatch_uid="marquee.tracing.enter", weak=False)
    task_postrun.connect(_leave, dispatch_uid="marquee.tracing.leave", weak=False)


def _send(headers: dict[str, Any] | None = None, **_: object) -> None:
    request_id = current_request_id()
    if headers is not None and request_id:
        headers.setdefault(HEADER, request_id)


def _enter(task_id: str, task: Any, **_: object) -> None:
    # A worker sets headers as attributes of the request, a task that is applied in place keeps them apart.
    given = getattr(task.request, HEADER, None) or (task.request.headers or {}).get(HEADER, "")
    stack = ExitStack()
    stack.enter_context(tracing(str(given), task=task.name, task_id=task_id))
    _running[get_ident(), task_id] = stack


def _leave(task_id: str, **_: object) -> None:
    stack = _running.pop((get_ident(), task_id), None)
    if stack is not None:
        stack.close()

"""Following the link of an ad: a person arrives, whatever becomes of the count.

The database has a moment; then the way on is taken from memory. A click that could not be counted by then is logged,
or is counted yet if the database comes to it: never twice, for a token counts once.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

import structlog
from django.db import Error, connection, connections

from ads.models import EventKind
from ads.services.destinations import destinations
from ads.services.judging import Told, facts_of, read
from ads.services.redeeming import click, leads_to
from ads.types.redeeming import ClickResult, Visitor
from common.errors import Busy

_log = structlog.stdlib.get_logger(__name__)

R = TypeVar("R")

# For a held row, for one statement (milliseconds), and for everything (seconds).
_LOCK_MILLISECONDS: Final = 200
_STATEMENT_MILLISECONDS: Final = 1_500
_PATIENCE: Final = 2.0
# So many wait for a database that does not answer, in one process; more are not even tried.
_MOST_WAITING: Final = 32
_free = threading.BoundedSemaphore(_MOST_WAITING)


def follow(*, ad_id: UUID, token: str, who: Visitor, now: datetime) -> ClickResult:
    """Return where an ad leads, counting the click if that can be done within two seconds.

    Raises ``NotFound`` as ``click`` does, and ``Busy`` when neither the database nor this process knows the ad.
    """
    try:
        return _within_moments(lambda: click(ad_id=ad_id, token=token, who=who, now=now))
    except (Busy, Error, TimeoutError) as error:
        _log.warning("ad_click_not_counted", ad_id=str(ad_id), error=repr(error))
        destination = destinations.of(ad_id, read(token), now)
        if not destination:
            raise Busy(retry_after=2) from error
    return ClickResult(counted=False, reason=None, destination=destination)


def destination_of(*, ad_id: UUID, token: str, now: datetime) -> str:
    """Return where an ad leads, counting nothing: for whoever looks ahead. Raises as ``follow``."""
    told = Told(read(token), EventKind.CLICK, asked=ad_id)
    try:
        return _within_moments(lambda: leads_to(facts_of([told], None).get(ad_id), told.claims, now))
    except (Error, TimeoutError) as error:
        destination = destinations.of(ad_id, told.claims, now)
        if not destination:
            raise Busy(retry_after=2) from error
        return destination


def _within_moments(work: Callable[[], R]) -> R:
    """Return what ``work`` returns, done in a thread with a connection of its own, so that a database that is stuck
    holds up nobody. Raises what it raises, and ``TimeoutError``.

    Inside of a caller's transaction it is done there.
    """
    if connection.in_atomic_block:
        return work()
    if not _free.acquire(blocking=False):
        raise TimeoutError
    answer: Future[R] = Future()

    def run() -> None:
        try:
            with _impatient():
                answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 it is raised where it is waited for
            if not answer.done():
                answer.set_exception(error)
        finally:
            _free.release()
            connections.close_all()

    threading.Thread(target=copy_context().run, args=(run,), daemon=True, name="ad-click").start()
    return answer.result(timeout=_PATIENCE)


@contextmanager
def _impatient() -> Iterator[None]:
    """Let no row and no statement of this connection take long; then it goes back as it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET lock_timeout = {_LOCK_MILLISECONDS}; SET statement_timeout = {_STATEMENT_MILLISECONDS}"
        )
        try:
            yield
        finally:
            cursor.execute("RESET lock_timeout; RESET statement_timeout")

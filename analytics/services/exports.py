"""An event's report as a file: asked for by somebody who may, or made for a schedule."""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from django.db import DatabaseError

from accounts.services import access
from accounts.types import Capability
from analytics.exporting import csv, pdf, xlsx
from analytics.exporting.content import Details, Found, content_of
from analytics.exporting.details import ledger_rows, order_rows
from analytics.exporting.names import file_name
from analytics.selectors.ads import all_ads
from analytics.selectors.offers import all_offers
from analytics.selectors.ranges import range_of
from analytics.services.experiments.results import results_of_event
from analytics.services.monetization import ATTEMPTS, PATIENCE_SECONDS, bounded, figures_of
from analytics.types.exports import Content, ReportFile, ReportFormat
from analytics.types.figures import Range
from common import audit
from common.concurrency import AtOnce, Place, take
from common.errors import Busy
from common.ratelimits import RateLimit, hit
from common.types import Actor
from events.models import Event

# A file of a busy event is some work.
_A_MINUTE: Final = RateLimit("analytics.export", 10, 60)
# A download holds a thread of the server until its last piece is taken, and there are few of them. A minute is time
# for a piece by any line.
_AT_ONCE: Final = AtOnce("analytics.export", of_one=2, in_all=4, lease=60, retry_after=10, is_stream=True)
_PIECE: Final = 64 * 1024
_IN_MEMORY: Final = 1024 * 1024
T = TypeVar("T")
_log = structlog.stdlib.get_logger(__name__)


def export_for(
    *, actor: Actor, event_id: UUID, report_format: ReportFormat, date_from: date | None = None,
    date_to: date | None = None, now: datetime,
) -> ReportFile:  # fmt: skip
    """Return an event's report to who may read its figures; it is in the event's audit history who had which one.

    Buyers are named to those who may see orders. At most ten a minute of one person, and at once two of an
    organization, four in all and ``WEB_STREAMS_AT_ONCE`` of one process, until the file is closed. Raises
    ``Unauthenticated``, ``NotFound`` for other organizations' events, ``Forbidden``, ``Invalid`` for days that are no
    range, and ``RateLimited``.
    """
    event = Event.objects.select_related("organization").filter(pk=event_id).first()
    if event is None:
        access.refuse_missing(actor)
    access.require(actor, event.organization_id, Capability.VIEW_ANALYTICS)
    wanted = range_of(event, date_from, date_to, now=now)
    place = take(_AT_ONCE, str(event.organization_id))
    try:
        hit(_A_MINUTE, str(actor.user_id or "system"))
        with_buyers = report_format != ReportFormat.PDF and access.allowed(
            actor, event.organization_id, Capability.VIEW_ORDERS
        )
        _write_down(actor, event, wanted, report_format, with_buyers=with_buyers, now=now)
        return export_report(event, wanted, report_format, with_buyers=with_buyers, place=place, now=now)
    except BaseException:
        place.leave()
        raise


def _write_down(
    actor: Actor,
    event: Event,
    wanted: Range,
    report_format: ReportFormat,
    *,
    with_buyers: bool,
    now: datetime,
) -> None:
    """Keep in the event's audit history who had which report."""
    told = {
        "format": report_format.value,
        "date_from": wanted.first,
        "date_to": wanted.last,
        "buyers": with_buyers,
    }
    audit.record(
        actor=actor, action="analytics.export", subject=event, organization_id=event.organization_id,
        changes={name: [None, value] for name, value in told.items()}, now=now,
    )  # fmt: skip


def export_report(
    event: Event, wanted: Range, report_format: ReportFormat, *, with_buyers: bool = False,
    place: Place | None = None, now: datetime,
) -> ReportFile:  # fmt: skip
    """Return an event's report, for readers who were let in already. Close the file when it was read, or not.

    What could not be had is said in it. ``with_buyers`` names who bought. ``place`` is kept while it is read, and left
    when it is closed. Outside of any transaction: each page of rows is a read of its own. A CSV is read as it is
    written, the others are written when this returns.
    """
    is_paper = report_format == ReportFormat.PDF
    missing: list[str] = []
    details = None if is_paper else _details(event, wanted, missing, with_buyers=with_buyers, place=place)
    content = content_of(_found(event, wanted, now=now), details, written_at=now)
    missing += content.missing
    content.missing = missing
    chunks, close = _WRITERS[report_format](content)
    name = file_name(event, wanted, report_format)
    if place is not None:
        chunks, close = _kept(chunks, place), partial(_leave, place, close)
    return ReportFile(filename=name, report_format=report_format, content=content, chunks=chunks, close=close)


def _kept(chunks: Iterator[bytes], place: Place) -> Iterator[bytes]:
    for chunk in chunks:
        place.renew()
        yield chunk


def _leave(place: Place, close: Callable[[], None]) -> None:
    try:
        close()
    finally:
        place.leave()


def _found(event: Event, wanted: Range, *, now: datetime) -> Found:
    until = time.monotonic() + PATIENCE_SECONDS
    attempt = partial(_attempt, event=event, until=until)
    return Found(
        figures=figures_of(event, wanted, now=now),
        offers=attempt("offers", lambda: all_offers(event, wanted)),
        ads=attempt("ads", lambda: all_ads(event, wanted)),
        experiments=attempt("experiments", lambda: results_of_event(event.pk, now=now)),
    )


def _details(
    event: Event, wanted: Range, missing: list[str], *, with_buyers: bool, place: Place | None
) -> Details:
    def read(what: str, page: Callable[[], T]) -> T | None:
        if place is not None:
            place.renew()
        found = _attempt(what, page, event=event, until=time.monotonic() + PATIENCE_SECONDS)
        if found is None:
            missing.append(what)
        return found

    return Details(
        orders=order_rows(event, wanted, read, with_buyers=with_buyers),
        ledger=ledger_rows(event, wanted, read),
        with_buyers=with_buyers,
    )


def _attempt(what: str, read: Callable[[], T], *, event: Event, until: float) -> T | None:
    """Return what was read; None after three times in vain, or when too much time has passed."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return bounded(read)
        except (DatabaseError, Busy) as error:
            _log.warning(
                "analytics export failed to read", part=what, event_id=str(event.pk), attempt=attempt, error=str(error)
            )  # fmt: skip
        if time.monotonic() > until:
            break
    return None


def _streamed(content: Content) -> tuple[Iterator[bytes], Callable[[], None]]:
    lines = csv.chunks(content)
    return lines, lambda: None


def _on_disk(
    write: Callable[[Content, Any], None], content: Content
) -> tuple[Iterator[bytes], Callable[[], None]]:
    """Write a whole file first, where nothing is left of it once it is closed, however this process ends."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="report-")  # noqa: SIM115 - closed by the reader
    try:
        write(content, file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return iter(lambda: file.read(_PIECE), b""), file.close


_WRITERS: Final[dict[ReportFormat, Callable[[Content], tuple[Iterator[bytes], Callable[[], None]]]]] = {
    ReportFormat.CSV: _streamed,
    ReportFormat.XLSX: partial(_on_disk, xlsx.write),
    ReportFormat.PDF: partial(_on_disk, pdf.write),
}

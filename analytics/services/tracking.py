"""Keeping what front ends tell: checked, once each, durable before it is answered."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from analytics.models import DirtyDay, RefusalReason
from analytics.services.checking import check, named, reasons, wanted
from analytics.services.known import known
from analytics.types.tracking import Batch, Kept, Refused, Tracked, Visitor
from common import statements
from common.db import retrying
from common.operations import observed
from common.windows import day_of
from events.models import Event

# A stage of the connection's own: COPY into it is the fastest way in, and it is empty again after each commit.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS analytics_stage (
    organization_id uuid, id uuid, event_id uuid, type varchar, entity_id uuid, visitor uuid,
    occurred_at timestamptz, metadata jsonb, day date, time_zone varchar
) ON COMMIT DELETE ROWS
"""
_COPY = "COPY analytics_stage FROM STDIN"

# The stage is in the order of the ledger's key, so that two batches with the same events wait for each other and
# never in a circle. Who is first keeps the event; the other finds it there. The day is that of the zone which this
# process remembers; of events that have another one now the statement tells, and marks none of their days.
_KEEP = statements.one_line("""
WITH fresh AS (
    INSERT INTO analytics_seenevent (organization_id, id, seen_at)
    SELECT organization_id, id, %(now)s FROM analytics_stage ORDER BY organization_id, id
    ON CONFLICT DO NOTHING
    RETURNING organization_id, id
), kept AS (
    INSERT INTO analytics_rawevent (received_day, organization_id, id, event_id, type, entity_id, visitor,
        occurred_at, received_at, network, metadata)
    SELECT %(day)s, s.organization_id, s.id, s.event_id, s.type, s.entity_id, s.visitor, s.occurred_at, %(now)s,
        %(network)s, s.metadata
    FROM analytics_stage s JOIN fresh USING (organization_id, id)
), dirty AS (
    INSERT INTO analytics_dirtyday (event_id, day, marked_at)
    SELECT DISTINCT s.event_id, s.day, %(now)s::timestamptz
    FROM analytics_stage s JOIN fresh USING (organization_id, id)
        JOIN events_event e ON e.id = s.event_id AND e.time_zone = s.time_zone
)
SELECT (SELECT count(*) FROM fresh), ARRAY(
    SELECT DISTINCT e.id FROM analytics_stage s JOIN events_event e ON e.id = s.event_id AND e.time_zone <> s.time_zone
)
""")

_REFUSED = """
INSERT INTO analytics_refusedcount AS r (day, event_id, reason, count)
SELECT %(day)s, event_id, reason, count
FROM unnest(%(events)s::uuid[], %(reasons)s::text[], %(counts)s::bigint[]) AS n (event_id, reason, count)
ORDER BY event_id, reason
ON CONFLICT (event_id, day, reason) DO UPDATE SET count = r.count + EXCLUDED.count
"""


@observed("track")
def track(batch: Batch, visitor: Visitor, *, now: datetime) -> Tracked:
    """Keep the events of a batch, each once however often it is sent, and say what became of each.

    What is refused does not hold back the rest, and is counted. Nothing an automated client tells is kept. When this
    returns everything is durable. Raises ``Busy`` when the database has no time; then nothing was kept.
    """
    facts = known.about(wanted(batch))
    kept, refused = check(batch, facts, now=now)
    if visitor.is_bot:
        refused = sorted([*refused, *_all_refused(batch, refused)], key=lambda one: one.index)
        kept = []
    readable = len(batch.events) + len(batch.unreadable) - len(refused)
    ours = known.existing(named(refused, batch).values())
    fresh = _write(kept, reasons(refused, batch, ours), visitor.network, now=now)
    return Tracked(queued=fresh, duplicates=readable - fresh, rejected=refused)


def _all_refused(batch: Batch, refused: Sequence[Refused]) -> list[Refused]:
    already = {one.index for one in refused}
    return [
        Refused(index, RefusalReason.BOT, "Automated clients are not counted.")
        for index, _ in batch.events
        if index not in already
    ]


@retrying
def _write(
    kept: Sequence[Kept], refused: Sequence[tuple[UUID | None, str]], network: str, *, now: datetime
) -> int:
    """Write all of it in one transaction and return how many events are new."""
    if not kept and not refused:
        return 0
    with transaction.atomic():
        fresh = _keep(kept, network, now=now) if kept else 0
        # Last: batches with the same reason wait for each other from here to their commit.
        if refused:
            _count(refused, now=now)
    return fresh


def _keep(kept: Sequence[Kept], network: str, *, now: datetime) -> int:
    _ensure_stage()
    # Django's cursor hands COPY on as it is: without this its errors would be the driver's, and nobody's to answer.
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for one in kept:
            copy.write_row((
                one.organization_id, one.id, one.event_id, one.type, one.entity_id, one.visitor, one.occurred_at,
                one.metadata, day_of(one.occurred_at, ZoneInfo(one.time_zone)), one.time_zone,
            ))  # fmt: skip
    answer = statements.run(_KEEP, {"now": now, "day": now.astimezone(UTC).date(), "network": network})
    fresh, moved = answer.fetchone()
    if moved:
        _mark_moved([one for one in kept if one.event_id in moved], now=now)
    return int(fresh)


def _mark_moved(kept: Sequence[Kept], *, now: datetime) -> None:
    """Mark the days of events whose time zone is not the one remembered. A mark too many costs one computation."""
    zones = {event.pk: event.zone for event in Event.objects.filter(pk__in={one.event_id for one in kept})}
    days = {(one.event_id, day_of(one.occurred_at, zones[one.event_id])) for one in kept}
    DirtyDay.objects.bulk_create(
        DirtyDay(event_id=event_id, day=day, marked_at=now) for event_id, day in sorted(days)
    )


def _ensure_stage() -> None:
    """Make the connection's stage once; a rolled back transaction takes it away again, a committed one does not."""
    connection.ensure_connection()
    raw = connection.connection
    if getattr(raw, "has_analytics_stage", False):
        return
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
    transaction.on_commit(lambda: setattr(raw, "has_analytics_stage", True))


def _count(refused: Sequence[tuple[UUID | None, str]], *, now: datetime) -> None:
    counted = list(Counter(refused).items())
    with connection.cursor() as cursor:
        cursor.execute(
            _REFUSED,
            {
                "day": now.astimezone(UTC).date(),
                "events": [event_id for (event_id, _), _ in counted],
                "reasons": [reason for (_, reason), _ in counted],
                "counts": [count for _, count in counted],
            },
        )

"""Raw events for tests, as a redemption leaves them: ``count(ad, at, clicks=2)``."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from ads.models import Ad, AdEvent, EventKind, InvalidCount, InvalidReason
from ads.services import daily, partitions


def happen(
    ad: Ad, at: datetime, kind: str = EventKind.IMPRESSION, *, viewer: UUID | None = None, issued: date | None = None,
    **figures: Any,
) -> AdEvent:  # fmt: skip
    """Store one valid event at an instant, without a mark."""
    return AdEvent.objects.create(
        issue_day=issued or at.astimezone(UTC).date(), decision_id=uuid.uuid4(), kind=kind, ad=ad,
        event_id=ad.event_id, placement="EVENT_HERO", viewer=viewer or uuid.uuid4(), occurred_at=at, **figures,
    )  # fmt: skip


def redeem(ad: Ad, at: datetime, kind: str = EventKind.IMPRESSION, **given: Any) -> None:
    """Store one valid event and mark its day, in one transaction."""
    with transaction.atomic():
        happen(ad, at, kind, **given)
        daily.mark([(ad.event_id, at.astimezone(ad.event.zone).date())], at)


def refuse(
    ad: Ad, slot: datetime, kind: str = EventKind.IMPRESSION, reason: str = InvalidReason.BOT, count: int = 1
) -> None:
    """Count refused events of an ad in a quarter of an hour."""
    InvalidCount.objects.create(
        slot=slot, event_id=ad.event_id, ad_id=ad.pk, kind=kind, reason=reason, count=count
    )


def many(ad: Ad, days: list[date], each: int) -> None:
    """Store so many impressions on each of some UTC days, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ads_adevent (issue_day, decision_id, kind, ad_id, event_id, placement, viewer, occurred_at)"
            " SELECT day, gen_random_uuid(), 'impression', %s, %s, 'EVENT_HERO', gen_random_uuid(),"
            " (day + interval '12 hours') AT TIME ZONE 'UTC' + number * interval '1 second'"
            " FROM unnest(%s::date[]) AS day, generate_series(1, %s) AS number",
            [ad.pk, ad.event_id, days, each],
        )


def raw_days(ad: Ad) -> dict[date, int]:
    """Count an ad's impressions by local day in Python, event by event: what every figure must agree with."""
    days: dict[date, int] = {}
    for event in AdEvent.objects.filter(ad=ad, kind=EventKind.IMPRESSION):
        day = event.occurred_at.astimezone(ad.event.zone).date()
        days[day] = days.get(day, 0) + 1
    return days


@contextmanager
def partitions_put_back() -> Iterator[None]:
    """Put the partitions back as they were: what makes and drops tables is not undone after a test that commits."""
    before = partitions.existing()
    yield
    after = partitions.existing()
    with connection.cursor() as cursor:
        for day in after.keys() - before.keys():
            cursor.execute(f"DROP TABLE {after[day]}")
        for day in before.keys() - after.keys():
            cursor.execute(
                f"CREATE TABLE {before[day]} PARTITION OF ads_adevent"
                f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
            )

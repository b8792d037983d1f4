"""The version of an event's ads: each change raises it, and copies of the ads in memory compare theirs with it."""

from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from ads.decision import brakes
from ads.models import AdFigures, AdIndexVersion
from ads.services import daily, rezoning
from common import statements
from common.outbox import enqueue

# The kind of job that tells an event's version again.
PUBLISH: Final = "ads.publish_version"

_BUMP = statements.one_line("""
    INSERT INTO ads_adindexversion (event_id, version) VALUES (%s, 1)
    ON CONFLICT (event_id) DO UPDATE SET version = ads_adindexversion.version + 1
    RETURNING version
""")


def bump(event_id: UUID, *, now: datetime) -> None:
    """Say that an event's ads change in this transaction: every process has the change within a second of the commit.

    Told to Redis at the commit, and by a job should that not arrive. Writers of one event wait for each other from
    here to their commit, so call it last. Two statements.
    """
    (version,) = statements.run(_BUMP, [event_id]).fetchone() or (0,)
    enqueue(PUBLISH, {"event_id": event_id}, now=now, dedupe_key=f"ads-version-{event_id}")
    transaction.on_commit(partial(brakes.publish, event_id, version), robust=True)


def event_changed(event_id: UUID, now: datetime) -> None:
    """Have who may see an event, and its days, be known to every process as a change of its ads is.

    Where the time zone changed, all days of its figures are computed anew within seconds.
    """
    rezoning.add_up_today(event_id, now=now)
    if AdFigures.objects.filter(pk=event_id).exclude(time_zone=F("event__time_zone")).exists():
        daily.mark([(event_id, now.astimezone(UTC).date())], now)
    bump(event_id, now=now)


def publish(event_id: UUID) -> bool:
    """Tell the version that the database has. False: Redis is away, and processes ask the database."""
    version = AdIndexVersion.objects.filter(pk=event_id).values_list("version", flat=True).first()
    return version is None or brakes.publish(event_id, version)

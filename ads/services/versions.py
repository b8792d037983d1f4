"""The version of an event's ads: each change raises it, and copies of the ads in memory compare theirs with it."""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from ads.decision import brakes
from ads.models import AdIndexVersion
from ads.services import rezoning
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
    """Have who may see an event, and its days, be known to every process as a change of its ads is."""
    rezoning.add_up_today(event_id, now=now)
    bump(event_id, now=now)


def publish(event_id: UUID) -> bool:
    """Tell the version that the database has. False: Redis is away, and processes ask the database."""
    version = AdIndexVersion.objects.filter(pk=event_id).values_list("version", flat=True).first()
    return version is None or brakes.publish(event_id, version)

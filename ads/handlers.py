"""Jobs of the ads room: each a few lines, then a service."""

from uuid import UUID

from ads.decision import brakes, restoring
from ads.services import daily, versions
from common.outbox import JobContext, Lane, Postpone, job

_RETRY_AFTER = (1, 5, 30, 300)


@job(versions.PUBLISH, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def publish_version(context: JobContext) -> None:
    """Tell the version of an event's ads; while Redis is away, each second again."""
    if not versions.publish(UUID(context.payload["event_id"])):
        raise Postpone(1, "Redis is away")


@job(brakes.RESTORE, lane=Lane.REALTIME, retry_after=_RETRY_AFTER)
def restore_brakes(context: JobContext) -> None:
    """Restore the caps and the spend of an event's ads from what was counted."""
    if not restoring.restore(UUID(context.payload["event_id"]), now=context.now):
        raise Postpone(1, "Redis is away, or they are being restored")


@job(daily.RECOMPUTE, lane=Lane.BULK, retry_after=_RETRY_AFTER)
def recompute_daily(context: JobContext) -> None:
    """Compute the days of an event's ads that have new events."""
    daily.work(UUID(context.payload["event_id"]), now=context.now)

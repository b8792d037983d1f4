"""What was not counted, and why: how much in each quarter of an hour, and a few of each to look at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from ads.models import EventKind, InvalidReason
from ads.services.sql_arrays import array
from ads.types.redeeming import Visitor
from common import statements

# Of each quarter, ad, kind and reason so many batches leave a sample: a flood must not fill the disk.
SAMPLES: Final = 5
_LONGEST_AGENT: Final = 200
_QUARTER: Final = 15

# In the order of the key, so that two batches never wait for each other in a circle.
_COUNT: Final = statements.one_line("""
    WITH given AS (
        SELECT * FROM unnest(%(events)s::uuid[], %(ads)s::uuid[], %(kinds)s::text[], %(reasons)s::text[],
            %(counts)s::bigint[], %(viewers)s::uuid[]) AS given (event_id, ad_id, kind, reason, count, viewer)
    ), added AS (
        INSERT INTO ads_invalidcount AS known (slot, event_id, ad_id, kind, reason, count)
        SELECT %(slot)s, event_id, ad_id, kind, reason, count FROM given ORDER BY event_id, ad_id, kind, reason
        ON CONFLICT (event_id, ad_id, slot, kind, reason) DO UPDATE SET count = known.count + EXCLUDED.count
        RETURNING event_id, ad_id, kind, reason, count
    )
    INSERT INTO ads_invalidsample (occurred_at, event_id, ad_id, kind, reason, viewer, network, user_agent)
    SELECT %(now)s, given.event_id, given.ad_id, given.kind, given.reason, given.viewer, %(network)s, %(agent)s
      FROM given JOIN added ON added.kind = given.kind AND added.reason = given.reason
       AND added.ad_id IS NOT DISTINCT FROM given.ad_id AND added.event_id IS NOT DISTINCT FROM given.event_id
     WHERE added.count - given.count < %(samples)s
""")


@dataclass(frozen=True, slots=True)
class Refused:
    """One item that was not counted; ad, event and viewer as far as they are known."""

    kind: EventKind
    reason: InvalidReason
    ad_id: UUID | None
    event_id: UUID | None
    viewer: UUID | None


def slot_of(now: datetime) -> datetime:
    """Return the beginning of an instant's quarter of an hour in UTC: the days of every zone begin with one."""
    instant = now.astimezone(UTC)
    return instant.replace(minute=instant.minute - instant.minute % _QUARTER, second=0, microsecond=0)


def count(refused: Iterable[Refused], who: Visitor, *, now: datetime) -> None:
    """Add refused items to their buckets by one statement, in the caller's transaction. Call it after the events."""
    buckets: Counter[tuple[UUID | None, UUID | None, EventKind, InvalidReason]] = Counter()
    viewers: dict[object, UUID | None] = {}
    for one in refused:
        bucket = (one.event_id, one.ad_id, one.kind, one.reason)
        buckets[bucket] += 1
        viewers.setdefault(bucket, one.viewer)
    if not buckets:
        return
    events, ads, kinds, reasons = zip(*buckets, strict=True)
    given = {
        "events": array(events), "ads": array(ads), "kinds": array(kinds), "reasons": array(reasons),
        "counts": array(buckets.values()), "viewers": array(viewers[bucket] for bucket in buckets),
        "slot": slot_of(now), "now": now, "samples": SAMPLES, "network": who.shown_network,
        "agent": _readable(who.user_agent),
    }  # fmt: skip
    statements.run(_COUNT, given)


def _readable(user_agent: str) -> str:
    return user_agent.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_AGENT]

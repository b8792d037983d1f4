"""Writing events of ads down, each once, and billing them within the budget, under the lock of what was billed.

Whoever bills an ad holds its ``AdSpend``, and each decision is of one ad. So who is new is known before anything is
written, and how many of them the budget still pays for; the table's key and the CHECK of the budget say it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from ads.decision.tokens import Claims
from ads.models import EventKind
from ads.services.sql_arrays import array
from common import statements
from common.money import exponent

# One order for all, so that two batches with the same ads never wait for each other in a circle. The key is left
# alone: rows that point to the ad may be written meanwhile.
_LOCK: Final = statements.one_line("""
    SELECT ad_id FROM ads_adspend WHERE ad_id = ANY(%(due)s::uuid[]) ORDER BY ad_id FOR NO KEY UPDATE
""")

# ``price``: on the event's day by the zone that it has under the lock. We tell which day that is; only where the zone
# was changed since it was looked at does the database say it, by its own data. ``terms``: what one event of the ad's
# kind costs and how many of them the budgets still pay for, as it stands there. A currency that was changed since it
# was looked at is not billed in this batch.
_WRITE: Final = statements.one_line("""
    WITH given AS (
        SELECT * FROM unnest(%(numbers)s::int[], %(days)s::date[], %(decisions)s::uuid[], %(kinds)s::text[],
            %(ads)s::uuid[], %(events)s::uuid[], %(sessions)s::uuid[], %(placements)s::text[], %(viewers)s::uuid[])
            AS given (number, issue_day, decision_id, kind, ad_id, event_id, session_id, placement, viewer)
    ), price AS (
        SELECT due.ad_id, local.day, due.scale, ad.price_model, ad.budget_daily_amount, spend.limit_micros,
            spend.billed_micros, coalesce(today.billed_micros, 0) AS billed_today,
            CASE WHEN ad.price_model = 'CPC' THEN 'click' ELSE 'impression' END AS kind,
            CASE WHEN ad.price_model = 'CPM' THEN ad.price_amount * due.scale / 1000
                ELSE ad.price_amount * due.scale END AS cost
          FROM unnest(%(due)s::uuid[], %(currencies)s::text[], %(scales)s::bigint[], %(zones)s::text[],
            %(todays)s::date[]) AS due (ad_id, currency, scale, time_zone, day)
          JOIN ads_adspend spend ON spend.ad_id = due.ad_id
          JOIN ads_ad ad ON ad.id = due.ad_id AND ad.currency = due.currency
          JOIN events_event event ON event.id = ad.event_id
         CROSS JOIN LATERAL (SELECT CASE WHEN due.time_zone = event.time_zone THEN due.day
            ELSE (%(now)s::timestamptz AT TIME ZONE event.time_zone)::date END AS day) AS local
          LEFT JOIN ads_adspendday today ON today.ad_id = due.ad_id AND today.day = local.day
         WHERE ad.price_amount > 0 AND (ad.price_model <> 'FLAT' OR spend.flat_billed_at IS NULL)
    ), terms AS (
        SELECT *, coalesce(least(
                (limit_micros - billed_micros) / cost,
                CASE WHEN price_model <> 'FLAT' THEN (budget_daily_amount * scale - billed_today) / cost END
            ), 9223372036854775807) AS room
          FROM price
    ), fresh AS (
        SELECT given.*, row_number() OVER (PARTITION BY ad_id, kind ORDER BY number) AS place
          FROM given
         WHERE NOT EXISTS (
            SELECT FROM ads_adevent old WHERE old.issue_day = given.issue_day
               AND old.decision_id = given.decision_id AND old.kind = given.kind
         )
    ), written AS (
        INSERT INTO ads_adevent (issue_day, decision_id, kind, ad_id, event_id, session_id, placement, viewer,
            occurred_at, billed_micros, unbilled_micros)
        SELECT issue_day, decision_id, fresh.kind, fresh.ad_id, event_id, session_id, placement, viewer, %(now)s,
            CASE WHEN place <= room THEN cost ELSE 0 END, CASE WHEN place > room THEN cost ELSE 0 END
          FROM fresh LEFT JOIN terms ON terms.ad_id = fresh.ad_id AND terms.kind = fresh.kind
           AND (price_model <> 'FLAT' OR place = 1)
         ORDER BY issue_day, decision_id, fresh.kind
        ON CONFLICT DO NOTHING
        RETURNING decision_id, kind, ad_id, billed_micros
    ), billed AS (
        SELECT ad_id, day, price_model, sum(written.billed_micros)::bigint AS micros
          FROM written JOIN terms USING (ad_id)
         WHERE written.billed_micros > 0 GROUP BY ad_id, day, price_model
    ), spent AS (
        UPDATE ads_adspend spend SET billed_micros = spend.billed_micros + billed.micros,
            flat_billed_at = CASE WHEN price_model = 'FLAT' THEN %(now)s ELSE flat_billed_at END
          FROM billed WHERE spend.ad_id = billed.ad_id
        RETURNING spend.ad_id, spend.billed_micros
    ), spent_today AS (
        INSERT INTO ads_adspendday AS known (ad_id, day, billed_micros)
        SELECT ad_id, day, micros FROM billed ORDER BY ad_id
        ON CONFLICT (ad_id, day) DO UPDATE SET billed_micros = known.billed_micros + EXCLUDED.billed_micros
        RETURNING ad_id, billed_micros
    )
    SELECT decision_id, kind, spent.billed_micros, spent_today.billed_micros
      FROM written LEFT JOIN spent USING (ad_id) LEFT JOIN spent_today USING (ad_id)
""")


class Row(NamedTuple):
    """One event that may be new."""

    claims: Claims
    kind: EventKind


class Spent(NamedTuple):
    """What the event's ad is billed by now, in all and on its day, in micro-units; None: this batch billed nothing."""

    total: int | None
    today: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """An ad that may be billed, in which currency, and on which day by which time zone, as far as was known before."""

    ad_id: UUID
    currency: str
    time_zone: str
    day: date


def lock(due: Iterable[Due]) -> None:
    """Hold what these ads were billed until the transaction ends."""
    statements.run(_LOCK, {"due": array(one.ad_id for one in due)})


def write(rows: Sequence[Row], due: Sequence[Due], *, now: datetime) -> "Mapping[tuple[UUID, str], Spent]":
    """Lock, write what is new and bill it, in the caller's transaction; return what was written and is billed now.

    Two statements, sent together. Each new event is billed whole or not at all: what the budgets do not pay for any
    more is counted as over-delivery.
    """
    claims = [row.claims for row in rows]
    given = {
        "numbers": array(range(len(rows))),
        "days": array(one.issue_day for one in claims),
        "decisions": array(one.decision_id for one in claims),
        "kinds": array(row.kind for row in rows),
        "ads": array(one.ad_id for one in claims),
        "events": array(one.event_id for one in claims),
        "sessions": array(one.session_id for one in claims),
        "placements": array(one.placement for one in claims),
        "viewers": array(one.viewer for one in claims),
        "due": array(one.ad_id for one in due),
        "currencies": array(one.currency for one in due),
        "scales": array(10 ** (6 - exponent(one.currency)) for one in due),
        "zones": array(one.time_zone for one in due),
        "todays": array(one.day for one in due),
        "now": now,
    }
    with statements.together():
        if due:
            lock(due)
        answer = statements.run(_WRITE, given)
    return {(decision_id, kind): Spent(total, today) for decision_id, kind, total, today in answer.fetchall()}

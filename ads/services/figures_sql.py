"""The statements that make a day's figures out of raw events: one wording for storing and for proving them."""

from typing import Final

from common import statements

# The figures of a day, in the order of AdDaily's columns.
FIGURES: Final = (
    "impressions",
    "viewable",
    "clicks",
    "unique_viewers",
    "billed_impressions",
    "billed_clicks",
    "billed_micros",
    "unbilled_micros",
    "unbilled_impressions",
    "unbilled_clicks",
)
INVALID: Final = ("invalid_impressions", "invalid_clicks")

# Raw events of one day of one event, by ad. ``issue_day`` leaves out the partitions that cannot have any.
RAW: Final = """
    SELECT ad_id,
        count(*) FILTER (WHERE kind = 'impression') AS impressions,
        count(*) FILTER (WHERE kind = 'viewable') AS viewable,
        count(*) FILTER (WHERE kind = 'click') AS clicks,
        count(DISTINCT viewer) FILTER (WHERE kind = 'impression') AS unique_viewers,
        count(*) FILTER (WHERE kind = 'impression' AND billed_micros > 0) AS billed_impressions,
        count(*) FILTER (WHERE kind = 'click' AND billed_micros > 0) AS billed_clicks,
        sum(billed_micros)::bigint AS billed_micros,
        sum(unbilled_micros)::bigint AS unbilled_micros,
        count(*) FILTER (WHERE kind = 'impression' AND unbilled_micros > 0) AS unbilled_impressions,
        count(*) FILTER (WHERE kind = 'click' AND unbilled_micros > 0) AS unbilled_clicks
      FROM ads_adevent
     WHERE ad_id IN (SELECT id FROM ads_ad WHERE event_id = %(event_id)s)
       AND kind IN ('impression', 'viewable', 'click')
       AND issue_day BETWEEN %(first_issued)s::date AND %(last_issued)s::date
       AND occurred_at >= %(start)s AND occurred_at < %(end)s
     GROUP BY ad_id
"""

_REFUSED = """
    SELECT ad_id,
        COALESCE(sum(count) FILTER (WHERE kind <> 'click'), 0)::bigint AS invalid_impressions,
        COALESCE(sum(count) FILTER (WHERE kind = 'click'), 0)::bigint AS invalid_clicks
      FROM ads_invalidcount
     WHERE event_id = %(event_id)s AND ad_id IN (SELECT id FROM ads_ad WHERE event_id = %(event_id)s)
       AND slot >= %(start)s AND slot < %(end)s
     GROUP BY ad_id
"""

_COLUMNS = ", ".join((*FIGURES, *INVALID))
_VALUES = ", ".join(f"COALESCE({name}, 0)" for name in (*FIGURES, *INVALID))
_NEW = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*FIGURES, *INVALID, "computed_at"))

WRITE: Final = statements.one_line(f"""
    WITH raw AS ({RAW}), refused AS ({_REFUSED}),
    gone AS (
        DELETE FROM ads_addaily
         WHERE event_id = %(event_id)s AND day = %(day)s AND frozen_at IS NULL
           AND ad_id NOT IN (SELECT ad_id FROM raw UNION SELECT ad_id FROM refused)
    )
    INSERT INTO ads_addaily (ad_id, day, event_id, computed_at, {_COLUMNS})
    SELECT ad_id, %(day)s, %(event_id)s, %(now)s, {_VALUES} FROM raw FULL JOIN refused USING (ad_id)
     ORDER BY ad_id
    ON CONFLICT (ad_id, day) DO UPDATE SET {_NEW} WHERE ads_addaily.frozen_at IS NULL
""")  # noqa: S608 - constants

# Days with stored figures; and of each UTC day with raw events when the first and the last of it happened: which days
# of the event those are is not for SQL to say.
OPEN_DAYS: Final = statements.one_line("""
    SELECT day, NULL::timestamptz, NULL::timestamptz FROM ads_addaily
     WHERE event_id = %(event_id)s AND frozen_at IS NULL GROUP BY day
    UNION ALL
    SELECT NULL, min(at), max(at) FROM (
        SELECT occurred_at FROM ads_adevent
         WHERE ad_id IN (SELECT id FROM ads_ad WHERE event_id = %(event_id)s)
           AND kind IN ('impression', 'viewable', 'click')
           AND occurred_at >= COALESCE(%(start)s::timestamptz, '-infinity')
        UNION ALL
        SELECT slot FROM ads_invalidcount
         WHERE event_id = %(event_id)s AND ad_id IS NOT NULL
           AND slot >= COALESCE(%(start)s::timestamptz, '-infinity')
    ) AS happened (at)
     GROUP BY (at AT TIME ZONE 'UTC')::date
""")

# A stored day beside its raw events, ad by ad, and whether a mark waits: in one snapshot.
RECOUNT: Final = statements.one_line(f"""
    WITH raw AS ({RAW}),
    stored AS (
        SELECT ad_id, {", ".join(FIGURES)} FROM ads_addaily WHERE event_id = %(event_id)s AND day = %(day)s
    )
    SELECT COALESCE(stored.ad_id, raw.ad_id),
        ARRAY[{", ".join(f"COALESCE(stored.{name}, 0)" for name in FIGURES)}]::bigint[],
        ARRAY[{", ".join(f"COALESCE(raw.{name}, 0)" for name in FIGURES)}]::bigint[],
        EXISTS (SELECT FROM ads_addirtyday WHERE event_id = %(event_id)s AND day = %(day)s)
      FROM stored FULL JOIN raw ON raw.ad_id = stored.ad_id
     ORDER BY 1
""")  # noqa: S608 - constants

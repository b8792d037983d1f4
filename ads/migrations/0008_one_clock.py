"""The view of daily figures is told when days begin: PostgreSQL's own data of time zones may be of another release.

The new view is filled beside the old one and takes its place in an instant. The release before, which tells nobody any
days, finds the view under its name: what the calendar does not have is of the day that PostgreSQL says, as it was.

A migration that was ended here begins again from the start.
"""

from django.db import migrations

VIEW = """
CREATE MATERIALIZED VIEW ad_analytics_daily_anew AS
SELECT ad_id, day, event_id, impressions, viewable, clicks, unique_viewers, billed_impressions, billed_clicks,
    billed_micros, unbilled_micros, unbilled_impressions, unbilled_clicks
  FROM ads_addaily
 WHERE frozen_at IS NOT NULL AND (impressions > 0 OR viewable > 0 OR clicks > 0)
UNION ALL
SELECT raw.ad_id,
    GREATEST(
        COALESCE(local.day, (raw.occurred_at AT TIME ZONE event.time_zone)::date), known.frozen_day + 1
    ) AS day,
    raw.event_id,
    count(*) FILTER (WHERE raw.kind = 'impression'),
    count(*) FILTER (WHERE raw.kind = 'viewable'),
    count(*) FILTER (WHERE raw.kind = 'click'),
    count(DISTINCT raw.viewer) FILTER (WHERE raw.kind = 'impression'),
    count(*) FILTER (WHERE raw.kind = 'impression' AND raw.billed_micros > 0),
    count(*) FILTER (WHERE raw.kind = 'click' AND raw.billed_micros > 0),
    sum(raw.billed_micros)::bigint,
    sum(raw.unbilled_micros)::bigint,
    count(*) FILTER (WHERE raw.kind = 'impression' AND raw.unbilled_micros > 0),
    count(*) FILTER (WHERE raw.kind = 'click' AND raw.unbilled_micros > 0)
  FROM ads_adevent raw
  JOIN events_event event ON event.id = raw.event_id
  LEFT JOIN ads_adfigures known ON known.event_id = raw.event_id
  LEFT JOIN ads_adcalendar local ON local.time_zone = event.time_zone
    AND local.utc_day = (raw.occurred_at AT TIME ZONE 'UTC')::date
    AND raw.occurred_at >= local.starts_at AND raw.occurred_at < local.ends_at
 WHERE known.frozen_until IS NULL OR raw.occurred_at >= known.frozen_until
 GROUP BY 1, 2, 3
"""
# Whoever refreshes the old one just now ends first, as ``refreshing`` has it: 50 seconds, at most.
EXCHANGE = """
DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(7311040);
    DROP MATERIALIZED VIEW ad_analytics_daily;
    ALTER MATERIALIZED VIEW ad_analytics_daily_anew RENAME TO ad_analytics_daily;
    ALTER INDEX ad_analytics_daily_once_anew RENAME TO ad_analytics_daily_once;
    ALTER INDEX ad_analytics_daily_event_anew RENAME TO ad_analytics_daily_event;
END $$
"""


class Migration(migrations.Migration):
    # Indexes CONCURRENTLY, and the view filled before the exchange is begun.
    atomic = False

    dependencies = [("ads", "0007_calendar")]

    operations = [
        # To fill the view reads all raw events.
        migrations.RunSQL(
            "SET statement_timeout = '30min'; SET lock_timeout = '2min'", migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            ["DROP MATERIALIZED VIEW IF EXISTS ad_analytics_daily_anew", VIEW], migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY ad_analytics_daily_once_anew ON ad_analytics_daily_anew (ad_id, day)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY ad_analytics_daily_event_anew ON ad_analytics_daily_anew (event_id, day)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(EXCHANGE),
        migrations.RunSQL("RESET statement_timeout; RESET lock_timeout", migrations.RunSQL.noop),
    ]

"""How the figures of ads stand, and the daily figures as a materialized view, recounted from raw events each hour.

The view is what the stored days must equal: frozen days as they are kept, the others from the raw events. It is
independent of the marks by which stored days are computed again.
"""

import django.db.models.deletion
from django.db import migrations, models

VIEW = """
CREATE MATERIALIZED VIEW ad_analytics_daily AS
SELECT ad_id, day, event_id, impressions, viewable, clicks, unique_viewers, billed_impressions, billed_clicks,
    billed_micros, unbilled_micros, unbilled_impressions, unbilled_clicks
  FROM ads_addaily
 WHERE frozen_at IS NOT NULL AND (impressions > 0 OR viewable > 0 OR clicks > 0)
UNION ALL
SELECT raw.ad_id,
    GREATEST((raw.occurred_at AT TIME ZONE event.time_zone)::date, known.frozen_day + 1) AS day,
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
 WHERE known.frozen_until IS NULL OR raw.occurred_at >= known.frozen_until
 GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX ad_analytics_daily_once ON ad_analytics_daily (ad_id, day);
CREATE INDEX ad_analytics_daily_event ON ad_analytics_daily (event_id, day);
"""


class Migration(migrations.Migration):
    dependencies = [("ads", "0003_ad_events"), ("events", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="AdFigures",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="events.event",
                    ),
                ),
                ("time_zone", models.CharField(max_length=64)),
                ("frozen_day", models.DateField(blank=True, null=True)),
                ("frozen_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("frozen_day__isnull", True), ("frozen_until__isnull", True)),
                            models.Q(("frozen_day__isnull", False), ("frozen_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="ad_figures_frozen_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdRun",
            fields=[
                ("job", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("succeeded_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="addaily",
            name="unbilled_clicks",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="addaily",
            name="unbilled_impressions",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="addirtyday",
            index=models.Index(fields=["event_id", "day"], name="ad_dirty_event_day"),
        ),
        migrations.RunSQL(VIEW, "DROP MATERIALIZED VIEW ad_analytics_daily"),
    ]

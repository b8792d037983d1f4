"""The partitioned table of ad events.

Partitioned by the day a token was issued; `ads.services.partitions` makes the days ahead of time. The default
partition takes what comes when that job did not run: nothing is lost, and the job moves it where it belongs.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ads", "0002_ads")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE ads_adevent (
                issue_day date NOT NULL,
                decision_id uuid NOT NULL,
                kind varchar(10) NOT NULL,
                ad_id uuid NOT NULL,
                event_id uuid NOT NULL,
                session_id uuid,
                placement varchar(20) NOT NULL,
                viewer uuid NOT NULL,
                occurred_at timestamptz NOT NULL,
                billed_micros bigint NOT NULL DEFAULT 0,
                unbilled_micros bigint NOT NULL DEFAULT 0,
                PRIMARY KEY (issue_day, decision_id, kind),
                CONSTRAINT ad_event_kind_known CHECK (kind IN ('impression', 'viewable', 'click')),
                CONSTRAINT ad_event_bills_once CHECK (
                    billed_micros >= 0 AND unbilled_micros >= 0 AND (billed_micros = 0 OR unbilled_micros = 0)
                )
            ) PARTITION BY RANGE (issue_day);
            CREATE INDEX ad_event_ad_kind_time ON ads_adevent (ad_id, kind, occurred_at);
            CREATE TABLE ads_adevent_default PARTITION OF ads_adevent DEFAULT;
            """,
            "DROP TABLE ads_adevent",
        )
    ]

"""The partitioned table of raw events.

Partitioned by the UTC day they came; `analytics.services.partitions` makes the days ahead of time. The default
partition takes what comes when that job did not run. No unique key: `analytics_seenevent` keeps each event once,
also across partitions.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE analytics_rawevent (
                received_day date NOT NULL,
                organization_id uuid NOT NULL,
                id uuid NOT NULL,
                event_id uuid NOT NULL,
                type varchar(30) NOT NULL,
                entity_id uuid NOT NULL,
                visitor uuid,
                occurred_at timestamptz NOT NULL,
                received_at timestamptz NOT NULL,
                network varchar(43) NOT NULL,
                metadata jsonb
            ) PARTITION BY RANGE (received_day);
            CREATE INDEX raw_event_event_type_time ON analytics_rawevent (event_id, type, occurred_at);
            CREATE TABLE analytics_rawevent_default PARTITION OF analytics_rawevent DEFAULT;
            """,
            "DROP TABLE analytics_rawevent",
        ),
        # Inserted in the order of their ids and deleted by their time: vacuumed early, for it is never updated.
        migrations.RunSQL(
            "ALTER TABLE analytics_seenevent SET (autovacuum_vacuum_insert_scale_factor = 0.02)",
            "ALTER TABLE analytics_seenevent RESET (autovacuum_vacuum_insert_scale_factor)",
        ),
    ]

"""The queue's table is rewritten all day: it is vacuumed early, and leaves room for updates on the page."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("common", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE common_job SET (
                fillfactor = 70,
                autovacuum_vacuum_scale_factor = 0.0,
                autovacuum_vacuum_threshold = 2000,
                autovacuum_vacuum_cost_delay = 0,
                autovacuum_analyze_scale_factor = 0.0,
                autovacuum_analyze_threshold = 5000
            )
            """,
            """
            ALTER TABLE common_job RESET (
                fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                autovacuum_vacuum_cost_delay, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold
            )
            """,
        ),
    ]

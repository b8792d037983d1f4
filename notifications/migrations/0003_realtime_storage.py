"""Announcements are changed twice and deleted after a day: vacuumed early, with room for updates on the page."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_streams")]

    operations = [
        migrations.RunSQL(
            f"""
            ALTER TABLE {table} SET (
                fillfactor = 70,
                autovacuum_vacuum_scale_factor = 0.0,
                autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0
            )
            """,
            f"""
            ALTER TABLE {table} RESET (
                fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                autovacuum_vacuum_cost_delay
            )
            """,
        )
        for table in ("notifications_realtimeevent", "notifications_realtimestream")
    ]

"""The console is a way to look at an event: no table of its own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analytics", "0005_scheduled_reports"), ("events", "0002_waitlist_columns")]

    operations = [
        migrations.CreateModel(
            name="EventConsole",
            fields=[],
            options={
                "verbose_name": "event console",
                "ordering": ("-starts_at", "id"),
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("events.event",),
        ),
    ]

"""A slug is an organization's own: what another one calls its experiments is neither taken nor told by it."""

from django.db import migrations, models

_FILL = """
UPDATE analytics_experiment x SET organization_id = e.organization_id FROM events_event e WHERE e.id = x.event_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0007_experiment_tallies"),
        ("events", "0002_waitlist_columns"),
    ]

    operations = [
        migrations.AddField("experiment", "organization_id", models.UUIDField(editable=False, null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField("experiment", "organization_id", models.UUIDField(editable=False)),
        migrations.AddConstraint(
            "experiment",
            models.UniqueConstraint(fields=["slug", "organization_id"], name="experiment_slug_once"),
        ),
        migrations.AlterField("experiment", "slug", models.CharField(max_length=64)),
    ]

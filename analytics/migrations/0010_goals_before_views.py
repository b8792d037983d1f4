"""A goal that is told before its view waits for it: the row of a visitor who has not seen anything yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0009_zone_progress")]

    operations = [
        migrations.AlterModelOptions(
            "refusedcount", {"verbose_name": "refused events", "verbose_name_plural": "refused events"}
        ),
        migrations.AlterField("exposure", "seen_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "exposure",
            models.Index(
                condition=models.Q(("seen_at__isnull", True)), fields=["experiment", "visitor"], name="exposure_waiting"
            ),
        ),
    ]

"""A goal that is told before its view waits for it: the row of a visitor who has not seen anything yet."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Visitors are counted while the index is built.
    atomic = False

    dependencies = [("analytics", "0009_zone_progress")]

    operations = [
        migrations.AlterModelOptions(
            "refusedcount", {"verbose_name": "refused events", "verbose_name_plural": "refused events"}
        ),
        migrations.SeparateDatabaseAndState(
            # Nothing of the table is read or written for it.
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE analytics_exposure ALTER COLUMN seen_at DROP NOT NULL",
                    [
                        "DELETE FROM analytics_exposure WHERE seen_at IS NULL",
                        "ALTER TABLE analytics_exposure ALTER COLUMN seen_at SET NOT NULL",
                    ],
                )
            ],
            state_operations=[
                migrations.AlterField("exposure", "seen_at", models.DateTimeField(blank=True, null=True))
            ],
        ),
        AddIndexConcurrently(
            model_name="exposure",
            index=models.Index(
                condition=models.Q(("seen_at__isnull", True)), fields=["experiment", "visitor"], name="exposure_waiting"
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Campaigns go on while the index is built.
    atomic = False

    dependencies = [("notifications", "0011_push_parts")]

    operations = [
        AddIndexConcurrently(
            model_name="pushmessage",
            index=models.Index(
                condition=models.Q(("begun_at__isnull", False), ("campaign__isnull", False)),
                fields=["begun_at"],
                include=("campaign",),
                name="push_campaigns_hour",
            ),
        ),
    ]

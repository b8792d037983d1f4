from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Orders are placed while the index is built.
    atomic = False

    dependencies = [("payments", "0003_by_time")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["hold_expires_at"],
                condition=models.Q(("state", "processing")),
                name="order_processing",
            ),
        ),
    ]

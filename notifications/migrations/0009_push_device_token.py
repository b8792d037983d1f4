from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Devices register while the index is built.
    atomic = False

    dependencies = [("notifications", "0008_preferences")]

    operations = [
        AddIndexConcurrently(
            model_name="pushdevice",
            index=models.Index(
                condition=models.Q(("is_active", True)), fields=["token_hash"], name="push_device_token"
            ),
        ),
    ]

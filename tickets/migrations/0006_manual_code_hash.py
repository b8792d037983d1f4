from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Tickets are sold and scanned while the index is built.
    atomic = False

    dependencies = [("tickets", "0005_newest_scans")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                models.Func(
                    models.F("manual_code"),
                    output_field=models.BinaryField(),
                    template="sha256(%(expressions)s::bytea)",
                ),
                name="ticket_manual_code_hash",
            ),
        ),
    ]

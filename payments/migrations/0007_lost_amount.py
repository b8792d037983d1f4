from django.db import migrations, models


class Migration(migrations.Migration):
    """What lost disputes took is kept with the order's other sums; what was lost before is summed up by the next
    reading of its order.
    """

    dependencies = [
        ("payments", "0006_undeliverable"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="lost_amount",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more choice: nothing changes in the database, which has no CHECK of them."""

    dependencies = [
        ("payments", "0005_restock_by_rule"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="refund",
                    name="origin",
                    field=models.CharField(
                        choices=[
                            ("staff", "Staff"),
                            ("automatic", "Automatic"),
                            ("undeliverable", "Automatic, could not be given"),
                            ("dashboard", "Stripe dashboard"),
                        ],
                        max_length=20,
                    ),
                ),
            ],
        ),
    ]

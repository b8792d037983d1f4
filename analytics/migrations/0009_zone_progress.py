"""How far an event's days are marked for a new time zone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0008_slugs_of_organizations")]

    operations = [
        migrations.AddField(
            "refresh", "next_zone", models.CharField(blank=True, db_default="", default="", max_length=64)
        ),
        migrations.AddField("refresh", "marked_through", models.DateField(blank=True, null=True)),
    ]

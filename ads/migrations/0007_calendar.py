"""When the days of time zones begin and end, for the view of daily figures."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ads", "0006_tellable_times_known")]

    operations = [
        migrations.CreateModel(
            name="AdCalendar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("time_zone", models.CharField(max_length=64)),
                ("utc_day", models.DateField()),
                ("day", models.DateField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("time_zone", "utc_day", "day"), name="ad_calendar_once"
                    )
                ],
            },
        ),
    ]

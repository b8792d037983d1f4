"""Times that every clock can tell: what is written from now on keeps to the years 1970 to 9998."""

import datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

_FIRST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)


class Migration(migrations.Migration):
    dependencies = [("events", "0002_waitlist_columns")]

    operations = [
        AddConstraintNotValid(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__gte", _FIRST),
                    ("starts_at__lt", _END),
                    ("ends_at__gte", _FIRST),
                    ("ends_at__lt", _END),
                ),
                name="event_window_is_tellable",
            ),
        ),
        AddConstraintNotValid(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__gte", _FIRST),
                    ("starts_at__lt", _END),
                    ("ends_at__gte", _FIRST),
                    ("ends_at__lt", _END),
                ),
                name="session_window_is_tellable",
            ),
        ),
    ]

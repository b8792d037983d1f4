"""Times that every clock can tell: what is written from now on keeps to the years 1970 to 9998."""

import datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

_FIRST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)


class Migration(migrations.Migration):
    dependencies = [("offers", "0002_fewer_indexes")]

    operations = [
        AddConstraintNotValid(
            model_name="fulfillment",
            constraint=models.CheckConstraint(
                condition=models.Q(("appointment_at__gte", _FIRST), ("appointment_at__lt", _END)),
                name="fulfillment_appointment_is_tellable",
            ),
        ),
        AddConstraintNotValid(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__gte", _FIRST),
                    ("starts_at__lt", _END),
                    ("expires_at__gte", _FIRST),
                    ("expires_at__lt", _END),
                ),
                name="offer_window_is_tellable",
            ),
        ),
    ]

"""The rows of before are read through, while they are read and written.

None is changed for it: nothing was sold with a release that kept other times, and such a row could not be read by that
release either. A row outside the years ends the upgrade here, by the rule's name, before the new release serves.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("offers", "0003_tellable_times")]

    operations = [
        ValidateConstraint(model_name="fulfillment", name="fulfillment_appointment_is_tellable"),
        ValidateConstraint(model_name="offer", name="offer_window_is_tellable"),
    ]

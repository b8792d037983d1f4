"""The rows of before are read through, while they are read and written.

None is changed for it: nothing was sold with a release that kept other times, and such a row could not be read by that
release either. A row outside the years ends the upgrade here, by the rule's name, before the new release serves.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("events", "0003_tellable_times")]

    operations = [
        ValidateConstraint(model_name="event", name="event_window_is_tellable"),
        ValidateConstraint(model_name="session", name="session_window_is_tellable"),
    ]

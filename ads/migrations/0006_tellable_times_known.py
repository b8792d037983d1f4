"""The rows of before are read through, while they are read and written.

None is changed for it: which year was meant where one outside 1970 to 9998 stands, its organizer alone can say. Such a
row ends the upgrade here, by the rule's name, before the new release serves. docs/running.md, "Upgrade", tells how it
is found and mended before that.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ads", "0005_tellable_times")]

    operations = [
        ValidateConstraint(model_name="ad", name="ad_window_is_tellable"),
    ]

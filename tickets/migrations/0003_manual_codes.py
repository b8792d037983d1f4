"""Each ticket that was issued before gets a code for typing; from here on none is without one."""

from django.db import migrations

import tickets.letters

BATCH = 2000


def give_codes(apps, schema_editor):
    """Fill in what is missing. Two of 8 * 10^10 codes are the same about never; the constraint would say so."""
    model = apps.get_model("tickets", "Ticket")
    while True:
        batch = list(model.objects.filter(manual_code=None).only("pk")[:BATCH])
        for ticket in batch:
            ticket.manual_code = tickets.letters.new_manual_code()
        model.objects.bulk_update(batch, ["manual_code"])
        if len(batch) < BATCH:
            return


class Migration(migrations.Migration):

    dependencies = [("tickets", "0002_checkin")]

    operations = [migrations.RunPython(give_codes, migrations.RunPython.noop)]

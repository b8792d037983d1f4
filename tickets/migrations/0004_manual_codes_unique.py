from django.db import migrations, models

import tickets.letters


class Migration(migrations.Migration):

    dependencies = [("tickets", "0003_manual_codes")]

    operations = [
        migrations.AlterField(
            model_name="ticket",
            name="manual_code",
            field=models.CharField(default=tickets.letters.new_manual_code, max_length=8, unique=True),
        ),
    ]

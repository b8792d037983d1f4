from django.db import migrations, models

_KEPT = ("kept_sent", "kept_delivered", "kept_opened", "kept_failed", "kept_suppressed", "kept_cancelled")


class Migration(migrations.Migration):
    dependencies = [("notifications", "0010_unsubscribe_url")]

    operations = [
        migrations.CreateModel(
            name="PushPart",
            fields=[
                ("name", models.CharField(max_length=300, primary_key=True, serialize=False)),
                (
                    "provider",
                    models.CharField(choices=[("fcm", "FCM"), ("webpush", "Web Push")], max_length=8),
                ),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField("pushdevice", "doubted_at", models.DateTimeField(blank=True, null=True)),
        *(
            migrations.AddField("pushcampaign", name, models.PositiveIntegerField(db_default=0, default=0))
            for name in _KEPT
        ),
    ]

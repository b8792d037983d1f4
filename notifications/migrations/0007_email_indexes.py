"""Indexes of the outbox, built while e-mails go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY cannot run inside a transaction.
    atomic = False

    dependencies = [
        ('notifications', '0006_tracking'),
    ]

    operations = [
        ValidateConstraint('emailmessage', 'email_status_known'),
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status', 'suppressed')), fields=['status', '-created_at'], name='email_suppressed'),
        ),
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(fields=['recipient_key', '-created_at', '-id'], name='email_recipient'),
        ),
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('user_id__isnull', False)), fields=['user_id', '-created_at', '-id'], name='email_user'),
        ),
        AddIndexConcurrently(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('provider_message_id', ''), _negated=True), fields=['provider_message_id'], name='email_provider_message'),
        ),
    ]

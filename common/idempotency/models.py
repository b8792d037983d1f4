"""One row per (user, operation, key)."""

import uuid

from django.db import models
from django.db.models import Q


class IdempotencyRecord(models.Model):
    """A call that carried an ``Idempotency-Key``: what it asked, what it began, and its final answer.

    In flight while ``lease_until`` lies ahead; free to be resumed when the lease is over or was given up
    (null); final once ``status`` is set. ``attempt`` tells the one who holds it now from one who held it
    before.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.UUIDField()
    operation = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    attempt = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField(null=True)
    subject_id = models.UUIDField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "operation", "key"], name="idempotency_key_once"),
            models.CheckConstraint(
                condition=Q(status__isnull=True, body__isnull=True)
                | Q(status__gte=200, status__lt=600, body__isnull=False),
                name="idempotency_answer_whole",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expires")]

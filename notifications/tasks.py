"""Celery's shells of this room. The beat entry is listed in ``notifications.schedule``."""

from celery import shared_task

from common import clock
from common.outbox import Lane, wake
from notifications.services import sending


@shared_task(name="notifications.send_due_emails", ignore_result=True)
def send_due_emails() -> int:
    """Wake both mail lanes each minute, after giving queued e-mails without a job a new one; returns how many."""
    requeued = sending.requeue_orphans(now=clock.now())
    wake.on_commit((Lane.URGENT_MAIL, Lane.BULK))
    return requeued

"""Celery carries wake-ups only: what there is to do is in PostgreSQL (``common.outbox``)."""

import os

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue

from common import celery_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

app = Celery("marquee")
app.config_from_object("django.conf:settings", namespace="CELERY")
# One queue a lane, so that a worker can be reserved for each.
app.conf.task_queues = [Queue(lane) for lane in ("money", "realtime", "urgent_mail", "bulk")]
app.conf.imports = ["common.outbox.celery"]
app.autodiscover_tasks()
celery_tracing.connect()


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """Leave logging as Django set it up: one shape of line in every process."""

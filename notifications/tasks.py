"""Celery's shells of this room. When beat starts them: ``config.schedules``."""

from celery import shared_task

from common import clock
from common.outbox import Lane, wake
from notifications.realtime import relay, retention, streams
from notifications.services import files, sending, tracking, watching
from notifications.services.push import cleaning, forgetting
from notifications.services.push import sending as push_sending


@shared_task(name="notifications.send_due_emails", ignore_result=True)
def send_due_emails() -> int:
    """Wake both mail lanes each minute, after giving queued e-mails without a job a new one; returns how many."""
    requeued = sending.requeue_orphans(now=clock.now())
    wake.on_commit((Lane.URGENT_MAIL, Lane.BULK))
    return requeued


@shared_task(name="notifications.match_email_events", ignore_result=True)
def match_email_events() -> int:
    """Give events their e-mail that were heard before it was known; returns how many. Beat: each minute."""
    return tracking.adopt_orphans(now=clock.now())


@shared_task(name="notifications.watch_emails", ignore_result=True)
def watch_emails() -> int:
    """Tell the log which shares of the day's e-mails are too large; returns how many. Beat: every 15 minutes."""
    return watching.watch(now=clock.now())


@shared_task(name="notifications.forget_files", ignore_result=True)
def forget_files() -> int:
    """Forget the bytes of old attached files; returns of how many. Beat: daily."""
    return files.forget_files(now=clock.now())


@shared_task(name="notifications.relay_announcements", ignore_result=True)
def relay_announcements() -> int:
    """Have relayed what a lost hook left; returns how many parts of the streams had something waiting."""
    left = relay.shards_left()
    streams.ask_for_relay(left, now=clock.now())
    return len(left)


@shared_task(name="notifications.forget_announcements", ignore_result=True)
def forget_announcements() -> int:
    """Delete announcements that are past their retention; returns how many."""
    return retention.forget_old(now=clock.now())


@shared_task(name="notifications.send_due_push", ignore_result=True)
def send_due_push() -> int:
    """Give queued push messages without a job a new one; returns how many. Beat: each minute."""
    requeued = push_sending.requeue_orphans(now=clock.now())
    if requeued:
        wake.on_commit((Lane.URGENT_MAIL, Lane.BULK))
    return requeued


@shared_task(name="notifications.clean_push_devices", ignore_result=True)
def clean_push_devices() -> int:
    """Switch off devices that were not seen for long, forget those that have been off for long. Beat: daily."""
    now = clock.now()
    return cleaning.switch_off_idle(now=now) + cleaning.forget_old(now=now)


@shared_task(name="notifications.forget_push", ignore_result=True)
def forget_push() -> int:
    """Delete push messages that are past their retention; returns how many. Beat: daily."""
    return forgetting.forget_old(now=clock.now())

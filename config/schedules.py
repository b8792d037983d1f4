"""What runs by the clock. Celery beat reads the database; this fills in what is missing there.

A schedule that somebody changed in the admin stays as they changed it. A missed run costs time, never truth:
holds, offers and mails have jobs with a time of their own in the durable queue, and these entries are the
net under them.
"""

from dataclasses import dataclass

from django.apps import AppConfig
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

SECONDS, MINUTES, HOURS = IntervalSchedule.SECONDS, IntervalSchedule.MINUTES, IntervalSchedule.HOURS


@dataclass(frozen=True, slots=True)
class Schedule:
    """One entry: every so many units, or at a time of day (UTC) when ``at`` is given as (hour, minute)."""

    name: str
    task: str
    every: tuple[int, str] | None = None
    at: tuple[int, int] | None = None
    queue: str = "money"
    description: str = ""


SCHEDULES: tuple[Schedule, ...] = (
    Schedule(
        "Wake every lane of the queue",
        "common.outbox.wake_all",
        every=(10, SECONDS),
        description="Finds what a lost wake-up left. run_jobs looks each second as well.",
    ),
    Schedule(
        "Expire holds that are over",
        "payments.sweep_due_holds",
        every=(5, MINUTES),
        description="The net under each hold's own job (REQUIREMENTS OF-08).",
    ),
    Schedule(
        "Ask about delayed payments",
        "payments.sweep_processing",
        every=(1, HOURS),
        description="Reads orders again whose payment is under way: Stripe's last word may have been lost.",
    ),
    Schedule(
        "Take ended offers off sale",
        "offers.deactivate_ended",
        every=(30, MINUTES),
        description="An ended offer cannot be bought even before this ran.",
    ),
    Schedule(
        "Expire seat offers",
        "waitlist.expire_offers",
        every=(1, MINUTES),
        queue="realtime",
        description="The net under each offer's own job; closes the queue of a session that began.",
    ),
    Schedule(
        "Fill free seats",
        "waitlist.fill_sessions",
        every=(5, MINUTES),
        queue="realtime",
        description="Offers seats that are free while people wait, whatever was missed.",
    ),
    Schedule(
        "Heal the mirrors of the queues",
        "waitlist.heal_mirror",
        every=(1, MINUTES),
        queue="bulk",
        description="Finds queues in Redis that are off. Until then positions are counted in the database.",
    ),
    Schedule(
        "Switch off ended ads",
        "ads.deactivate_ended",
        every=(1, HOURS),
        queue="bulk",
        description="An ended ad is not shown even before this ran.",
    ),
    Schedule(
        "Compute the figures of analytics",
        "analytics.refresh",
        every=(1, MINUTES),
        queue="bulk",
        description="What front ends told since the last time (AN-04). manage.py refresh_analytics does it at once.",
    ),
    Schedule(
        "Begin due reports",
        "analytics.start_due_reports",
        every=(1, MINUTES),
        queue="bulk",
        description="Scheduled reports whose time has come, each once. What was missed: the newest is made (AN-07).",
    ),
    Schedule(
        "Make the days of tracked events",
        "analytics.make_partitions",
        at=(0, 20),
        queue="bulk",
        description="Two weeks ahead; without it the default partition takes what comes.",
    ),
    Schedule(
        "Forget old tracked events",
        "analytics.forget_old",
        at=(2, 30),
        queue="bulk",
        description="Raw events after ANALYTICS_EVENT_RETENTION_DAYS; the figures of days stay.",
    ),
    Schedule("Send due e-mails", "notifications.send_due_emails", every=(1, MINUTES), queue="urgent_mail"),
    Schedule(
        "Send due push messages",
        "notifications.send_due_push",
        every=(1, MINUTES),
        queue="urgent_mail",
        description="The net under each message's own job.",
    ),
    Schedule(
        "Clean up push devices",
        "notifications.clean_push_devices",
        at=(3, 40),
        queue="bulk",
        description="Switches off browsers not seen for 30 days, phones not seen for 270; forgets both later.",
    ),
    Schedule(
        "Forget old push messages",
        "notifications.forget_push",
        at=(2, 40),
        queue="bulk",
        description="After PUSH_RETENTION_DAYS; the figures of campaigns stay.",
    ),
    Schedule(
        "Match events of e-mails",
        "notifications.match_email_events",
        every=(1, MINUTES),
        queue="bulk",
        description="Events that the provider told before their e-mail was known.",
    ),
    Schedule(
        "Watch how e-mail does",
        "notifications.watch_emails",
        every=(15, MINUTES),
        queue="bulk",
        description="Alarms in the log when too many of a day's e-mails bounced or were called unwanted.",
    ),
    Schedule(
        "Forget old attachments",
        "notifications.forget_files",
        at=(2, 50),
        queue="bulk",
        description="The bytes of files that went along with e-mails, 30 days later; what still waits keeps them.",
    ),
    Schedule(
        "Relay announcements that were left",
        "notifications.relay_announcements",
        every=(10, SECONDS),
        queue="realtime",
        description="The net under the wake-up that each commit sends.",
    ),
    Schedule(
        "Forget old announcements",
        "notifications.forget_announcements",
        every=(1, HOURS),
        queue="bulk",
        description="What was missed can be read for REALTIME_RETENTION_HOURS.",
    ),
    Schedule(
        "Reconcile payments and prove the books",
        "payments.reconcile_daily",
        at=(3, 10),
        description="Repairs what lost webhooks left, then proves ledger = purchases = Stripe.",
    ),
    Schedule(
        "Recount the daily figures of ads",
        "ads.refresh_daily",
        every=(1, HOURS),
        queue="bulk",
        description="Figures follow their events within seconds; this proves them against the raw events.",
    ),
    Schedule(
        "Delete old events of ads",
        "ads.drop_old_events",
        at=(2, 0),
        queue="bulk",
        description="Freezes the figures of days older than AD_EVENT_RETENTION_DAYS, then drops their events.",
    ),
    Schedule(
        "Make the days of ad events",
        "ads.make_partitions",
        at=(0, 40),
        queue="bulk",
        description="Two weeks ahead. What comes for a day that is not made is kept and moved.",
    ),
    Schedule("Count dead letters", "common.outbox.check_dead", every=(1, MINUTES)),
    Schedule("Delete finished jobs", "common.outbox.tidy", every=(1, HOURS), queue="bulk"),
    Schedule("Forget old idempotency keys", "common.idempotency.purge", every=(1, HOURS), queue="bulk"),
)


def ensure_schedules(sender: AppConfig, **_: object) -> None:
    """Create the entries that are missing; called after each migration."""
    for schedule in SCHEDULES:
        if PeriodicTask.objects.filter(name=schedule.name).exists():
            continue
        interval = crontab = None
        if schedule.every is not None:
            every, period = schedule.every
            interval, _created = IntervalSchedule.objects.get_or_create(every=every, period=period)
        elif schedule.at is not None:
            hour, minute = schedule.at
            crontab, _created = CrontabSchedule.objects.get_or_create(
                hour=str(hour),
                minute=str(minute),
                day_of_week="*",
                day_of_month="*",
                month_of_year="*",
                timezone="UTC",
            )
        PeriodicTask.objects.create(
            name=schedule.name,
            task=schedule.task,
            interval=interval,
            crontab=crontab,
            queue=schedule.queue,
            description=schedule.description,
            # A wake-up that waited longer than this has been overtaken by the next.
            expire_seconds=None if crontab else 60,
        )

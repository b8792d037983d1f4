"""How many e-mails may begin now: counted exactly, from the attempts of the last minute.

Each attempt is a token. Every window of 60 s, ``[t, t + 60 s)``, holds at most ``EMAIL_RATE_PER_MINUTE`` of them, and
of one box at most ``EMAIL_RECIPIENT_RATE_PER_MINUTE``. Bulk mail may use all of it but a quarter at a time
(15 s), so an urgent one never waits a minute behind a campaign, and it stands back while urgent ones wait.

Resend takes so many requests a second of an account (docs: Rate Limit): there an attempt may begin a moment after now.
Whoever takes its token waits for that moment, so that requests are spread and none is spent on a refusal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q

from common.db import retrying
from common.models import Job
from common.outbox import Condition, Lane
from common.outbox.types import JobStatus
from notifications.mailer.channel import is_resend
from notifications.models import EmailAttempt, EmailChannel, EmailMessage

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
BULK_PART = 4
_LOCK = 7_311_020  # advisory, for a transaction: tokens are taken one after the other


class NoRoom(Exception):
    """The limits allow no more e-mail just now; there is room in ``seconds``."""

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = seconds
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Token:
    """An attempt that may begin, at most a second from now."""

    attempt_id: UUID
    begins_at: datetime


def available(now: datetime, want: int, *, urgent: bool) -> int:
    """Return how many of ``want`` e-mails may begin now. It only looks."""
    if paused_until(now) is not None:
        return 0
    used = _used(now)
    free = settings.EMAIL_RATE_PER_MINUTE - used["total"]
    if limit := _per_second():
        # This second's and the next one's: more would only stand and wait.
        free = min(free, 2 * limit - used["second"])
    if free > 0 and not urgent:
        free = min(free - _urgent_waiting(now, free), _bulk_at_a_time() - used["bulk"])
    return max(0, min(want, free))


def open_recipients(now: datetime) -> Condition | None:
    """Leave out the jobs of recipients who had enough in the last minute; None when nobody had."""
    full = _full_recipients(now)
    return Condition("j.payload->>'recipient' <> ALL (%s)", (full,)) if full else None


def paused_until(now: datetime) -> datetime | None:
    """Return until when the channel is paused, None when it is not."""
    channel = EmailChannel.objects.filter(paused_until__gt=now).first()
    return channel.paused_until if channel is not None else None


@retrying
@transaction.atomic
def take(message: EmailMessage, *, now: datetime) -> Token:
    """Begin an attempt and return its token, which it stays whatever becomes of it. Raises ``NoRoom``."""
    _lock_tokens()
    _refuse_if_full(message, now)
    begins_at = _place_in_a_second(now)
    attempt = EmailAttempt.objects.create(
        message=message,
        recipient_key=message.recipient_key,
        is_urgent=message.is_urgent,
        started_at=begins_at,
    )
    return Token(attempt.id, begins_at)


def _lock_tokens() -> None:
    """Wait for whoever is taking a token; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _refuse_if_full(message: EmailMessage, now: datetime) -> None:
    until = paused_until(now)
    if until is not None:
        raise NoRoom((until - now).total_seconds(), "The e-mail channel is paused")
    everything, mine = Q(), Q(recipient_key=message.recipient_key)
    _refuse_beyond(everything, settings.EMAIL_RATE_PER_MINUTE, MINUTE, now)
    _refuse_beyond(mine, settings.EMAIL_RECIPIENT_RATE_PER_MINUTE, MINUTE, now)
    if not message.is_urgent:
        _refuse_beyond(Q(is_urgent=False), _bulk_at_a_time(), MINUTE / BULK_PART, now)


def _refuse_beyond(which: Q, limit: int, window: timedelta, now: datetime) -> None:
    """Raise ``NoRoom`` when so many attempts lie in the window; there is room when the oldest that counts leaves."""
    taken = EmailAttempt.objects.filter(which, started_at__gt=now - window).order_by("-started_at")
    blocking = list(taken.values_list("started_at", flat=True)[limit - 1 : limit])
    if blocking:
        raise NoRoom(
            (blocking[0] + window - now).total_seconds(), "As many e-mails as a minute allows went out"
        )


def _place_in_a_second(now: datetime) -> datetime:
    """Return the first moment with which no second has too many. Raises ``NoRoom`` when it is too far off."""
    limit = _per_second()
    if not limit:
        return now
    latest = EmailAttempt.objects.filter(started_at__gt=now - SECOND).order_by("-started_at")
    moments = list(latest.values_list("started_at", flat=True)[limit - 1 : limit])
    begins_at = max(now, moments[0] + SECOND) if moments else now
    if begins_at - now > SECOND:
        seconds = (begins_at - SECOND - now).total_seconds()
        raise NoRoom(seconds, "As many e-mails as a second allows went out")
    return begins_at


def _per_second() -> int:
    """Return how many requests a second the provider takes; 0: it does not count."""
    return int(settings.EMAIL_RATE_PER_SECOND) if is_resend() else 0


def _used(now: datetime) -> dict[str, int]:
    in_part = Q(is_urgent=False, started_at__gt=now - MINUTE / BULK_PART)
    return EmailAttempt.objects.filter(started_at__gt=now - MINUTE).aggregate(
        total=Count("id"),
        bulk=Count("id", filter=in_part),
        second=Count("id", filter=Q(started_at__gt=now - SECOND)),
    )


def _full_recipients(now: datetime) -> list[str]:
    busy = EmailAttempt.objects.filter(started_at__gt=now - MINUTE).order_by().values("recipient_key")
    full = busy.annotate(sent=Count("id")).filter(sent__gte=settings.EMAIL_RECIPIENT_RATE_PER_MINUTE)
    return list(full.values_list("recipient_key", flat=True))


def _urgent_waiting(now: datetime, most: int) -> int:
    waiting = Job.objects.filter(status=JobStatus.PENDING, lane=Lane.URGENT_MAIL, run_at__lte=now)
    full = _full_recipients(now)
    if full:
        waiting = waiting.exclude(payload__recipient__in=full)
    return waiting.order_by()[:most].count()


def _bulk_at_a_time() -> int:
    return max(1, int(settings.EMAIL_RATE_PER_MINUTE) // BULK_PART)

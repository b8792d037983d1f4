"""Jobs of this room: sending e-mail, working what its provider tells, telling sockets."""

from datetime import datetime
from functools import partial
from uuid import UUID

from common import facts
from common.outbox import Gate, GiveUp, JobContext, Lane, Postpone, job, on_fact, remote_job
from notifications.models import AttemptOutcome
from notifications.realtime import constants, emitter, relay, streams
from notifications.services import rates, sending, tracking
from notifications.services.email import BULK_KIND, URGENT_KIND

EMAIL_EVENT = "notifications.email_event"
# REQ NO-01, in seconds.
RETRY_AFTER = (1, 5, 30, 300, 1800)
# A dialogue of SMTP has about eight turns, each bounded by EMAIL_TIMEOUT.
TIMEOUT = 90
# While Redis is away. News are pushed for a minute; what is older ends the waiting.
RELAY_AGAIN_SECONDS = 1


class NotSent(Exception):
    """The provider did not take it this time."""


def _gate(name: str, *, urgent: bool) -> Gate:
    def available(now: datetime, want: int) -> int:
        return rates.available(now, want, urgent=urgent)

    return Gate(name, available=available, condition=rates.open_recipients)


def _on_dead(job: JobContext, error: str) -> None:
    sending.mark_failed(UUID(job.payload["email_id"]), job.id, error)


_terms = partial(remote_job, retry_after=RETRY_AFTER, timeout=TIMEOUT, on_dead=_on_dead)


@_terms(BULK_KIND, lane=Lane.BULK, gate=_gate("email_bulk", urgent=False))
@_terms(URGENT_KIND, lane=Lane.URGENT_MAIL, gate=_gate("email_urgent", urgent=True))
def send_email(job: JobContext) -> None:
    """Send one e-mail; a pause, a provider that is not reached, a full minute are no attempt; a refusal ends it."""
    try:
        verdict = sending.deliver(UUID(job.payload["email_id"]), now=job.now)
    except rates.NoRoom as full:
        raise Postpone(full.seconds, full.reason) from full
    if verdict is None or verdict.outcome == AttemptOutcome.SENT:
        return
    if verdict.outcome == AttemptOutcome.FINAL:
        raise GiveUp(verdict.detail)
    if verdict.outcome == AttemptOutcome.PAUSED:
        raise Postpone(sending.pause_of(verdict).total_seconds(), verdict.detail)
    raise NotSent(verdict.detail)


@job(EMAIL_EVENT, lane=Lane.BULK, retry_after=(5, 60, 300, 1800, 7200))
def work_email_event(job: JobContext) -> None:
    """Add one verified event of the mail provider to its e-mail's story."""
    tracking.work_event(UUID(job.payload["inbox_id"]), now=job.now)


@on_fact(facts.PurchaseUpdated, "notifications.tell_purchase_update", lane=Lane.REALTIME, timeout=10)
def tell_purchase_update(job: JobContext) -> None:
    """Announce an order's status to its buyer; a page that was away reads what it missed."""
    fact = facts.PurchaseUpdated.from_payload(job.payload)
    data = {"order_id": str(fact.order_id), "status": fact.status}
    streams.announce(constants.user_room(fact.user_id), constants.PURCHASE_UPDATE, data, now=job.now)


@remote_job(streams.RELAY_JOB, lane=Lane.REALTIME, retry_after=(1, 5, 30), timeout=60)
def relay_announcements(job: JobContext) -> None:
    """Number and push what one part of the streams announced; while Redis is away it looks again each second."""
    try:
        is_empty = relay.relay(int(job.payload["shard"]), now=job.now)
    except emitter.NotEmitted as error:
        raise Postpone(RELAY_AGAIN_SECONDS, "Redis is away") from error
    if not is_empty:
        raise Postpone(RELAY_AGAIN_SECONDS, "There is more than one run may take")

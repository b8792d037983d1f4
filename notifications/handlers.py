"""Jobs of this room: sending e-mail, telling sockets."""

from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from common import facts
from common.outbox import Gate, GiveUp, JobContext, Lane, Postpone, on_fact, remote_job
from notifications.models import AttemptOutcome
from notifications.realtime import constants, emitter
from notifications.services import rates, sending
from notifications.services.email import BULK_KIND, URGENT_KIND

# REQ NO-01, in seconds.
RETRY_AFTER = (1, 5, 30, 300, 1800)
# A dialogue of SMTP has about eight turns, each bounded by EMAIL_TIMEOUT.
TIMEOUT = 90

log = structlog.get_logger(__name__)


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
    """Send one e-mail; a pause or a full minute is no attempt, a refusal for good ends it."""
    try:
        verdict = sending.deliver(UUID(job.payload["email_id"]), now=job.now)
    except rates.NoRoom as full:
        raise Postpone(full.seconds, full.reason) from full
    if verdict is None or verdict.outcome == AttemptOutcome.SENT:
        return
    if verdict.outcome == AttemptOutcome.FINAL:
        raise GiveUp(verdict.detail)
    if verdict.outcome == AttemptOutcome.PAUSED:
        raise Postpone(sending.PAUSE.total_seconds(), verdict.detail)
    raise NotSent(verdict.detail)


@on_fact(
    facts.PurchaseUpdated,
    "notifications.tell_purchase_update",
    lane=Lane.REALTIME,
    retry_after=(1, 5, 30),
    timeout=10,
)
def tell_purchase_update(job: JobContext) -> None:
    """Tell the buyer's sockets. After 36 s it is dropped: a page that was away reads the order when it is back."""
    fact = facts.PurchaseUpdated.from_payload(job.payload)
    room = constants.user_room(fact.user_id)
    # The job's id stays the same when it is run again, so clients know a repetition.
    data = {"event_id": str(job.id), "stream": room, "order_id": str(fact.order_id), "status": fact.status}
    try:
        emitter.emit(constants.PURCHASE_UPDATE, data, room=room)
    except emitter.NotEmitted:
        if not job.is_last_attempt:
            raise
        log.warning("realtime_dropped", event_name=constants.PURCHASE_UPDATE, order_id=str(fact.order_id))

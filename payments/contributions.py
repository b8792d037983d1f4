"""What this room, and the floors below that cannot know orders, have to say in an order's timeline."""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q

from common.audit.services import history_of
from common.money import Money
from common.outbox.dead_letters import last_error
from common.outbox.models import Job
from common.outbox.words import kind_words
from notifications.selectors import emails_about
from payments.models import Order
from payments.timeline import Entry, in_words, register, staff_act

_JOBS_SHOWN = 100
_CLOCKS_MS = 60_000


@register
def milestones(order: Order) -> Iterator[Entry]:
    """The order's own moments."""
    yield Entry(order.created_at, "order", "Order placed", f"{order.quantity} × {order.title}", order.total)
    if order.cancel_requested_at:
        yield Entry(order.cancel_requested_at, "order", "Cancelled by the buyer")
    if order.closed_at:
        is_trouble = order.state in {"failed", "late_paid"}
        yield Entry(order.closed_at, "order", order.get_state_display(), is_trouble=is_trouble)
    if order.quarantine_reason:
        at = order.closed_at or order.hold_expires_at or order.created_at
        yield Entry(at, "order", "Quarantined", order.quarantine_reason, is_trouble=True)


@register
def refunds(order: Order) -> Iterator[Entry]:
    """What was asked to go back."""
    for refund in order.refunds.all():
        title = (
            f"Refund asked for: {refund.get_status_display().lower()} ({refund.get_origin_display().lower()})"
        )
        detail = " · ".join(filter(None, [refund.reason, refund.failure]))
        amount = Money(refund.amount, refund.currency)
        yield Entry(refund.created_at, "refund", title, detail, amount, is_trouble=bool(refund.failure))


@register
def ledger(order: Order) -> Iterator[Entry]:
    """Every cent that moved, never before what caused it: Stripe's clock has whole seconds."""
    asked = {refund.stripe_refund_id: refund.created_at for refund in order.refunds.all()}
    for entry in order.ledger.all():
        at = max(entry.occurred_at, asked.get(entry.stripe_id, order.created_at))
        money = Money(entry.amount, entry.currency)
        yield Entry(at, "ledger", entry.get_kind_display(), amount=money, code=entry.stripe_id)


@register
def disputes(order: Order) -> Iterator[Entry]:
    """What the buyer's bank says."""
    for dispute in order.disputes.all():
        title = f"Dispute: {dispute.status.replace('_', ' ')}"
        amount = Money(dispute.amount, dispute.currency)
        yield Entry(
            dispute.opened_at, "dispute", title, dispute.reason.replace("_", " "), amount, is_trouble=True
        )


@register
def webhooks(order: Order) -> Iterator[Entry]:
    """What Stripe told."""
    for event in order.events.order_by("received_at"):
        title = f"Stripe told: {in_words(event.event_type)}"
        yield Entry(event.received_at, "webhook", title, event.note, code=event.event_type)


@register
def emails(order: Order) -> Iterator[Entry]:
    """What the buyer was told."""
    for email in emails_about("order", order.pk):
        title = f"{email.get_status_display()}: {email.subject}"
        yield Entry(email.created_at, "email", title, email.last_error, is_trouble=bool(email.last_error))


@register
def jobs(order: Order) -> Iterator[Entry]:
    """What the queue does for it."""
    mine = Q(payload__order_id=str(order.pk))
    for refund in order.refunds.all():
        mine |= Q(payload__refund_id=str(refund.pk))
    # Ids of jobs rise with time (version 7), so the primary key leaves out what is older than the order.
    oldest = UUID(int=int(order.created_at.timestamp() * 1000 - _CLOCKS_MS) << 80)
    recent = Job.objects.filter(pk__gte=oldest, organization_id=order.organization_id)
    for job in recent.filter(mine).order_by("created_at")[:_JOBS_SHOWN]:
        title = f"{kind_words(job.kind)}: {job.get_status_display().lower()}"
        last = last_error(job)
        code = f"{job.kind} {job.pk}"
        yield Entry(job.created_at, "job", title, last, is_trouble=job.status == "dead", code=code)


@register
def staff(order: Order) -> Iterator[Entry]:
    """What people did."""
    for act in history_of(order):
        yield staff_act(act)

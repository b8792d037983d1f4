"""What this room, and the floors below that cannot know orders, have to say in an order's timeline."""

from collections.abc import Iterator

from django.db.models import Q

from common.audit.services import history_of
from common.inbox.models import InboxEvent
from common.money import Money
from common.outbox.models import Job
from notifications.models import EmailMessage
from payments.models import Order
from payments.timeline import Entry, register


@register
def milestones(order: Order) -> Iterator[Entry]:
    """The order's own moments."""
    yield Entry(order.created_at, "order", "Order placed", f"{order.quantity} x {order.title}", order.total)
    if order.cancel_requested_at:
        yield Entry(order.cancel_requested_at, "order", "Cancelled by the buyer")
    if order.closed_at:
        is_trouble = order.state in {"failed", "late_paid"}
        yield Entry(order.closed_at, "order", order.get_state_display(), is_trouble=is_trouble)
    if order.quarantine_reason:
        at = order.closed_at or order.hold_expires_at or order.created_at
        yield Entry(at, "order", "Quarantined", order.quarantine_reason, is_trouble=True)


@register
def ledger(order: Order) -> Iterator[Entry]:
    """Every cent that moved."""
    for entry in order.ledger.all():
        amount = Money(entry.amount, entry.currency)
        yield Entry(entry.occurred_at, "ledger", entry.get_kind_display(), entry.stripe_id, amount)


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
    """What Stripe told, as far as it was worked for this order: the verdict names the order."""
    told = InboxEvent.objects.filter(provider="stripe", note__startswith=f"Order {order.number} ")
    for event in told.defer("body").order_by("received_at"):
        yield Entry(event.received_at, "webhook", event.event_type, event.note)


@register
def emails(order: Order) -> Iterator[Entry]:
    """What the buyer was told."""
    for email in EmailMessage.objects.filter(about_type="order", about_id=order.pk):
        title = f"{email.get_status_display()}: {email.subject}"
        yield Entry(email.created_at, "email", title, email.last_error, is_trouble=bool(email.last_error))


@register
def jobs(order: Order) -> Iterator[Entry]:
    """What the queue does for it."""
    mine = Q(payload__order_id=str(order.pk))
    for refund in order.refunds.all():
        mine |= Q(payload__refund_id=str(refund.pk))
    organization = Job.objects.filter(organization_id=order.organization_id)
    for job in organization.filter(mine).order_by("created_at")[:100]:
        last = job.errors[-1].get("error", "") if job.errors else ""
        yield Entry(job.created_at, "job", f"{job.kind}: {job.status}", last, is_trouble=job.status == "dead")


@register
def staff(order: Order) -> Iterator[Entry]:
    """What people did."""
    for act in history_of(order):
        yield Entry(act.at, "staff", f"{act.action} by {act.actor_label}", act.reason)

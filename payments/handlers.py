"""The jobs of the money path: a few lines each, then a service."""

from uuid import UUID

from common.outbox import JobContext, Lane, remote_job
from common.outbox.registry import Finisher
from payments.errors import CheckoutClosed, CheckoutRefused
from payments.services import checkout, holds, orders, refund_records, refund_requests, stripe_events
from payments.services.applying import apply_order

# REQUIREMENTS PA-05: after 1 min, 5 min, 30 min, 2 h, 24 h, then dead.
RETRY_AFTER = (60, 300, 1800, 7200, 86400)
# Goods wait for it, so never long between two tries; once dead, the sweep begins anew.
_HOLD_RETRY_AFTER = (30, 60, 300, 900, 1800, 3600)
STRIPE_EVENT = "payments.stripe_event"


@remote_job(STRIPE_EVENT, lane=Lane.MONEY, retry_after=RETRY_AFTER, timeout=90)
def work_stripe_event(job: JobContext) -> Finisher | None:
    """Work one verified webhook."""
    return stripe_events.work_event(UUID(job.payload["inbox_id"]), now=job.now)


@remote_job(orders.EXPIRE_HOLD, lane=Lane.MONEY, retry_after=_HOLD_RETRY_AFTER, timeout=90)
def expire_hold(job: JobContext) -> Finisher | None:
    """End a hold whose time is over."""
    holds.expire_hold(UUID(job.payload["order_id"]), now=job.now)
    return None


@remote_job(holds.LOOK_AGAIN, lane=Lane.MONEY, retry_after=RETRY_AFTER, timeout=90)
def look_again(job: JobContext) -> Finisher | None:
    """Read what became of a delayed payment."""
    apply_order(UUID(job.payload["order_id"]), now=job.now, search=True)
    return None


@remote_job(checkout.EXPIRE_SESSION, lane=Lane.MONEY, retry_after=RETRY_AFTER, timeout=60)
def expire_session(job: JobContext) -> Finisher | None:
    """Close a session that nobody shall pay."""
    holds.close_session(job.payload["session_id"])
    return None


@remote_job(checkout.RESOLVE_CHECKOUT, lane=Lane.MONEY, retry_after=(20, 40, 60, 120, 300), timeout=60)
def resolve_checkout(job: JobContext) -> Finisher | None:
    """Find out what became of a creation whose answer never came; the end of the hold is another job's."""
    try:
        checkout.open_checkout(UUID(job.payload["order_id"]), now=job.now)
    except (CheckoutClosed, CheckoutRefused):
        # That is an outcome too: the order is settled, closed, or its goods are released.
        return None
    return None


@remote_job(refund_records.CREATE_REFUND, lane=Lane.MONEY, retry_after=RETRY_AFTER, timeout=90)
def create_refund(job: JobContext) -> Finisher | None:
    """Have Stripe make a refund."""
    refund_requests.send_refund(UUID(job.payload["refund_id"]), now=job.now)
    return None

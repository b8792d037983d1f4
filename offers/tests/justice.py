"""What must be true of a market: after each step, and when everything due is worked."""

from datetime import timedelta

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from common import clock
from common.outbox import JobStatus
from common.outbox.models import Job
from offers.models import Fulfillment, FulfillmentStatus, Offer, OfferType, Purchase
from offers.services.fulfilment import UNFINISHED
from offers.services.goods import fulfillment_of
from offers.services.reconcile import reconcile as reconcile_inventory
from offers.tests.market import Market
from payments.models import HOLDING_STATES, LedgerKind, Order, OrderState
from payments.services.proof import prove
from payments.services.reconciling import reconcile as reconcile_payments
from tickets.models import TierChange, TierChangeStatus

_MONEY = [LedgerKind.CHARGE, LedgerKind.REFUND, LedgerKind.REFUND_FAILED]
_AT_REST = {FulfillmentStatus.FULFILLED, FulfillmentStatus.PENDING_MANUAL}


def check_now(market: Market) -> None:
    """Check what no moment may break."""
    _check_stock(market)
    _check_keys(market)
    _check_limits(market)
    _check_goods()
    _check_stops()
    _check_tickets()
    entered = Coalesce(Sum("ledger__amount", filter=Q(ledger__kind__in=_MONEY)), 0)
    for order in Order.objects.filter(event=market.event).annotate(entered=entered):
        left = order.paid_amount - order.refunded_amount
        assert order.entered == left, f"{order.number}: the ledger says {order.entered}"


def _check_stock(market: Market) -> None:
    """Nothing is oversold, and every counter is the sum of its rows: the product's own recount finds nothing."""
    for offer in Offer.objects.filter(event=market.event):
        assert offer.inventory_total is None or offer.sold + offer.reserved <= offer.inventory_total
    for tier in market.tiers:
        assert tier.inventory_total is None or tier.sold + tier.reserved <= tier.inventory_total
    assert reconcile_inventory(now=clock.now(), dry_run=True) == []


def _check_keys(market: Market) -> None:
    """One live purchase per key: held, or sold and not returned; robbed ones may come back beside a new one."""
    live = Purchase.objects.filter(Q(reserved_units__gt=0) | Q(sold_units__gt=0))
    alive = set(live.exclude(order__in=market.robbed).values_list("pk", flat=True))
    for key, purchases in market.made.items():
        assert len(purchases & alive) <= 1, f"{key} has {len(purchases & alive)} live purchases"


def _check_limits(market: Market) -> None:
    rows = Purchase.objects.exclude(order__in=market.robbed).filter(offer=market.offers[0])
    for buyer in market.buyers:
        units = rows.filter(user=buyer).aggregate(units=Sum("sold_units") + Sum("reserved_units"))["units"]
        assert (units or 0) <= 2


def _check_goods() -> None:
    """No code opens anything, and nothing is called given, once all units came back."""
    gone = Fulfillment.objects.filter(purchase__sold_units=0, revoked_at=None)
    assert not gone.exists()
    unpaid = Fulfillment.objects.exclude(purchase__order__state=OrderState.PAID)
    assert not unpaid.filter(fulfilled_at__isnull=False).exists()


def _check_stops() -> None:
    """What was not given yet is stopped while its payment is in question or gone, and only while all of it is going."""
    for given in Fulfillment.objects.filter(revoked_at=None, purchase__order__state=OrderState.PAID):
        order = given.purchase.order
        may_be_given = not order.is_disputed and (order.kept.amount > 0 or not order.amount)
        assert given.status not in UNFINISHED or may_be_given, f"{order.number}: {given.status}"
        is_going = order.paid_amount > 0 and order.refund_pending_amount >= order.kept.amount
        assert given.status != FulfillmentStatus.CANCELLED or order.is_disputed or is_going, given.note


def _check_tickets() -> None:
    """A ticket is where its last standing upgrade brought it; an upgrade is given exactly when it stands."""
    changes = list(TierChange.objects.order_by("settled_at").select_related("ticket"))
    last = {change.ticket: change for change in changes if change.status == TierChangeStatus.SETTLED}
    for ticket, change in last.items():
        assert ticket.tier_id == change.to_tier_id
    purchases = Purchase.objects.select_related("fulfillment").in_bulk([change.cause for change in changes])
    for change in changes:
        purchase = purchases[change.cause]
        given = fulfillment_of(purchase)
        held = change.status == TierChangeStatus.RESERVED
        assert not held or purchase.reserved_units or purchase.sold_units, "a place for nobody"
        settled = change.status == TierChangeStatus.SETTLED
        assert not settled or purchase.sold_units, "an upgrade without its unit"
        is_given = given is not None and given.status == FulfillmentStatus.FULFILLED and not given.revoked_at
        assert settled or not is_given, "given, and not done"


def check_end(market: Market) -> None:
    """Check what must be true when all holds are over, all jobs worked and everybody was told."""
    now = clock.now()
    check_now(market)
    dead = Job.objects.filter(status=JobStatus.DEAD)
    assert not dead.exists(), [(job.kind, job.errors) for job in dead]
    lost = Job.objects.filter(status=JobStatus.RUNNING)
    assert not lost.exists(), f"Their worker is gone, and nobody took them over: {list(lost.values('kind'))}"
    for order in market.orders():
        _check_order(order)
    since = now - timedelta(days=60)
    assert prove(since=since, now=now) == []
    assert reconcile_payments(since=since, now=now, dry_run=True) == []


def _check_order(order: Order) -> None:
    purchase = Purchase.objects.select_related("offer").get(order=order)
    assert order.state not in HOLDING_STATES, order.state
    assert not order.is_quarantined, order.quarantine_reason
    assert order.refund_pending_amount == 0
    if order.state != OrderState.PAID:
        assert (order.kept.amount, purchase.sold_units) == (0, 0), "money or goods of an order that is closed"
        return
    assert purchase.sold_units + purchase.returned_units == purchase.quantity
    given = Fulfillment.objects.get(purchase=purchase)
    is_owed = purchase.sold_units and not order.is_disputed and (order.kept.amount or not order.amount)
    if is_owed:
        assert given.status in _AT_REST, (
            f"{purchase.offer.offer_type}: {given.status} {given.note} {given.failure}"
        )
    elif not order.is_disputed:
        assert given.status in {FulfillmentStatus.FULFILLED, FulfillmentStatus.CANCELLED}, given.status
    if given.status == FulfillmentStatus.FULFILLED and given.revoked_at is None:
        code_wanted = purchase.offer.offer_type == OfferType.EXCLUSIVE_CONTENT
        assert bool(given.access_code) == code_wanted

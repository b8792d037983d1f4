"""Proving the stock: every counter is the sum of the rows behind it (REQUIREMENTS PA-08).

Looking locks nothing; repairing looks again under the lock and changes only what is still off, so that
purchases going on meanwhile are not mistaken for drift.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, IntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from common import audit
from common.types import SYSTEM
from offers.models import Offer, Purchase
from offers.services.inventory import lock_offer, lock_purchase
from offers.services.purpose import OfferPurpose
from payments.models import HOLDING_STATES, Order, OrderState
from tickets.models import TierChange, TierChangeStatus
from tickets.services import upgrades
from tickets.services.reconcile import Finding, reconcile_tiers

__all__ = ["Finding", "reconcile"]


def reconcile(*, now: datetime, offer_id: UUID | None = None, dry_run: bool = False) -> list[Finding]:
    """Compare every offer and ticket tier (or one offer, and its tier) with the rows behind their counters.

    Puts right what is off, unless it is a dry run. First purchases that disagree with their order, and places in
    a tier that nobody pays for, since they count; then the counters.
    """
    findings = [*_purchases(offer_id, dry_run=dry_run, now=now)]
    findings += _places(offer_id, dry_run=dry_run, now=now)
    for suspect in _suspects(offer_id):
        findings += _counters(suspect, dry_run=dry_run, now=now)
    return findings + reconcile_tiers(now=now, tier_ids=_tiers(offer_id), dry_run=dry_run)


def _sum_of(column: str) -> Coalesce:
    rows = Purchase.objects.filter(offer=OuterRef("pk")).order_by().values("offer")
    total = Subquery(rows.annotate(total=Sum(column)).values("total"), output_field=IntegerField())
    return Coalesce(total, 0)


def _suspects(offer_id: UUID | None) -> list[UUID]:
    offers = Offer.objects.all() if offer_id is None else Offer.objects.filter(pk=offer_id)
    proven = offers.annotate(proven_sold=_sum_of("sold_units"), proven_reserved=_sum_of("reserved_units"))
    off = ~Q(sold=F("proven_sold")) | ~Q(reserved=F("proven_reserved"))
    return list(proven.filter(off).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _counters(offer_id: UUID, *, dry_run: bool, now: datetime) -> list[Finding]:
    offer = lock_offer(offer_id)
    # A statement of its own, begun after the lock was had: it sees what rivals committed.
    proven = Purchase.objects.filter(offer=offer).aggregate(
        sold=Coalesce(Sum("sold_units"), 0), reserved=Coalesce(Sum("reserved_units"), 0)
    )
    pairs = {
        "sold": (offer.sold, proven["sold"]),
        "reserved": (offer.reserved, proven["reserved"]),
    }
    off = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    repairs = not dry_run and _fits(offer, proven["sold"] + proven["reserved"])
    if off and repairs:
        Offer.objects.filter(pk=offer_id).update(**{name: right for name, (_, right) in off.items()})
        audit.record(
            actor=SYSTEM,
            action="offers.reconcile",
            subject=offer,
            organization_id=offer.event.organization_id,
            changes={name: [wrong, right] for name, (wrong, right) in off.items()},
            now=now,
        )
    return [Finding("offer", offer_id, name, wrong, right, repairs) for name, (wrong, right) in off.items()]


def _fits(offer: Offer, units: int) -> bool:
    """Say whether the proven units fit the total: an oversale is shown, and people decide whom to refund."""
    return offer.inventory_total is None or units <= offer.inventory_total


def _purchases(offer_id: UUID | None, *, dry_run: bool, now: datetime) -> Iterator[Finding]:
    """Find units held for an order that holds nothing any more, and paid orders without any units."""
    purchases = Purchase.objects.select_related("order").order_by("pk")
    if offer_id is not None:
        purchases = purchases.filter(offer_id=offer_id)
    held = Q(reserved_units__gt=0) & ~Q(order__state__in=HOLDING_STATES)
    for purchase in purchases.filter(held):
        repaired = not dry_run and _release_stale(purchase.pk, now=now)
        yield Finding(
            "purchase", purchase.pk, "held for a closed order", purchase.reserved_units, 0, repaired
        )
    unpaid = Q(sold_units__gt=0) & ~Q(order__state=OrderState.PAID)
    for purchase in purchases.filter(unpaid):
        yield Finding("purchase", purchase.pk, "sold without payment", purchase.sold_units, 0, False)
    empty = Q(sold_units=0, returned_units=0, order__state=OrderState.PAID)
    for purchase in purchases.filter(empty):
        yield Finding("purchase", purchase.pk, "paid without units", 0, purchase.quantity, False)


def _places(offer_id: UUID | None, *, dry_run: bool, now: datetime) -> Iterator[Finding]:
    """Find places in a tier that are held for an upgrade of which no unit is held or sold any more."""
    open_upgrades = TierChange.objects.filter(status=TierChangeStatus.RESERVED).values("cause")
    ended = Purchase.objects.filter(pk__in=open_upgrades, reserved_units=0, sold_units=0).order_by("pk")
    if offer_id is not None:
        ended = ended.filter(offer_id=offer_id)
    for purchase in ended:
        repaired = not dry_run and _release_place(purchase.pk, now=now)
        yield Finding("purchase", purchase.pk, "place held for a closed order", 1, 0, repaired)


def _tiers(offer_id: UUID | None) -> list[UUID] | None:
    """Return the tier of one offer; None for all there are."""
    if offer_id is None:
        return None
    tiers = Offer.objects.filter(pk=offer_id).values_list("upgrade_to_tier_id", flat=True)
    return [tier_id for tier_id in tiers if tier_id is not None]


@transaction.atomic
def _release_place(purchase_id: UUID, *, now: datetime) -> bool:
    """Give back the place of an upgrade if its purchase still holds nothing; says whether it did."""
    purchase = lock_purchase(purchase_id)
    if purchase.reserved_units or purchase.sold_units:
        return False
    upgrades.release_upgrade(cause=purchase_id, now=now)
    return True


@transaction.atomic
def _release_stale(purchase_id: UUID, *, now: datetime) -> bool:
    """Give back what a purchase holds if its order is still closed, not paid; says whether it did."""
    purchase = lock_purchase(purchase_id)
    order = Order.objects.select_for_update().get(pk=purchase.order_id)
    if order.state in {*HOLDING_STATES, OrderState.PAID} or not purchase.reserved_units:
        return False
    OfferPurpose().release(order, now=now)
    return True

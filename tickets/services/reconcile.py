"""Proving the stock of tiers: sold is its valid tickets, reserved what holds a place (REQUIREMENTS PA-08).

Looking locks nothing; repairing looks again under the tiers' locks and changes only what is still off, so that
sales going on meanwhile are not mistaken for drift.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from common import audit
from common.db import retrying
from common.types import SYSTEM
from payments.models import HOLDING_STATES, Order, OrderState
from tickets.models import Ticket, TicketSale, TicketStatus, TicketTier, TierChange, TierChangeStatus
from tickets.services.purpose import TicketPurpose
from tickets.services.stock import lock_tiers

# Tiers repaired in one transaction: few locks at a time, however much is off.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was off: what, which number it had and should have, and whether it was put right.

    Every room that proves a stock tells what it finds in this shape.
    """

    subject: str
    subject_id: UUID
    what: str
    found: int
    proven: int
    repaired: bool


def _tickets() -> QuerySet[Any]:
    tickets = Ticket.objects.filter(status=TicketStatus.VALID)
    return tickets.order_by().values("tier_id").annotate(places=Count("pk"))


def _upgrades() -> QuerySet[Any]:
    changes = TierChange.objects.filter(status=TierChangeStatus.RESERVED)
    return changes.order_by().values(tier_id=F("to_tier_id")).annotate(places=Count("pk"))


def _holds() -> QuerySet[Any]:
    sales = TicketSale.objects.filter(reserved_units__gt=0)
    return sales.order_by().values("tier_id").annotate(places=Sum("reserved_units"))


# What a counter is the sum of: each gives rows of (tier_id, places). Whatever else comes to hold places of a
# tier adds its rows here, in the same change in which it begins to hold them.
PROOFS: dict[str, tuple[Callable[[], QuerySet[Any]], ...]] = {
    "sold": (_tickets,),
    "reserved": (_upgrades, _holds),
}


def reconcile_tiers(
    *, now: datetime, tier_ids: Sequence[UUID] | None = None, dry_run: bool = False
) -> list[Finding]:
    """Compare every tier (or these) with its tickets and reservations; put right what is off.

    A dry run only shows it. Where the proven places exceed the tier's total nothing is changed: people decide
    whom to move. Each repair is in the audit history. First come sales that hold tickets for an order that holds
    nothing any more, since they count.
    """
    findings = [*_stale_holds(tier_ids, dry_run=dry_run, now=now)]
    suspects = _suspects(tier_ids)
    if dry_run:
        tiers = list(TicketTier.objects.filter(pk__in=suspects).order_by("pk"))
        return [*findings, *_differences(tiers, repairs=False)]
    batches = (suspects[start : start + BATCH] for start in range(0, len(suspects), BATCH))
    return findings + [finding for batch in batches for finding in _repaired(batch, now)]


def _stale_holds(tier_ids: Sequence[UUID] | None, *, dry_run: bool, now: datetime) -> Iterator[Finding]:
    """Find tickets held for an order that is closed, and give them back."""
    sales = TicketSale.objects.filter(reserved_units__gt=0).exclude(order__state__in=HOLDING_STATES)
    if tier_ids is not None:
        sales = sales.filter(tier_id__in=tier_ids)
    for sale in sales.order_by("pk"):
        repaired = not dry_run and _released(sale.pk, now=now)
        yield Finding("ticket sale", sale.pk, "held for a closed order", sale.reserved_units, 0, repaired)


@retrying
@transaction.atomic
def _released(sale_id: UUID, *, now: datetime) -> bool:
    """Give back what a sale holds if its order is still closed, not paid; says whether it did."""
    purpose = TicketPurpose()
    purpose.lock(sale_id)
    sale = TicketSale.objects.get(pk=sale_id)
    order = Order.objects.select_for_update().get(pk=sale.order_id)
    if order.state in {*HOLDING_STATES, OrderState.PAID} or not sale.reserved_units:
        return False
    purpose.release(order, now=now)
    return True


def _suspects(tier_ids: Sequence[UUID] | None) -> list[UUID]:
    """Return the tiers with a counter that is not the sum of its rows, by one statement."""
    tiers = TicketTier.objects.all() if tier_ids is None else TicketTier.objects.filter(pk__in=tier_ids)
    off = Q()
    for name, sources in PROOFS.items():
        sums = [_sum_of(source) for source in sources]
        tiers = tiers.annotate(**{f"proven_{name}": sum(sums[1:], start=sums[0])})
        off |= ~Q(**{name: F(f"proven_{name}")})
    return list(tiers.filter(off).order_by("pk").values_list("pk", flat=True))


def _sum_of(source: Callable[[], QuerySet[Any]]) -> Any:
    rows = source().filter(tier_id=OuterRef("pk")).values("places")
    return Coalesce(Subquery(rows, output_field=IntegerField()), 0)


@retrying
@transaction.atomic
def _repaired(tier_ids: Sequence[UUID], now: datetime) -> list[Finding]:
    # The recount is a statement of its own, begun after the locks were had: it sees what rivals committed.
    tiers = list(lock_tiers(*tier_ids).values())
    findings = [*_differences(tiers, repairs=True)]
    right: dict[UUID, dict[str, Finding]] = {}
    for finding in findings:
        if finding.repaired:
            right.setdefault(finding.subject_id, {})[finding.what] = finding
    changed = [tier for tier in tiers if tier.pk in right]
    organizations = dict(TicketTier.objects.filter(pk__in=right).values_list("pk", "event__organization_id"))
    for tier in changed:
        for name, finding in right[tier.pk].items():
            setattr(tier, name, finding.proven)
        audit.record(
            actor=SYSTEM,
            action="tickets.reconcile",
            subject=tier,
            organization_id=organizations[tier.pk],
            changes={name: [one.found, one.proven] for name, one in right[tier.pk].items()},
            now=now,
        )
    TicketTier.objects.bulk_update(changed, [*PROOFS])
    return findings


def _differences(tiers: Sequence[TicketTier], *, repairs: bool) -> Iterator[Finding]:
    """Say of each tier which counters are off, and whether the proven ones fit its total."""
    proven = {name: _recounted(sources, tiers) for name, sources in PROOFS.items()}
    for tier in tiers:
        places = {name: counted.get(tier.pk, 0) for name, counted in proven.items()}
        fits = tier.inventory_total is None or sum(places.values()) <= tier.inventory_total
        for name, right in places.items():
            found = getattr(tier, name)
            if found != right:
                yield Finding("tier", tier.pk, name, found, right, repairs and fits)


def _recounted(
    sources: Sequence[Callable[[], QuerySet[Any]]], tiers: Sequence[TicketTier]
) -> dict[UUID, int]:
    counted: dict[UUID, int] = {}
    for source in sources:
        for row in source().filter(tier_id__in=[tier.pk for tier in tiers]):
            counted[row["tier_id"]] = counted.get(row["tier_id"], 0) + row["places"]
    return counted

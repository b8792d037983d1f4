"""The first screen of the admin: what came in, what waits for a person, what runs low.

A fixed number of queries, however much there is.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin import site
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, Q, QuerySet, Sum, When
from django.http import HttpRequest
from django.urls import reverse

from accounts.scope import scope_of
from accounts.types import Capability
from common import clock
from common.admin.times import time_words
from common.money import Money, format_money
from common.outbox.models import Job
from common.outbox.types import JobStatus
from common.schedules.services import standings
from events.models import Event
from offers.models import Fulfillment, FulfillmentStatus, Offer, OfferType
from payments.models import HOLDING_STATES, LedgerEntry, LedgerKind, Order

_RECENT = 8
_LOW_STOCK = 8
_REVENUE_DAYS = 30
_EVENTS = 6
_REFUNDED = (LedgerKind.REFUND, LedgerKind.REFUND_FAILED)
_DISPUTED = (LedgerKind.DISPUTE_WITHDRAWN, LedgerKind.DISPUTE_REINSTATED)


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures of the member's organizations to the index page (unfold calls this)."""
    # Each part shows the organizations in which the member may see it.
    where = scope_of(request).organizations
    since = clock.now() - timedelta(days=_REVENUE_DAYS)
    context["dashboard"] = {
        "days": _REVENUE_DAYS,
        "revenue": _revenue(where(Capability.VIEW_ANALYTICS), since),
        "todo": _todo(request),
        "orders": _recent_orders(where(Capability.VIEW_ORDERS)),
        "sees_orders": scope_of(request).has(Capability.VIEW_ORDERS),
        "stock": _low_stock(where(Capability.VIEW_ADMIN)),
        "events": _events(where(Capability.VIEW_ANALYTICS)),
    }
    return context


def _scoped(rows: QuerySet[Any], path: str, scope: set[UUID] | None) -> QuerySet[Any]:
    return rows if scope is None else rows.filter(**{f"{path}__in": scope})


def _revenue(scope: set[UUID] | None, since: Any) -> list[dict[str, Any]]:
    """Money that came and went, from the ledger, each currency by itself: ``gross`` without ``less`` is ``net``."""
    sums = (
        _scoped(LedgerEntry.objects.filter(occurred_at__gte=since), "order__organization_id", scope)
        .values("currency")
        .annotate(
            gross=Sum("amount", filter=Q(kind=LedgerKind.CHARGE), default=0),
            back=Sum("amount", filter=Q(kind__in=_REFUNDED), default=0),
            disputed=Sum("amount", filter=Q(kind__in=_DISPUTED), default=0),
            fees=Sum("amount", filter=Q(kind=LedgerKind.FEE), default=0),
            net=Sum("amount", default=0),
            charges=Count("id", filter=Q(kind=LedgerKind.CHARGE)),
        )
        .order_by("currency")
    )
    return [
        {
            "gross": format_money(Money(row["gross"], row["currency"])),
            "less": [
                f"{format_money(Money(-row[name], row['currency']))} {words}"
                for name, words in (("back", "refunded"), ("disputed", "disputed"), ("fees", "Stripe's fees"))
                if row[name]
            ],
            "net": format_money(Money(row["net"], row["currency"])),
            "charges": row["charges"],
        }
        for row in sums
    ]


def _todo(request: HttpRequest) -> list[dict[str, Any]]:
    """What waits for a person, with the screen where it is done. What they may not open is not counted either."""
    screens = {
        f"{model._meta.app_label}_{model._meta.model_name}": one for model, one in site._registry.items()
    }
    where = scope_of(request).organizations
    # The screens of what is owed are one screen's kinds: who may open one opens all.
    counted: tuple[tuple[str, Callable[[], list[dict[str, Any]]]], ...] = (
        ("offers_fulfillment", lambda: _owed(where(Capability.VIEW_ORDERS))),
        ("payments_order", lambda: _money_in_question(where(Capability.VIEW_ORDERS))),
        ("common_deadletter", lambda: _dead_letters(where(Capability.DEAD_LETTERS))),
        ("django_celery_beat_periodictask", _schedules),
    )
    return [
        task for screen, tasks in counted if screens[screen].has_view_permission(request) for task in tasks()
    ]


def _owed(scope: set[UUID] | None) -> list[dict[str, Any]]:
    waiting = _scoped(
        Fulfillment.objects.filter(status__in=[FulfillmentStatus.PENDING_MANUAL, FulfillmentStatus.FAILED]),
        "offer__event__organization_id",
        scope,
    ).aggregate(
        parcels=Count("id", filter=Q(status="PENDING_MANUAL", offer__offer_type=OfferType.MERCHANDISE)),
        appointments=Count("id", filter=Q(status="PENDING_MANUAL", offer__offer_type=OfferType.SERVICE)),
        failed=Count("id", filter=Q(status="FAILED")),
    )
    return [
        _task("Parcels to send", waiting["parcels"], "offers_merchandisefulfillment"),
        _task("Appointments to set", waiting["appointments"], "offers_servicefulfillment"),
        _task("Failed fulfilments", waiting["failed"], "offers_fulfillment", status__exact="FAILED"),
    ]


def _money_in_question(scope: set[UUID] | None) -> list[dict[str, Any]]:
    # Closed ones keep their reason; what waits still holds units.
    is_quarantined = ~Q(quarantine_reason="") & Q(state__in=HOLDING_STATES)
    orders = _scoped(Order.objects.order_by(), "organization_id", scope)
    money = orders.aggregate(
        disputed=Count("id", filter=Q(is_disputed=True)), quarantined=Count("id", filter=is_quarantined)
    )
    return [
        _task("Disputed orders", money["disputed"], "payments_order", trouble="disputed"),
        _task("Quarantined payments", money["quarantined"], "payments_order", trouble="quarantined"),
    ]


def _dead_letters(scope: set[UUID] | None) -> list[dict[str, Any]]:
    dead = _scoped(Job.objects.filter(status=JobStatus.DEAD), "organization_id", scope).count()
    return [_task("Dead letters", dead, "common_deadletter")]


def _schedules() -> list[dict[str, Any]]:
    """What runs by the clock belongs to no organization: operators alone see it."""
    wrong = sum(1 for one in standings(now=clock.now()) if one.late_seconds or one.failures)
    return [_task("Schedules late or failing", wrong, "django_celery_beat_periodictask")]


def _task(label: str, count: int, screen: str, **filters: str) -> dict[str, Any]:
    """Describe a card that leads to the rows it counts."""
    link = reverse(f"admin:{screen}_changelist")
    link = f"{link}?{urlencode(filters)}" if filters else link
    return {"label": label, "count": count, "link": link}


def _recent_orders(scope: set[UUID] | None) -> list[dict[str, Any]]:
    orders = _scoped(Order.objects.select_related("buyer", "event"), "organization_id", scope)[:_RECENT]
    return [
        {
            "number": order.number,
            "link": reverse("admin:payments_order_change", args=[order.pk]),
            "title": f"{order.quantity} × {order.title}",
            "buyer": order.buyer.email,
            "total": format_money(order.total),
            "status": order.status.label,
        }
        for order in orders
    ]


def _events(scope: set[UUID] | None) -> list[dict[str, str]]:
    """Events with their consoles: those that go on or come, the next first; then those that ended, the latest first."""
    now = clock.now()
    events = _scoped(Event.objects.all(), "organization_id", scope).annotate(
        is_over=ExpressionWrapper(Q(ends_at__lte=now), output_field=BooleanField()),
        distance=Case(When(ends_at__lte=now, then=now - F("ends_at")), default=F("starts_at") - now),
    )
    return [
        {
            "title": event.title,
            "link": reverse("admin:analytics_event_dashboard", args=[event.pk]),
            "starts": time_words(event.starts_at, event.zone),
        }
        for event in events.order_by("is_over", "distance", "pk")[:_EVENTS]
    ]


def _low_stock(scope: set[UUID] | None) -> list[dict[str, Any]]:
    """Offers on sale with limited stock, the fullest first."""
    taken = F("sold") + F("reserved")
    offers = (
        _scoped(Offer.objects.select_related("event"), "event__organization_id", scope)
        .filter(is_active=True, is_archived=False, inventory_total__isnull=False)
        .annotate(taken=taken)
        .order_by(F("inventory_total") - taken, "title")[:_LOW_STOCK]
    )
    return [
        {
            "title": offer.title,
            "event": offer.event.title,
            "link": reverse("admin:offers_offer_change", args=[offer.pk]),
            "total": offer.inventory_total,
            "taken": offer.taken,
            "left": offer.inventory_total - offer.taken,
            "percent": round(100 * offer.taken / offer.inventory_total),
        }
        for offer in offers
    ]

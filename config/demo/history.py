"""A month of past sales, so that screens have something to show.

The payments are put into the sandbox first and read back through the payments gateway, so ids, fees and
amounts here are what Stripe's side says: ``reconcile_payments`` and ``reconcile_inventory`` find nothing off.
No job and no e-mail comes of them.
"""

from datetime import datetime, timedelta
from typing import Any

import requests
from django.conf import settings
from django.db import transaction

from config.demo.people import People
from config.demo.sales import Sale, invented
from offers.models import Fulfillment, FulfillmentStatus, Offer, OfferType, Purchase
from offers.services import names
from payments import gateway
from payments.gateway.views import SessionView
from payments.models import (
    LedgerEntry,
    LedgerKind,
    Order,
    OrderState,
    Payment,
    PaymentStatus,
    Refund,
    RefundOrigin,
    RefundStatus,
)
from payments.services.numbers import new_number

_TIMEOUT_SECONDS = 20


class SandboxAway(Exception):
    """The sandbox does not answer, so the past payments cannot be put there."""


def seed_history(people: People, offers: dict[str, Offer], *, now: datetime) -> int:
    """Record the past sales that are missing; return how many. Raises ``SandboxAway``."""
    sales = invented(people, offers, now)
    known = set(
        Order.objects.filter(pk__in=[sale.id("order") for sale in sales]).values_list("pk", flat=True)
    )
    missing = [sale for sale in sales if sale.id("order") not in known]
    if known or not missing:
        # Times are counted from the first seeding: the rest of a later one would not fit.
        return 0
    _tell_the_sandbox(missing)
    sessions = {sale.number: gateway.retrieve_session(sale.stripe_id("cs_test")) for sale in missing}
    with transaction.atomic():
        _record(missing, sessions)
    return len(missing)


def _tell_the_sandbox(sales: list[Sale]) -> None:
    try:
        answer = requests.post(
            f"{settings.STRIPE_API_BASE}/_sandbox/import",
            json={"sessions": [_session(sale) for sale in sales]},
            timeout=_TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        raise SandboxAway from error


def _session(sale: Sale) -> dict[str, Any]:
    created = int(sale.at.timestamp())
    refunds = []
    if sale.is_refunded:
        ours = {"order_id": str(sale.id("order")), "refund_id": str(sale.id("refund"))}
        refunds = [
            {"id": sale.stripe_id("re"), "amount": sale.amount, "created": created + 86_400, "metadata": ours}
        ]
    return {
        "id": sale.stripe_id("cs_test"),
        "payment_intent": sale.stripe_id("pi"),
        "charge": sale.stripe_id("ch"),
        "created": created,
        "amount_total": sale.amount,
        "currency": sale.offer.currency.lower(),
        "client_reference_id": str(sale.id("order")),
        "customer_email": sale.buyer.email,
        "metadata": {
            "order_id": str(sale.id("order")),
            "payment_id": str(sale.id("payment")),
            "purpose": names.PURPOSE,
        },
        "line_items": [
            {
                "description": sale.offer.title,
                "quantity": sale.quantity,
                "unit_amount": sale.offer.price_amount,
            }
        ],
        "refunds": refunds,
    }


def _record(sales: list[Sale], sessions: dict[int, SessionView]) -> None:
    Order.objects.bulk_create([_order(sale) for sale in sales])
    Payment.objects.bulk_create([_payment(sale, sessions[sale.number]) for sale in sales])
    refunded = [sale for sale in sales if sale.is_refunded]
    Refund.objects.bulk_create([_refund(sale) for sale in refunded])
    LedgerEntry.objects.bulk_create(
        [entry for sale in sales for entry in _ledger(sale, sessions[sale.number])]
    )
    Purchase.objects.bulk_create([_purchase(sale) for sale in sales])
    Fulfillment.objects.bulk_create([_fulfillment(sale) for sale in sales])
    for offer in {sale.offer.pk: sale.offer for sale in sales}.values():
        offer.sold += sum(
            sale.quantity for sale in sales if sale.offer.pk == offer.pk and not sale.is_refunded
        )
        offer.save(update_fields=["sold"])


def _order(sale: Sale) -> Order:
    return Order(
        id=sale.id("order"),
        number=new_number(),
        organization_id=sale.offer.event.organization_id,
        event_id=sale.offer.event_id,
        buyer=sale.buyer,
        purpose=names.PURPOSE,
        purpose_id=sale.id("purchase"),
        title=sale.offer.title,
        quantity=sale.quantity,
        unit_amount=sale.offer.price_amount,
        amount=sale.amount,
        currency=sale.offer.currency,
        state=OrderState.PAID,
        paid_amount=sale.amount,
        refunded_amount=sale.amount if sale.is_refunded else 0,
        created_at=sale.at,
        paid_at=sale.at,
    )


def _payment(sale: Sale, session: SessionView) -> Payment:
    charge = session.intent.charge if session.intent else None
    if charge is None:
        raise LookupError(f"The sandbox has no charge for {session.id}")
    return Payment(
        id=sale.id("payment"),
        order_id=sale.id("order"),
        status=PaymentStatus.REFUNDED if sale.is_refunded else PaymentStatus.SUCCEEDED,
        amount=sale.amount,
        paid_amount=sale.amount,
        currency=sale.offer.currency,
        idempotency_key=f"session-{sale.id('payment')}",
        session_id=session.id,
        session_expires_at=session.expires_at,
        payment_intent_id=session.payment_intent_id,
        charge_id=charge.id,
        method_type=charge.method_type,
        brand=charge.brand,
        last4=charge.last4,
        created_at=sale.at,
        succeeded_at=sale.at,
    )


def _refund(sale: Sale) -> Refund:
    at = sale.at + timedelta(days=1)
    return Refund(
        id=sale.id("refund"),
        order_id=sale.id("order"),
        payment_id=sale.id("payment"),
        amount=sale.amount,
        currency=sale.offer.currency,
        status=RefundStatus.SUCCEEDED,
        origin=RefundOrigin.STAFF,
        reason="Ordered by mistake",
        restock_units=sale.quantity,
        units_returned=sale.quantity,
        stripe_refund_id=sale.stripe_id("re"),
        created_at=at,
        settled_at=at,
    )


def _ledger(sale: Sale, session: SessionView) -> list[LedgerEntry]:
    charge = session.intent.charge if session.intent else None
    if charge is None:
        raise LookupError(f"The sandbox has no charge for {session.id}")
    entries = [(LedgerKind.CHARGE, charge.id, charge.amount, sale.at)]
    if charge.fee and charge.balance_transaction_id:
        entries.append((LedgerKind.FEE, charge.balance_transaction_id, -charge.fee, sale.at))
    if sale.is_refunded:
        entries.append((LedgerKind.REFUND, sale.stripe_id("re"), -sale.amount, sale.at + timedelta(days=1)))
    return [
        LedgerEntry(
            order_id=sale.id("order"),
            payment_id=sale.id("payment"),
            kind=kind,
            amount=amount,
            currency=sale.offer.currency,
            stripe_id=stripe_id,
            occurred_at=at,
            recorded_at=at,
        )
        for kind, stripe_id, amount, at in entries
    ]


def _purchase(sale: Sale) -> Purchase:
    return Purchase(
        id=sale.id("purchase"),
        offer=sale.offer,
        event_id=sale.offer.event_id,
        user=sale.buyer,
        order_id=sale.id("order"),
        quantity=sale.quantity,
        sold_units=0 if sale.is_refunded else sale.quantity,
        returned_units=sale.quantity if sale.is_refunded else 0,
        created_at=sale.at,
        purchased_at=sale.at,
    )


def _fulfillment(sale: Sale) -> Fulfillment:
    done = Fulfillment(
        id=sale.id("fulfillment"), purchase_id=sale.id("purchase"), offer=sale.offer, created_at=sale.at
    )
    if sale.is_refunded:
        done.status = FulfillmentStatus.CANCELLED
        return done
    if sale.is_waiting:
        done.status = FulfillmentStatus.PENDING_MANUAL
        return done
    done.status = FulfillmentStatus.FULFILLED
    done.fulfilled_at = sale.at + timedelta(hours=20)
    if sale.offer.offer_type == OfferType.MERCHANDISE:
        done.carrier, done.tracking_number = "DHL", f"JD{sale.number:010d}"
    else:
        done.access_code = f"PAST-{sale.id('code').hex[:12].upper()}"
        done.access_url = sale.offer.content_url
    return done

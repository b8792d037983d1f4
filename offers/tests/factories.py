"""Offers for tests: ``make_offer(units=2)``, and the doors they are sold at: ``shop = Door(client)``."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.test import Client

from accounts.models import User
from accounts.tests.factories import bearer, make_user
from common import clock
from common.outbox.testing import run_due
from events.models import Event
from events.tests.factories import make_event
from offers.models import Offer, OfferType, Purchase
from payments.models import Order
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_tier

_numbers = itertools.count(1)


def make_offer(
    *,
    units: int | None = None,
    price: int = 1999,
    event: Event | None = None,
    kind: str = OfferType.EXCLUSIVE_CONTENT,
    now: datetime | None = None,
    **fields: Any,
) -> Offer:
    """Create an offer on sale, 19.99 a unit; without units it is unlimited."""
    event, now = event or make_event(), now or clock.now()
    given = {
        "title": f"Offer {next(_numbers)}",
        "currency": event.currency,
        "created_at": now - timedelta(days=1),
        "updated_at": now - timedelta(days=1),
    }
    return Offer.objects.create(
        event=event, offer_type=kind, inventory_total=units, price_amount=price, **{**given, **fields}
    )


def make_upgrade(*, places: int | None = None, **fields: Any) -> tuple[Offer, TicketTier]:
    """Create an upgrade from Standard to VIP, and return it with the Standard tier."""
    event = fields.pop("event", None) or make_event()
    standard = make_tier(event=event, price_amount=5000)
    vip = make_tier(event=event, priority="VIP", price_amount=20000, units=places)
    offer = make_offer(event=event, kind=OfferType.TICKET_UPGRADE, upgrade_to_tier=vip, **fields)
    return offer, standard


def give(offer: Offer, user: User, *, quantity: int = 1, held: bool = False) -> Purchase:
    """Give somebody units of an offer, sold and paid, or held unpaid, without going through Stripe."""
    now = clock.now()
    purchase_id, total = uuid4(), quantity * offer.price_amount
    order = Order.objects.create(
        number=f"T-{purchase_id.hex[:12]}", organization=offer.event.organization, event=offer.event,
        buyer=user, purpose="offer", purpose_id=purchase_id, title=offer.title, quantity=quantity,
        unit_amount=offer.price_amount, amount=total, currency=offer.currency,
        state="open" if held else "paid", paid_amount=0 if held else total,
        paid_at=None if held else now, hold_expires_at=now + timedelta(minutes=15), created_at=now,
    )  # fmt: skip
    purchase = Purchase.objects.create(
        id=purchase_id, offer=offer, event=offer.event, user=user, order=order, quantity=quantity,
        reserved_units=quantity if held else 0, sold_units=0 if held else quantity,
        purchased_at=None if held else now, created_at=now,
    )  # fmt: skip
    name = "reserved" if held else "sold"
    Offer.objects.filter(pk=offer.pk).update(**{name: getattr(offer, name) + quantity})
    offer.refresh_from_db()
    return purchase


class Door:
    """REST as one person uses it."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user or make_user()
        self.client = Client(headers=bearer(self.user))

    def buy(self, offer: Offer, *, key: str | None = None, quantity: int = 1, **body: Any) -> Any:
        """Purchase an offer."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.client.post(
            f"/api/v1/offers/{offer.pk}/purchase", {"quantity": quantity, **body},
            content_type="application/json", headers=headers,
        )  # fmt: skip

    def get(self, path: str) -> Any:
        """Read something."""
        return self.client.get(f"/api/v1/{path}")

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Write something."""
        call = getattr(self.client, method)
        return call(f"/api/v1/{path}", body or {}, content_type="application/json")


def pay(sandbox: SandboxProcess, session_id: str) -> None:
    """Pay a session on Stripe's hosted page."""
    sandbox.control(f"sessions/{session_id}/pay")


def settle(sandbox: SandboxProcess, answer: dict[str, Any], door: Door) -> None:
    """Pay what was bought and come back to the return page; then work everything that is due."""
    pay(sandbox, answer["checkout_session_id"])
    response = door.send("post", f"orders/{answer['order']['id']}/return")
    assert response.status_code == 200, response.content
    run_due()


def stock(offer: Offer) -> tuple[int, int]:
    """Return how many units are reserved and how many are sold."""
    offer.refresh_from_db()
    return offer.reserved, offer.sold

"""A whole market for tests: an event with offers of every kind, its buyers and staff, and Stripe to act at.

Time passes by making everything that exists older, with us as at Stripe, so that both keep telling one time.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import requests
from django.apps import apps
from django.db.models import DateTimeField, F
from django.test import Client

from accounts.models import User
from accounts.services.access import actor_of
from accounts.tests.factories import make_membership, make_user
from common import clock
from common.errors import Failure
from common.outbox import Lane, finish
from common.outbox.testing import run_due
from common.outbox.worker import Worker
from common.types import Actor
from events.models import Event
from events.tests.factories import make_event
from offers.models import Fulfillment, Offer, OfferType, Purchase
from offers.services import staff_fulfilment
from offers.services.purchase import purchase_offer
from offers.tests.factories import make_offer
from offers.types import PurchaseOffer
from payments import gateway
from payments.models import Order, Payment
from sandbox.testing import SandboxFailed, SandboxProcess
from tickets.models import TicketTier
from tickets.tests.factories import make_ticket, make_tier

_WEBHOOKS: Final = "/api/v1/webhooks/stripe/offers"
_AGING: Final = frozenset({"payments", "offers", "tickets", "common"})
# Never a state of things: what has to be tried again has no place in a test without rivals.
_FORBIDDEN: Final = frozenset({"busy", "rate_limited"})


class _PowerCut(BaseException):
    """Nothing that a worker could catch."""


def _cut(*_: object) -> None:
    raise _PowerCut


@contextmanager
def refusable() -> Iterator[None]:
    """Let an act be refused, by us or by Stripe; anything else that goes wrong is a defect."""
    try:
        yield
    except Failure as failure:
        if failure.code in _FORBIDDEN:
            raise
    except SandboxFailed:
        return


@dataclass
class Market:
    """Six offers, two buyers (the second with two tickets), an owner; all tickets of Standard are taken."""

    stripe: SandboxProcess
    event: Event = field(default_factory=make_event)
    client: Client = field(default_factory=Client)
    buyers: list[User] = field(default_factory=lambda: [make_user(), make_user()])
    wishes: list[PurchaseOffer] = field(default_factory=list)
    # Which purchases each idempotency key made, and the orders whose hold somebody took by force.
    made: dict[str, set[UUID]] = field(default_factory=dict)
    robbed: set[UUID] = field(default_factory=set)
    bag: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stripe.control("reset")
        self.calm()
        organization = self.event.organization
        self.owner: Actor = actor_of(make_membership("owner", organization=organization).user)
        self.standard = make_tier(event=self.event, price_amount=5000, units=3)
        self.premium = make_tier(event=self.event, priority="PREMIUM", price_amount=9000, units=2)
        self.vip = make_tier(event=self.event, priority="VIP", price_amount=20000, units=1)
        first, second = self.buyers
        self.tickets = [make_ticket(holder=who, tier=self.standard) for who in (first, second, second)]
        self.offers = self._offers()

    def _offers(self) -> list[Offer]:
        upgrade = OfferType.TICKET_UPGRADE
        return [
            make_offer(event=self.event, units=3, per_user_limit=2),
            make_offer(event=self.event, units=2, price=0),
            make_offer(event=self.event, units=3, kind=OfferType.MERCHANDISE),
            make_offer(event=self.event, units=None, kind=OfferType.SERVICE),
            make_offer(event=self.event, units=3, kind=upgrade, upgrade_to_tier=self.premium),
            make_offer(event=self.event, units=3, kind=upgrade, upgrade_to_tier=self.vip),
        ]

    @property
    def tiers(self) -> list[TicketTier]:
        """The tiers as they are now."""
        return list(TicketTier.objects.filter(event=self.event).order_by("sort_order", "name"))

    def orders(self) -> list[Order]:
        """All orders, the first made first."""
        return list(Order.objects.filter(event=self.event).order_by("created_at", "pk"))

    def calm(self) -> None:
        """Take back every fault."""
        self.stripe.control("faults", reset=True)
        gateway.breaker.reset()

    @contextmanager
    def troubled(self, fault: str | None, path: str) -> Iterator[None]:
        """Let Stripe have a fault in what is posted to this path."""
        if fault:
            # A cut is felt after the library's own two repetitions.
            times = 3 if fault.startswith("cut") else 1
            self.stripe.control("faults", api=fault, times=times, path_prefix=path, method="POST")
        try:
            yield
        finally:
            self.calm()

    def wish(self, offer: Offer, number: int, *, quantity: int) -> PurchaseOffer:
        """Make up a wish with a key of its own; an upgrade names one of the buyer's tickets."""
        ticket = None
        if offer.offer_type == OfferType.TICKET_UPGRADE:
            ticket, quantity = self.tickets[number % len(self.tickets)], 1
        buyer = self.buyers[number % 2] if ticket is None else ticket.holder
        wish = PurchaseOffer(
            offer_id=offer.pk, quantity=quantity, buyer_id=buyer.pk, buyer_email=buyer.email,
            ticket_id=None if ticket is None else ticket.pk, key=f"key-{len(self.wishes)}",
        )  # fmt: skip
        self.wishes.append(wish)
        return wish

    def buy(self, wish: PurchaseOffer, fault: str | None = None) -> None:
        """Send a wish, perhaps again, perhaps with Stripe in trouble; remember what its key made."""
        with self.remembered(wish), self.troubled(fault, "/v1/checkout/sessions"), refusable():
            purchase_offer(wish, now=clock.now())

    @contextmanager
    def remembered(self, wish: PurchaseOffer) -> Iterator[None]:
        """Note the purchases that come to be in this block under the wish's key."""
        before = set(Purchase.objects.values_list("pk", flat=True))
        yield
        new = set(Purchase.objects.values_list("pk", flat=True)) - before
        self.made.setdefault(str(wish.key), set()).update(new)

    def intent_of(self, order: Order) -> str | None:
        """Return the PaymentIntent by which the order was paid, as far as we know it."""
        paid = Payment.objects.filter(order=order).exclude(payment_intent_id=None).first()
        return None if paid is None else paid.payment_intent_id

    def sessions(self) -> list[dict[str, Any]]:
        """List Stripe's sessions, also those whose creation nobody saw end; the oldest first."""
        return self._listed("checkout/sessions")

    def collect(self) -> list[str]:
        """Put events that nobody has delivered into the bag, and return it."""
        fresh = [event["id"] for event in self._listed("events") if event["id"] not in self.seen]
        self.seen.update(fresh)
        self.bag.extend(fresh)
        return self.bag

    def deliver(self, event_id: str) -> None:
        """Deliver one webhook as Stripe does, freshly signed."""
        signed = self.stripe.control(f"events/{event_id}/signed")
        answer = self.client.post(
            _WEBHOOKS, signed["body"], content_type="application/json",
            headers={"Stripe-Signature": signed["stripe_signature"]},
        )  # fmt: skip
        assert answer.status_code == 200, answer.content

    def work(self, fault: str | None = None) -> None:
        """Work the money lane; the fault strikes what refunds are asked for."""
        with self.troubled(fault, "/v1/refunds"):
            run_due(None, [Lane.MONEY])

    def die_at_work(self) -> None:
        """Work one due job of the money lane and lose the worker: its acts are done, the job is not marked.

        Another worker has it when the lease is over.
        """
        with pytest.MonkeyPatch.context() as power:
            power.setattr(finish, "done", _cut)
            with suppress(_PowerCut):
                Worker(Lane.MONEY).drain(1)

    def lend_hands(self) -> None:
        """Let staff send and appoint what waits for them."""
        for waiting in Fulfillment.objects.filter(status="PENDING_MANUAL").select_related("offer"):
            purchase, now = waiting.purchase_id, clock.now()
            with refusable():
                if waiting.offer.offer_type == OfferType.MERCHANDISE:
                    parcel = {"carrier": "DHL", "tracking_number": "1"}
                    staff_fulfilment.ship(self.owner, purchase, **parcel, now=now)
                else:
                    soon = now + timedelta(days=1)
                    staff_fulfilment.set_appointment(self.owner, purchase, appointment_at=soon, now=now)

    def pass_time(self, by: timedelta) -> None:
        """Make all that exists older."""
        self.stripe.control("clock", advance_seconds=round(by.total_seconds()))
        for model in apps.get_models():
            meta = model._meta
            if meta.app_label not in _AGING or meta.proxy or meta.model_name == "auditentry":
                continue
            moments = [one.attname for one in meta.concrete_fields if isinstance(one, DateTimeField)]
            if moments:
                model._default_manager.update(**{name: F(name) - by for name in moments})

    def _listed(self, what: str) -> list[dict[str, Any]]:
        answer = requests.get(
            f"{self.stripe.base_url}/v1/{what}?limit=100", auth=("sk_test_market", ""), timeout=30
        )
        found: list[dict[str, Any]] = answer.json()["data"]
        return found[::-1]

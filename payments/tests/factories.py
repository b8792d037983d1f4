"""Shops and orders for tests: ``shop = make_shop(units=2)``, ``order = buy(shop, quantity=1)``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import Organization, User
from accounts.tests.factories import make_organization, make_user
from common import clock
from common.money import Money
from common.outbox import Lane
from common.outbox.testing import run_due
from events.models import Event
from payments.models import Order
from payments.services.checkout import open_checkout
from payments.services.orders import check_amount, create_order
from payments.tests.goods import Goods
from payments.types import CheckoutOpened, NewOrder
from sandbox.testing import SandboxProcess
from tickets.models import TicketTier

PRICE = Money(1999, "USD")


@dataclass
class Shop:
    """Something to buy, with its stock."""

    goods: Goods
    tier: TicketTier
    organization: Organization
    event: Event
    price: Money = PRICE
    allows_delayed: bool = False
    buyer: User = field(default_factory=make_user)

    def stock(self) -> tuple[int, int]:
        """Return how many units are reserved and how many are sold."""
        self.tier.refresh_from_db()
        return self.tier.reserved, self.tier.sold


def make_shop(
    goods: Goods,
    *,
    units: int = 5,
    price: Money = PRICE,
    allows_delayed: bool = False,
    now: datetime | None = None,
) -> Shop:
    """Create an event with so many units of one thing to sell."""
    start = now or clock.now()
    organization = make_organization()
    event = Event.objects.create(
        organization=organization,
        slug=f"event-{uuid4().hex[:8]}",
        title="Conference",
        currency=price.currency,
        starts_at=start + timedelta(days=1),
        ends_at=start + timedelta(days=2),
    )
    tier = TicketTier.objects.create(
        event=event, name="Goods", inventory_total=units, price_amount=price.amount, currency=price.currency
    )
    return Shop(goods, tier, organization, event, price, allows_delayed)


@contextmanager
def row_held(row: Model) -> Iterator[None]:
    """Hold a row's lock on another connection, and let this one lose the race for it after 50 ms each time."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        yield
    finally:
        other.rollback()
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def place(shop: Shop, *, quantity: int = 1, now: datetime | None = None, buyer: User | None = None) -> Order:
    """Reserve the units and write the order in one transaction, as a selling room does."""
    purpose_id, person = uuid4(), buyer or shop.buyer
    shop.goods.tier_of[purpose_id] = shop.tier.pk
    check_amount(shop.price, quantity)
    with transaction.atomic():
        shop.goods.lock(purpose_id)
        shop.goods.reserve(purpose_id, quantity)
        return create_order(new_order(shop, purpose_id, quantity, person), now=now or clock.now())


def new_order(shop: Shop, purpose_id: UUID, quantity: int, buyer: User) -> NewOrder:
    """Build the command as a selling room builds it."""
    known = shop.goods.listed[-1] if shop.goods.listed else {}
    return NewOrder(
        order_id=uuid4(),
        purpose="goods",
        purpose_id=purpose_id,
        organization_id=shop.organization.pk,
        event_id=shop.event.pk,
        buyer_id=buyer.pk,
        buyer_email=buyer.email,
        title="Backstage video",
        quantity=quantity,
        unit=shop.price,
        reference=f"goods:{shop.tier.pk}",
        success_url="https://front.test/orders/done",
        cancel_url="https://front.test/orders/cancelled",
        known_product_id=known.get("product_id", ""),
        known_price_id=known.get("price_id", "") if known.get("unit_amount") == shop.price.amount else "",
        allows_delayed=shop.allows_delayed,
    )


def buy(shop: Shop, *, quantity: int = 1, now: datetime | None = None) -> tuple[Order, CheckoutOpened]:
    """Place an order and open its checkout."""
    order = place(shop, quantity=quantity, now=now)
    opened = open_checkout(order.pk, now=now or clock.now())
    order.refresh_from_db()
    return order, opened


def pay(sandbox: SandboxProcess, opened: CheckoutOpened) -> None:
    """Pay on Stripe's page."""
    sandbox.control(f"sessions/{opened.checkout_session_id}/pay")


def work_money(now: datetime | None = None) -> int:
    """Work what is due in the money lane."""
    return run_due(now, [Lane.MONEY])

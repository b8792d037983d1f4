"""Buying an offer: what its room adds to ``payments.services.buying``, where keys, limits and the checkout are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common import idempotency
from common.errors import Failure
from common.requests import bind
from offers.errors import OfferUnavailable
from offers.models import Purchase
from offers.services import names
from offers.services.conditions import check_quantity
from offers.services.reservation import reserve_purchase
from offers.types import PurchaseOffer
from payments.models import Order
from payments.services.buying import buy
from payments.types import PurchaseAnswer, Wish


def purchase_offer(wish: PurchaseOffer, *, now: datetime) -> PurchaseAnswer:
    """Buy units of an offer: hold them and answer where to pay; a free offer is complete at once.

    Call with no transaction open. Raises ``RateLimited``, ``IdempotencyMismatch``, ``InProgress``,
    ``PurchasesDisabled``, ``NotFound``, ``Invalid``, ``OfferUnavailable``, ``SoldOut``, ``HoldLimit``,
    ``BuyerLimit``, ``Busy``, ``CheckoutRefused`` (the hold is released), ``PaymentProviderUnavailable`` (the
    hold is kept: the same key goes on with it).
    """
    bind(offer_id=wish.offer_id)
    wanted = Wish(
        operation=names.OPERATION,
        buyer_id=wish.buyer_id,
        body=_body(wish),
        key=wish.key,
        network=wish.network,
    )
    return buy(wanted, _Counter(wish), now=now)


@dataclass(frozen=True, slots=True)
class _Counter:
    """One wish at the counter of the offers."""

    wish: PurchaseOffer
    unavailable: type[Failure] = OfferUnavailable

    def check(self) -> None:
        """Raise ``Invalid`` unless it is a number of units that anybody may buy at once."""
        check_quantity(None, self.wish.quantity)

    def order_of(self, subject_id: UUID) -> Order | None:
        """Return the order of a purchase."""
        purchase = Purchase.objects.filter(pk=subject_id).select_related("order").first()
        return None if purchase is None else purchase.order

    def reserve(self, key: idempotency.Ticket, *, now: datetime) -> Order:
        """Hold the units."""
        return reserve_purchase(self.wish, key, now=now)


def _body(wish: PurchaseOffer) -> dict[str, Any]:
    return {"offer_id": wish.offer_id, "quantity": wish.quantity, "ticket_id": wish.ticket_id}

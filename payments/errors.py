"""Named failures of the money path."""

from common.errors import Conflict, Failure, Kind


class PaymentProviderUnavailable(Failure):
    """Stripe did not answer, or not yet: nothing was charged, and the same call may be repeated."""

    code = "payment_provider_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The payment provider did not answer; your card has not been charged, please try again"
    retryable = True


class CheckoutRefused(Failure):
    """Stripe refused to open the checkout.

    The units are released; ``retryable`` says whether to try again.
    """

    code = "payment_provider_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The payment provider refused to open the checkout; your card has not been charged"
    retryable = False


class CheckoutClosed(Conflict):
    """The order can no longer be paid: it is paid, or its hold ended. ``status`` is the order's."""

    code = "checkout_closed"
    title = "This checkout is closed"

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__(f"This checkout is closed: the order is {status.replace('_', ' ').lower()}.")


class NotRefundable(Conflict):
    """The state of the order allows no refund now."""

    code = "not_refundable"
    title = "This order cannot be refunded now"


class NotCancellable(Conflict):
    """The order is paid, being paid or already closed."""

    code = "not_cancellable"
    title = "This order can no longer be cancelled"


class BadWebhook(Failure):
    """Not an event that Stripe signed for us, or not one that can be read."""

    code = "bad_webhook"
    title = "This is not a webhook of the payment provider"


class WebhookTooLarge(BadWebhook):
    """The body is larger than any event."""

    code = "bad_webhook"
    title = "The body is too large for a webhook"


class SoldOut(Conflict):
    """Fewer units are left than were asked for."""

    code = "sold_out"
    title = "Sold out"


class HoldLimit(Conflict):
    """The person holds as many unpaid units or open checkouts of it as anybody may."""

    code = "hold_limit"
    title = "You already hold units of this; pay for them or let them go first"


class BuyerLimit(Conflict):
    """The person has as many units of it as the organizer allows."""

    code = "buyer_limit"
    title = "You have reached the limit for one person"


class PurchasesDisabled(Failure):
    """The operator stopped new purchases for a while."""

    code = "purchases_disabled"
    kind = Kind.UNAVAILABLE
    title = "Purchases are paused, please try again later"
    retryable = True

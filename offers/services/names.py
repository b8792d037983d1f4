"""The names under which other rooms and Stripe know what is sold here."""

from uuid import UUID

from django.conf import settings

PURPOSE = "offer"
OPERATION = "offers.purchase"
FULFIL_JOB = "offers.fulfil"


def stripe_reference(offer_id: UUID) -> str:
    """Return the stable id of the offer's Product at Stripe."""
    return f"offer:{offer_id}"


def fulfil_key(purchase_id: UUID) -> str:
    """Return the dedupe key of the job that fulfils a purchase."""
    return f"offers.fulfil:{purchase_id}"


def order_page(order_id: UUID) -> str:
    """Return the front end's page of an order."""
    return f"{settings.FRONTEND_URL}/orders/{order_id}"


def success_url(order_id: UUID) -> str:
    """Return where Stripe sends a buyer who paid; Stripe puts its session's id in the placeholder."""
    return f"{settings.FRONTEND_URL}/checkout/success?order={order_id}&session_id={{CHECKOUT_SESSION_ID}}"


def cancel_url(order_id: UUID) -> str:
    """Return where Stripe sends a buyer who turned back."""
    return f"{settings.FRONTEND_URL}/checkout/cancel?order={order_id}"

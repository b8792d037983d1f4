"""Addresses of the front end that people are led to: its pages of an order, and where Stripe sends buyers back."""

from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from payments.services.stripe_params import SESSION_PLACEHOLDER


def front_url(path: str, **query: str) -> str:
    """Return an address under ``FRONTEND_URL``."""
    base = settings.FRONTEND_URL.rstrip("/")
    return f"{base}/{path.lstrip('/')}" + (f"?{urlencode(query)}" if query else "")


def order_page(order_id: UUID) -> str:
    """Return the front end's page of an order."""
    return f"{settings.FRONTEND_URL}/orders/{order_id}"


def success_url(order_id: UUID) -> str:
    """Return where Stripe sends a buyer who paid; Stripe puts its session's id in the placeholder."""
    return f"{settings.FRONTEND_URL}/checkout/success?order={order_id}&session_id={SESSION_PLACEHOLDER}"


def cancel_url(order_id: UUID) -> str:
    """Return where Stripe sends a buyer who turned back."""
    return f"{settings.FRONTEND_URL}/checkout/cancel?order={order_id}"

"""Addresses of the payments room under ``/api/v1/``."""

from common.problems import bounds_own_body
from common.rest import optional_slash
from payments.rest import views
from payments.rest.webhooks import stripe_webhook

# Any body that is too large for an event is the same 400, however large it is.
_webhook = bounds_own_body(stripe_webhook)

urlpatterns = [
    optional_slash(
        "orders/by-number/<str:number>", views.OrderByNumberView.as_view(), name="order-by-number"
    ),
    optional_slash("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    optional_slash("orders/<uuid:order_id>/refunds", views.RefundsView.as_view(), name="order-refunds"),
    optional_slash("orders/<uuid:order_id>/cancel", views.CancelView.as_view(), name="order-cancel"),
    optional_slash("orders/<uuid:order_id>/return", views.ReturnView.as_view(), name="order-return"),
    optional_slash("webhooks/stripe/offers", _webhook, name="stripe-webhook-offers"),
    optional_slash("webhooks/stripe", _webhook, name="stripe-webhook"),
]

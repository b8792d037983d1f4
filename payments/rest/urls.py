"""Addresses of the payments room under ``/api/v1/``."""

from common.rest import optional_slash
from payments.rest import views
from payments.rest.webhooks import stripe_webhook

urlpatterns = [
    optional_slash(
        "orders/by-number/<str:number>", views.OrderByNumberView.as_view(), name="order-by-number"
    ),
    optional_slash("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    optional_slash("orders/<uuid:order_id>/refunds", views.RefundsView.as_view(), name="order-refunds"),
    optional_slash("orders/<uuid:order_id>/cancel", views.CancelView.as_view(), name="order-cancel"),
    optional_slash("orders/<uuid:order_id>/return", views.ReturnView.as_view(), name="order-return"),
    optional_slash("webhooks/stripe/offers", stripe_webhook, name="stripe-webhook-offers"),
    optional_slash("webhooks/stripe", stripe_webhook, name="stripe-webhook"),
]

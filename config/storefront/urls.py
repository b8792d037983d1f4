"""Addresses of the demo pages. What they show comes from the public API in the browser."""

from django.urls import path

from config.storefront.unsubscribing import undo, unsubscribe
from config.storefront.views import page, service_worker

urlpatterns = [
    path("", page("home"), name="storefront-home"),
    path("signin", page("signin"), name="storefront-signin"),
    path("events/<slug:slug>", page("event"), name="storefront-event"),
    path("sessions/<uuid:session_id>/waitlist", page("waitlist"), name="storefront-waitlist"),
    path("purchases", page("purchases"), name="storefront-purchases"),
    path("tickets", page("tickets"), name="storefront-tickets"),
    path("tickets/<uuid:ticket_id>", page("tickets"), name="storefront-ticket"),
    path("notifications", page("notifications"), name="storefront-notifications"),
    path("service-worker.js", service_worker, name="storefront-service-worker"),
    path("unsubscribe/<str:token>", unsubscribe, name="storefront-unsubscribe"),
    path("unsubscribe/<str:token>/undo", undo, name="storefront-unsubscribe-undo"),
    path("scan", page("scan"), name="storefront-scan"),
    path("orders/<uuid:order_id>", page("order"), name="storefront-order"),
    path("checkout/success", page("checkout_success"), name="storefront-success"),
    path("checkout/cancel", page("checkout_cancel"), name="storefront-cancel"),
]

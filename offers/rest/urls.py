"""Addresses of the offers room under ``/api/v1/``."""

from common.rest import optional_slash
from offers.rest import views

urlpatterns = [
    optional_slash("offers", views.OffersView.as_view(), name="offers"),
    optional_slash("offers/<uuid:offer_id>", views.OfferView.as_view(), name="offer"),
    optional_slash(
        "offers/<uuid:offer_id>/availability", views.AvailabilityView.as_view(), name="offer-availability"
    ),
    optional_slash("offers/<uuid:offer_id>/purchase", views.PurchaseView.as_view(), name="offer-purchase"),
    optional_slash("events/<uuid:event_id>/offers", views.EventOffersView.as_view(), name="event-offers"),
    optional_slash("me/purchases", views.MyPurchasesView.as_view(), name="my-purchases"),
]

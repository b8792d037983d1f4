from django.apps import AppConfig


class OffersConfig(AppConfig):
    """Offers, their inventory, purchases and fulfilment."""

    name = "offers"

"""The offers room."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    """Registers what is sold here, its jobs and its e-mails."""

    name = "offers"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from events.registry import register_currency_lock
        from offers import handlers, timeline  # noqa: F401 registries need the models first
        from offers.services import messages
        from offers.services.catalog import currency_lock
        from offers.services.purpose import OfferPurpose
        from payments import purposes

        register_currency_lock(currency_lock)
        purposes.register(OfferPurpose())
        messages.register_templates()

"""The offers room."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    """Registers what is sold here, its jobs and its e-mails."""

    name = "offers"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from offers import handlers, timeline  # noqa: F401 registries need the models first
        from offers.services import messages
        from offers.services.purpose import OfferPurpose
        from payments import purposes

        purposes.register(OfferPurpose())
        messages.register_templates()

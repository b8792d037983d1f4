from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Ticket tiers and tickets."""

    name = "tickets"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from events.registry import register_currency_follower, register_currency_lock
        from notifications.services.push import audiences as push_audiences
        from payments import purposes
        from tickets import audiences, handlers, timeline  # noqa: F401 registries need the models first
        from tickets.services import messages
        from tickets.services.purpose import TicketPurpose
        from tickets.services.tiers import currency_lock, follow_currency

        register_currency_lock(currency_lock)
        register_currency_follower(follow_currency)
        purposes.register(TicketPurpose())
        messages.register_templates()
        push_audiences.register(audiences.HOLDERS)

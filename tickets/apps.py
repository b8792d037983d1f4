from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Ticket tiers and tickets."""

    name = "tickets"

    def ready(self) -> None:
        """Tell the room below what holds an event's currency."""
        from events.registry import register_currency_lock
        from tickets.services.tiers import currency_lock

        register_currency_lock(currency_lock)

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Ticket tiers and tickets."""

    name = "tickets"

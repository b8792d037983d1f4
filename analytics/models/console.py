"""An event as its organizer looks at it."""

from events.models import Event


class EventConsole(Event):
    """An event, as the console shows it: what it brought, its ads, offers and waitlists."""

    class Meta:
        proxy = True
        verbose_name = "event console"
        ordering = ("-starts_at", "id")

"""Who hears of an ad that is shown now."""

from uuid import UUID

from events.models import Registration
from notifications.realtime.presence import online_among


def listening(event_id: UUID) -> int:
    """Return how many people who are registered for the event are connected; 0 while Redis is away.

    Whether one of their pages is the event's is not known, nor who looks at a public event without a registration.
    """
    registered = Registration.objects.filter(event_id=event_id).values_list("user_id", flat=True).distinct()
    return len(online_among(registered))

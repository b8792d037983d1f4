"""Times as holders read them: by the clocks of the event."""

from events.models import Event


def span_words(event: Event) -> str:
    """Say from when to when an event is; its day once, when it ends on the day on which it begins:
    ``Wednesday, 21 November 2096, 12:00 to 18:00 (UTC)``.
    """
    starts, ends = event.starts_at.astimezone(event.zone), event.ends_at.astimezone(event.zone)
    first, last = f"{starts:%A, %d %B %Y, %H:%M}", f"{ends:%A, %d %B %Y, %H:%M}"
    if starts.date() == ends.date():
        last = f"{ends:%H:%M}"
    # Clocks may change in between.
    named = "" if starts.tzname() == ends.tzname() else f" ({starts.tzname()})"
    return f"{first}{named} to {last} ({ends.tzname()})"

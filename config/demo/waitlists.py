"""The demo's queue: a full masterclass, and people of three tiers who wait for it."""

from datetime import datetime, timedelta

from accounts.services.access import actor_of
from config.demo.events import Stage
from config.demo.people import STANDARD_ATTENDEES, People
from waitlist.models import Entry
from waitlist.services.joining import join

_EVERY = timedelta(minutes=4)
_FIRST_STANDARD = 11
_GROUP_EVERY = 7


def seed_waitlist(people: People, stage: Stage, *, now: datetime) -> int:
    """Have people join the masterclass's queue, one every few minutes until now; return how many wait there."""
    session = stage.sessions["masterclass"]
    waiting = Entry.objects.of_session(session.pk)
    if waiting.exists():
        return waiting.count()
    logins = [f"standard{number}" for number in range(_FIRST_STANDARD, STANDARD_ATTENDEES + 1)]
    logins[20:20] = ["premium"]
    logins.append("vip")
    for place, login in enumerate(logins):
        join(
            actor=actor_of(people.users[login]),
            session_id=session.pk,
            quantity=2 if place % _GROUP_EVERY == _GROUP_EVERY - 1 else 1,
            now=now - (len(logins) - place) * _EVERY,
        )
    return len(logins)

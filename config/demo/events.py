"""The demo's events: a public conference, a private gathering, and a rival's meet-up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.demo.people import STANDARD_ATTENDEES, People
from events.models import Attendance, Event, Session, Visibility
from tickets.models import Priority, Ticket, TicketTier
from tickets.services.tickets import issue_ticket

_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Stage:
    """The events by slug, the sessions of the conference by slug, and its tiers by priority."""

    events: dict[str, Event]
    sessions: dict[str, Session]
    tiers: dict[str, TicketTier]


def seed_events(people: People, *, now: datetime) -> Stage:
    """Create the events, sessions, tiers, tickets and seats that are missing."""
    conference = _event(
        people,
        "demo",
        "demo-conf",
        "Demo Conf",
        now,
        time_zone=_ZONE,
        description=(
            "Two days of talks, workshops and good company. "
            "Make it yours with an upgrade, a shirt, or the backstage video."
        ),
    )
    private = _event(
        people,
        "demo",
        "demo-private",
        "Speakers' Dinner",
        now,
        visibility=Visibility.PRIVATE,
        description="By invitation.",
    )
    rival = _event(
        people, "rival", "rival-meetup", "Rival Meet-up", now, description="Somebody else's event."
    )
    tiers = {
        Priority.VIP: _tier(conference, "VIP", Priority.VIP, 49_900, total=50, order=1),
        Priority.PREMIUM: _tier(conference, "Premium", Priority.PREMIUM, 29_900, total=200, order=2),
        Priority.STANDARD: _tier(conference, "Standard", Priority.STANDARD, 14_900, total=1000, order=3),
    }
    sessions = {
        "keynote": _session(conference, "keynote", "Opening keynote", day=0, hour=9, capacity=3),
        "workshop": _session(conference, "workshop", "Hands-on workshop", day=0, hour=11, capacity=30),
        "masterclass": _session(conference, "masterclass", "Pricing masterclass", day=0, hour=14, capacity=3),
        "panel": _session(conference, "panel", "Closing panel", day=1, hour=16, capacity=None),
    }
    _issue_tickets(people, conference, tiers, now=now)
    _ticket(people, "vip", _tier(private, "Guest", Priority.VIP, 0, total=20, order=1), now=now)
    _tier(rival, "Standard", Priority.STANDARD, 1_000, total=100, order=1)
    for slug in ("keynote", "masterclass"):
        _fill_with_speakers(people, sessions[slug], now=now)
    events = {event.slug: event for event in (conference, private, rival)}
    return Stage(events, sessions, {str(priority): tier for priority, tier in tiers.items()})


def _event(
    people: People,
    organization: str,
    slug: str,
    title: str,
    now: datetime,
    *,
    time_zone: str = "UTC",
    visibility: str = Visibility.PUBLIC,
    description: str = "",
) -> Event:
    first_day = (now + timedelta(days=14)).astimezone(ZoneInfo(time_zone))
    starts_at = first_day.replace(hour=9, minute=0, second=0, microsecond=0)
    event, _ = Event.objects.get_or_create(
        slug=slug,
        defaults={
            "organization": people.organizations[organization],
            "title": title,
            "description": description,
            "time_zone": time_zone,
            "visibility": visibility,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(days=1, hours=9),
        },
    )
    return event


def _tier(event: Event, name: str, priority: str, price: int, *, total: int, order: int) -> TicketTier:
    values = {
        "priority": priority,
        "price_amount": price,
        "currency": event.currency,
        "inventory_total": total,
        "sort_order": order,
    }
    return TicketTier.objects.get_or_create(event=event, name=name, defaults=values)[0]


def _session(event: Event, slug: str, title: str, *, day: int, hour: int, capacity: int | None) -> Session:
    local = event.starts_at.astimezone(event.zone) + timedelta(days=day)
    starts_at = local.replace(hour=hour)
    values = {
        "title": title,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1, minutes=30),
        "maximum_capacity": capacity,
    }
    return Session.objects.get_or_create(event=event, slug=slug, defaults=values)[0]


def _issue_tickets(people: People, event: Event, tiers: dict[Priority, TicketTier], *, now: datetime) -> None:
    _ticket(people, "vip", tiers[Priority.VIP], now=now)
    _ticket(people, "premium", tiers[Priority.PREMIUM], now=now)
    for number in range(1, 4):
        _ticket(people, f"speaker{number}", tiers[Priority.STANDARD], now=now)
    for number in range(1, STANDARD_ATTENDEES + 1):
        _ticket(people, f"standard{number}", tiers[Priority.STANDARD], now=now)


def _ticket(people: People, login: str, tier: TicketTier, *, now: datetime) -> None:
    holder = people.users[login]
    if not Ticket.objects.filter(holder=holder, event_id=tier.event_id).exists():
        issue_ticket(event_id=tier.event_id, tier_id=tier.id, holder_id=holder.id, now=now)


def _fill_with_speakers(people: People, session: Session, *, now: datetime) -> None:
    """The three speakers sit there, so it is full."""
    if session.current_attendance:
        return
    speakers = [people.users[f"speaker{number}"] for number in range(1, 4)]
    Attendance.objects.bulk_create(Attendance(session=session, user=user, joined_at=now) for user in speakers)
    session.current_attendance = len(speakers)
    session.save(update_fields=["current_attendance"])

"""What the page of one queue shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince

from accounts.scope import scope_of
from common.admin.times import time_words
from notifications.realtime.constants import WAITLIST_CHANGED, waitlist_room
from tickets.models import Priority
from waitlist import selectors
from waitlist.admin.acts import ACTS, QueueAct
from waitlist.models import LIVE, Entry, EntryStatus, SessionWaitlist
from waitlist.types import Standing

PAGE_SIZE = 25

_SHOWN = {
    "": ("Waiting and offered", [status.value for status in LIVE]),
    **{status.value: (status.label, [status.value]) for status in EntryStatus},
    "all": ("Everybody", []),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, in words."""

    entry: Entry
    place: int | None
    waited: str
    ends: str


def queue_context(request: HttpRequest, session: SessionWaitlist, *, now: datetime) -> dict[str, Any]:
    """Return all that the page shows. Eight statements, however long the queue is."""
    standing = selectors.standing_of(session, now=now)
    status, tier, search = (request.GET.get(name, "").strip() for name in ("status", "tier", "q"))
    found = selectors.entries(
        scope_of(request).actor,
        session.pk,
        statuses=_SHOWN.get(status, _SHOWN[""])[1],
        tier=tier if tier in Priority.values else "",
        search=search[:200],
    ).select_related("session__event")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    places = selectors.positions_of(list(page.object_list))
    return {
        "session": session,
        "standing": standing,
        "meter": meter(standing),
        "page": page,
        "rows": [
            Row(entry, places.get(entry.pk), waited(entry, now), offer_ends(entry))
            for entry in page.object_list
        ],
        "shown": shown_words(page),
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "query": _query(request),
        "choices": {
            "status": [(value, label, value == status) for value, (label, _) in _SHOWN.items()],
            "tier": [(value, label, value == tier) for value, label in Priority.choices],
        },
        "search": search,
        "acts": acts_for(standing),
        "starts": time_words(session.starts_at, session.event.zone),
        "live": {
            "url": settings.REALTIME_PUBLIC_URL,
            "room": waitlist_room(session.pk),
            "event": WAITLIST_CHANGED,
            "token_url": reverse("admin:waitlist_live_token"),
        },
    }


def waited(entry: Entry, now: datetime) -> str:
    """Say for how long somebody has waited, or waited until their offer or the end."""
    until = entry.offered_at or entry.ended_at or now
    if until - entry.joined_at < timedelta(minutes=1):
        return "under a minute"
    return timesince(entry.joined_at, until, depth=2)


def offer_ends(entry: Entry) -> str:
    """Say until when an open offer is good, by the clocks at the event."""
    is_open = entry.status == EntryStatus.OFFERED
    return time_words(entry.offer_expires_at if is_open else None, entry.session.event.zone)


def shown_words(page: Page[Entry]) -> str:
    """Say which rows are shown: ``Showing 1-25 of 342``."""
    if not page.paginator.count:
        return "Nobody found"
    return f"Showing {page.start_index()}-{page.end_index()} of {page.paginator.count}"


def meter(standing: Standing) -> list[tuple[str, int, float]]:
    """Return the parts of the capacity meter: name, seats, per cent of what is shown; none when unlimited."""
    if standing.capacity is None:
        return []
    parts = [("attending", standing.attending), ("held", standing.held), ("free", standing.free or 0)]
    whole = max(1, sum(seats for _, seats in parts))
    return [(name, seats, 100 * seats / whole) for name, seats in parts]


def acts_for(standing: Standing) -> list[QueueAct]:
    """Return the acts on the whole queue that fit its state."""
    names = ["bulk-offer", "capacity", "resume" if standing.offers_paused else "pause", "terms"]
    return [ACTS[name] for name in names]


def _query(request: HttpRequest) -> str:
    """Return the filters of the page, for links that keep them."""
    kept = request.GET.copy()
    for name in ("page", "part"):
        kept.pop(name, None)
    return kept.urlencode()

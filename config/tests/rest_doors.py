"""Every door of REST: whose it is, what it is asked with, and how it answers strangers."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from django.urls import URLPattern, URLResolver, get_resolver

from config.tests.graphql_world import World
from notifications.rest.preferences import answer_of
from notifications.services.choices import preferences_of
from tickets.tests.factories import code_of

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_LEAD: Final = {"name": "Grace", "source": "FORM", "consent": True}
_EXPERIMENT: Final[dict[str, Any]] = {
    "name": "New",
    "slug": "new",
    "variants": [
        {"id": "a", "weight": 1},
        {"id": "b", "weight": 1},
    ],
}
_AD: Final = {
    "name": "New",
    "content_type": "BANNER",
    "media_url": "https://media.test/a.png",
    "placements": ["SIDEBAR"],
}


class Whose(Enum):
    """Who gets something at a door."""

    OWNER = "the organizer's people"
    GUEST = "whom the thing belongs to, or who may see the event"
    WAITER = "who waits"
    # The caller's own things: anybody signed in gets an answer, about themselves.
    ONESELF = "whoever is signed in"
    # What is public, or is proved by a token or signature in the request rather than by who asks.
    ANYBODY = "anybody"


@dataclass(frozen=True)
class Door:
    """One method of one address. ``nobody``: the status of who is not signed in, 401 where one must be."""

    whose: Whose
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    # The status for those whose it is, and for anybody.
    answer: int = 200
    nobody: int = 401
    stranger: int = 404


@dataclass(frozen=True)
class Route:
    """A named address as the OpenAPI file writes it, the methods that its view has, and the ids in it."""

    path: str
    methods: tuple[str, ...]
    ids: tuple[str, ...]


def routes() -> dict[str, Route]:
    """Return each address under ``/api/v1/`` by its name."""
    (api,) = (part for part in get_resolver().url_patterns if str(part.pattern) == "api/v1/")
    assert isinstance(api, URLResolver)
    found = {str(route.name): _read(route) for route in api.url_patterns if isinstance(route, URLPattern)}
    assert len(found) == len(api.url_patterns), "each address has a name of its own, and is there at the top"
    return found


def _read(route: URLPattern) -> Route:
    view = getattr(route.callback, "cls", None)
    # Views that are functions are webhooks.
    methods = tuple(one for one in _METHODS if hasattr(view, one)) if view else ("post",)
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/api/v1/{route.pattern}")
    return Route(path, methods, tuple(route.pattern.converters))


def doors(world: World) -> dict[str, Door]:
    """Return what is known of each ``method address``; whoever adds a door says here whose it is."""
    return (
        _of_events(world)
        | _of_ads(world)
        | _of_analytics(world)
        | _of_sales(world)
        | _of_waitlists(world)
        | _of_people(world)
    )


def places(world: World) -> dict[str, Any]:
    """Return what stands in an address for the things of the world."""
    return {
        "event_id": world.event.pk, "session_id": world.session.pk, "offer_id": world.offer.pk,
        "ad_id": world.ad.pk, "order_id": world.purchase.order_id, "number": world.purchase.order.number,
        "ticket_id": world.ticket.pk, "sponsor_id": world.sponsor.pk, "entry_id": world.entry.pk,
        "test_id": world.experiment.slug,
    }  # fmt: skip


def _of_events(world: World) -> dict[str, Door]:
    # To nobody a private event is not there either: no sign-in is asked for, which would tell that it is.
    seen = Door(Whose.GUEST, nobody=404)
    return {
        "get events": Door(Whose.ANYBODY),
        "get event": seen,
        "get event-sessions": seen,
        "get session": seen,
        "get event-offers": seen,
        "get event-ticket-tiers": seen,
        "get event-sponsors": seen,
        "get running-ab-tests": seen,
        "get offer": seen,
        "get offer-availability": seen,
        "get session-attendance": Door(Whose.OWNER),
        "post session-attendance": Door(Whose.GUEST, answer=409),
        "delete session-attendance": Door(Whose.GUEST, answer=204),
    }


def _of_ads(world: World) -> dict[str, Door]:
    event, owner = {"event_id": str(world.event.pk)}, Whose.OWNER
    return {
        "get serve-ads": Door(Whose.GUEST, query={**event, "placement": "EVENT_HERO"}, nobody=404),
        "get explain-ads": Door(owner, query={**event, "placement": "EVENT_HERO"}),
        "post ads": Door(owner, {**event, **_AD}, answer=201),
        "get ad": Door(owner),
        "put ad": Door(owner, _AD),
        "patch ad": Door(owner, {"name": "New"}),
        "delete ad": Door(owner, answer=204),
        "post pause-ad": Door(owner, {"reason": "asked for"}),
        "post resume-ad": Door(owner, {"reason": "asked for"}),
        "post inject-ad": Door(owner, answer=202),
        "get event-ads": Door(owner),
        "get ad-performance": Door(owner),
        "post ad-impressions": Door(Whose.ANYBODY, {"impressions": [{"token": "no-token"}]}, answer=202),
        "post ad-click": Door(Whose.ANYBODY, {"token": "no-token"}, answer=202),
        "get ad-go": Door(Whose.ANYBODY, query={"token": "no-token"}, answer=302),
        "get sponsor-leads": Door(owner),
        "post sponsor-leads": Door(Whose.GUEST, _LEAD, answer=201),
        "get sponsor-leads-export": Door(owner),
    }


def _of_analytics(world: World) -> dict[str, Door]:
    owner, event = Whose.OWNER, {"event_id": str(world.event.pk)}
    return {
        "post analytics-track": Door(Whose.ANYBODY, {"events": [{"id": "x"}]}, answer=202),
        "post ab-tests-track": Door(Whose.ANYBODY, {"events": [{"test_id": "x"}]}, answer=202),
        "get monetization": Door(owner),
        "get analytics-export": Door(owner, query={"format": "csv"}),
        "post analytics-refresh": Door(owner),
        "get ab-tests": Door(owner, query=event),
        "post ab-tests": Door(owner, {**event, **_EXPERIMENT}, answer=201),
        # It runs: what may be done to drafts alone is refused for that.
        "get ab-test": Door(owner),
        "put ab-test": Door(owner, _EXPERIMENT, answer=409),
        "patch ab-test": Door(owner, {"name": "New"}, answer=409),
        "delete ab-test": Door(owner, answer=409),
        "post start-ab-test": Door(owner, answer=409),
        "post stop-ab-test": Door(owner),
        "get ab-test-results": Door(owner),
    }


def _of_sales(world: World) -> dict[str, Door]:
    owner, guest = Whose.OWNER, Whose.GUEST
    event = {"event_id": str(world.event.pk)}
    new = {"title": "New", "offer_type": "SERVICE", "price": "1.00"}
    scan = {"code": code_of(world.ticket), **event}
    return {
        "post offers": Door(owner, {**event, **new}, answer=201),
        "put offer": Door(owner, {**new, "offer_type": world.offer.offer_type, "price": "0.00"}),
        "patch offer": Door(owner, {"title": "New"}),
        "delete offer": Door(owner, answer=204),
        "post offer-purchase": Door(guest, {"quantity": 1}, answer=201),
        "post event-checkout": Door(guest, {"tier_id": str(world.tier.pk), "quantity": 1}, answer=201),
        "get order": Door(guest),
        "get order-by-number": Door(guest),
        "post order-refunds": Door(owner, {"reason": "asked for"}, answer=409),
        "post order-cancel": Door(guest, answer=409),
        "post order-return": Door(guest),
        "post stripe-webhook": Door(Whose.ANYBODY, answer=400),
        "post stripe-webhook-offers": Door(Whose.ANYBODY, answer=400),
        "get ticket-qr": Door(guest),
        "get ticket-pdf": Door(guest, answer=409),
        "post ticket-reissue": Door(owner, {"reason": "asked for"}),
        "post ticket-void": Door(owner, {"reason": "asked for"}),
        "get event-checkin": Door(owner),
        "post checkin-scan": Door(owner, scan),
    }


def _of_waitlists(world: World) -> dict[str, Door]:
    owner, waiter, why = Whose.OWNER, Whose.WAITER, {"reason": "asked for"}
    token = {"join_token": "no-token"}
    return {
        "post waitlist": Door(waiter, {"quantity": 1}, answer=409),
        "get waitlist": Door(waiter),
        "delete waitlist": Door(waiter, answer=204),
        "get waitlist-position": Door(waiter),
        # The token is looked at first: a wrong one tells nothing of the session.
        "post waitlist-accept": Door(waiter, token, answer=400, stranger=400),
        "post waitlist-accept-offer": Door(waiter, token, answer=400, stranger=400),
        "post waitlist-decline": Door(waiter, token, answer=400, stranger=400),
        "get waitlist-standing": Door(owner),
        "get waitlist-entries": Door(owner),
        "delete waitlist-entry": Door(owner, why, answer=204),
        "post waitlist-move": Door(owner, {**why, "position": 1}),
        "post waitlist-offers": Door(owner, {"user_id": str(world.entry.user_id)}, answer=409),
        "post waitlist-bulk-offers": Door(owner, {"count": 1}, answer=409),
        "post waitlist-bulk-remove": Door(owner, {**why, "entry_ids": [str(world.entry.pk)]}),
        "post waitlist-pause": Door(owner, why),
        "post waitlist-resume": Door(owner, why),
        "put session-capacity": Door(owner, {"maximum_capacity": 9}),
        "get waitlist-analytics": Door(owner),
    }


def _of_people(world: World) -> dict[str, Door]:
    oneself = Door(Whose.ONESELF)
    device = {"provider": "fcm", "platform": "ios", "token": "f" * 140}
    receipts = {"receipts": [{"receipt": "no-receipt", "event": "opened"}]}
    switches = answer_of(preferences_of(world.guest))
    del switches["kinds"]
    return {
        "post token": Door(Whose.ANYBODY, {"email": "nobody@example.test", "password": "x"}, answer=401),
        "post token-refresh": Door(Whose.ANYBODY, {"refresh": "no-token"}, answer=401),
        "get me": oneself,
        "get my-purchases": oneself,
        "get my-tickets": oneself,
        "get my-devices": oneself,
        "post my-devices": Door(Whose.ONESELF, device, answer=201),
        "delete my-device": Door(Whose.GUEST, answer=204),
        "get notification-preferences": oneself,
        "put notification-preferences": Door(Whose.ONESELF, switches),
        "get realtime-missed": Door(Whose.GUEST, query={"stream": f"user:{world.guest.pk}", "after": 0}),
        "post push-receipts": Door(Whose.ANYBODY, receipts, answer=400),
        "get push-web-key": Door(Whose.ANYBODY),
        "post resend-webhook": Door(Whose.ANYBODY, answer=400),
    }

"""The small world of a campaign: the demo's event and sessions, and goods made for it through the public doors."""

from dataclasses import dataclass
from typing import Any

from chaos.doors import Doors

ATTENDEES = tuple(f"standard{number}" for number in range(1, 41))
OWNER, SCANNER = "owner", "scanner"
# Few units each, so that the last one is fought for.
GOODS: tuple[dict[str, Any], ...] = (
    {"title": "Chaos shirt", "offer_type": "MERCHANDISE", "price": "25.00", "inventory_total": 60},
    {
        "title": "Chaos film", "offer_type": "EXCLUSIVE_CONTENT", "price": "9.99", "inventory_total": 40,
        "content_url": "https://video.demo.test/chaos",
    },
    {"title": "Chaos hour", "offer_type": "SERVICE", "price": "80.00", "inventory_total": 30},
    {
        "title": "Chaos book", "offer_type": "MERCHANDISE", "price": "31.00", "inventory_total": 200,
        "allows_delayed_payment": True,
    },
    {
        "title": "Chaos song", "offer_type": "EXCLUSIVE_CONTENT", "price": "0.00", "inventory_total": 500,
        "content_url": "https://video.demo.test/song",
    },
)  # fmt: skip
_AD = {
    "content_type": "BANNER", "placements": ["SIDEBAR", "IN_FEED"], "media_url": "https://media.demo.test/chaos.png",
    "click_url": "https://sponsor.demo.test/", "price_model": "CPM", "price": "5.00",
}  # fmt: skip


class WorldFailed(Exception):
    """The world could not be made; the message says what was refused."""


@dataclass(frozen=True, slots=True)
class World:
    """Ids of what the clients act on."""

    event_id: str
    offers: dict[str, str]
    tiers: dict[str, str]
    sessions: dict[str, str]


def make_world(doors: Doors, *, seed: int) -> World:
    """Make the goods of a campaign and find the rest. Raises ``WorldFailed``."""
    event_id = str(_read(doors, "events?slug=demo-conf")["results"][0]["id"])
    offers = {}
    for given in GOODS:
        made = {**given, "event_id": event_id, "title": f"{given['title']} {seed}"}
        offers[str(given["title"])] = str(_made(doors, "offers", made)["id"])
    upgrade = next(
        offer for offer in _read(doors, f"events/{event_id}/offers?active=all&limit=200", login=OWNER)["results"]
        if offer["title"] == "VIP upgrade"
    )  # fmt: skip
    offers["VIP upgrade"] = str(upgrade["id"])
    for number in range(2):
        _made(doors, "ads", {**_AD, "event_id": event_id, "name": f"Chaos {seed} {number}"})
    tiers = {one["name"]: one["id"] for one in _read(doors, f"events/{event_id}/ticket-tiers")["results"]}
    sessions = {one["slug"]: one["id"] for one in _read(doors, f"events/{event_id}/sessions")["results"]}
    return World(event_id, offers, tiers, sessions)


def _read(doors: Doors, path: str, *, login: str = "") -> Any:
    answer = doors.insist("GET", path, login=login)
    if not answer.is_accepted:
        raise WorldFailed(f"GET {path}: {answer}")
    return answer.body


def _made(doors: Doors, path: str, body: dict[str, Any]) -> Any:
    answer = doors.insist("POST", path, body, login=OWNER)
    if not answer.is_accepted:
        raise WorldFailed(f"POST {path}: {answer}")
    return answer.body

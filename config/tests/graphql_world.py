"""GraphQL as people of all kinds use it, over a private event that has one of everything."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from accounts.models import User
from accounts.tests.factories import bearer, make_member, make_user
from ads.models import Ad, Sponsor
from ads.tests.ad_factories import make_ad
from ads.tests.factories import make_sponsor
from analytics.models import Experiment
from analytics.tests.experiments import make_experiment
from config.graphql import schema
from events.models import Event, Session
from events.tests.factories import make_attendance, make_event, make_registration, make_session
from offers.models import Offer, Purchase
from offers.tests.factories import give, make_offer
from payments.services.numbers import new_number
from tickets.models import Ticket, TicketTier
from tickets.tests.factories import code_of, make_ticket, make_tier
from waitlist.models import Entry
from waitlist.tests.factories import join

SCHEMA = schema.graphql_schema
# What only those may read who belong here; each name and text of the world has it in it.
SECRET = "Winter palace"
_DEPTH = 5


@dataclass
class World:
    """A private event of one organization, and its people. ``waiter`` waits, ``guest`` bought and has a ticket."""

    owner: User
    guest: User
    waiter: User
    event: Event
    session: Session
    tier: TicketTier
    ticket: Ticket
    offer: Offer
    purchase: Purchase
    ad: Ad
    sponsor: Sponsor
    experiment: Experiment
    entry: Entry
    # Members of another organization, people without a ticket, nobody.
    rival: User = field(default_factory=lambda: make_member("owner"))
    attendee: User = field(default_factory=make_user)

    def strangers(self) -> dict[str, User | None]:
        """Return those to whom nothing of this is there."""
        return {"rival": self.rival, "attendee": self.attendee, "nobody": None}

    def arguments(self, name: str) -> dict[str, Any]:
        """Return what a query or mutation is asked with."""
        ids = {
            "eventId": self.event.pk, "sessionId": self.session.pk, "offerId": self.offer.pk, "adId": self.ad.pk,
            "orderId": self.purchase.order_id, "tierId": self.tier.pk, "ticketId": self.ticket.pk,
            "entryId": self.entry.pk, "userId": self.entry.user_id, "sponsorId": self.sponsor.pk,
        }  # fmt: skip
        said = {argument: str(value) for argument, value in ids.items()} | _SAID
        said |= {"testId": self.experiment.slug, "number": self.purchase.order.number}
        said |= {
            "code": code_of(self.ticket),
            "entryIds": [str(self.entry.pk)],
            "representations": self.references(),
        }
        for kind in ("event", "offer", "ad", "order", "ticket"):
            if kind in name.lower():
                said["id"] = str({"order": self.purchase.order_id}.get(kind) or getattr(self, kind).pk)
        said["input"] = self._input(name, said)
        if name == "adsForContext":
            said["placement"] = "EVENT_HERO"
        if name == "purchaseOffer":
            del said["ticketId"]
        return said

    def references(self) -> list[dict[str, str]]:
        """Return what another subgraph would ask for."""
        known = {
            "Event": self.event.pk, "Session": self.session.pk, "OfferType": self.offer.pk, "AdType": self.ad.pk,
            "Order": self.purchase.order_id, "User": self.owner.pk,
        }  # fmt: skip
        return [{"__typename": name, "id": str(known[name])} for name in known]

    def _input(self, name: str, said: dict[str, Any]) -> dict[str, Any]:
        if name == "submitLead":
            lead = {"name": "Grace", "email": "grace@example.test", "source": "FORM", "consent": True}
            return {"sponsorId": said["sponsorId"], **lead}
        if name in {"updateOffer", "updateAd"}:
            kind = name.removeprefix("update").lower()
            return {"id": str(getattr(self, kind).pk), "title" if kind == "offer" else "name": "New"}
        made: dict[str, dict[str, Any]] = {"createOffer": _NEW_OFFER, "createAd": _NEW_AD}
        return {"eventId": said["eventId"], **made.get(name, {})}


_NEW_OFFER = {"title": "New", "offerType": "SERVICE", "price": "1.00"}
_NEW_AD = {
    "name": "New",
    "contentType": "BANNER",
    "mediaUrl": "https://media.test/a.png",
    "placements": ["SIDEBAR"],
}
_SAID: dict[str, Any] = {
    "joinToken": "no-token", "token": "no-token", "quantity": 1, "count": 1, "position": 1,
    "reason": "asked for", "maximumCapacity": 9, "impressions": [{"token": "no-token"}],
}  # fmt: skip
# Arguments that narrow a list: a question is asked without them.
_LEFT_OUT = frozenset({
    "status", "active", "search", "tier", "sessionToken", "dateFrom", "dateTo", "slug", "kind", "direction",
    "scannedAt", "nonce", "gate", "restockUnits", "amount", "limit", "offset",
})  # fmt: skip


def make_world() -> World:
    """Build it: the session is full and somebody waits for it; the offer and the tier cost nothing."""
    owner, guest, waiter = make_member("owner"), make_user(name=SECRET), make_user(name=SECRET)
    organization = owner.memberships.get().organization
    event = make_event(organization=organization, private=True, title=SECRET, description=SECRET)
    session = make_session(event=event, capacity=1, title=SECRET)
    make_attendance(session, guest)
    make_registration(event, waiter)
    tier = make_tier(event=event, name=SECRET)
    offer = make_offer(event=event, title=SECRET, price=0)
    purchase = give(offer, guest)
    purchase.order.number = new_number()
    purchase.order.save(update_fields=["number"])
    return World(
        owner=owner, guest=guest, waiter=waiter, event=event, session=session, tier=tier,
        ticket=make_ticket(holder=guest, tier=tier), offer=offer, purchase=purchase,
        ad=make_ad(event, name=SECRET), sponsor=make_sponsor(event=event, name=SECRET),
        experiment=make_experiment(event, running=True, name=SECRET), entry=join(session, waiter),
    )  # fmt: skip


def grow(world: World, more: int) -> None:
    """Add so many of everything that a list shows."""
    for _ in range(more):
        make_session(event=world.event)
        tier = make_tier(event=world.event)
        make_ticket(holder=world.guest, tier=tier)
        give(make_offer(event=world.event, price=0), world.guest)
        make_ad(world.event)
        make_sponsor(event=world.event)
        join(world.session)


def ask(user: User | None, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Send one operation and return the response."""
    body = json.dumps({"query": query, "variables": variables or {}})
    headers = bearer(user) if user else {}
    return Client().post("/graphql", body, content_type="application/json", headers=headers)


def fields_of(operation: str) -> dict[str, GraphQLField]:
    """Return the queries, or the mutations."""
    root = SCHEMA.query_type if operation == "query" else SCHEMA.mutation_type
    assert root is not None
    return dict(root.fields)


def question(operation: str, name: str, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a document that asks for all of a query or mutation, and its variables."""
    definition = fields_of(operation)[name]
    given = {
        argument: said[argument]
        for argument in definition.args
        if argument not in _LEFT_OUT and argument in said
    }
    if name == "event":
        given = {"id": said["id"]}
    kinds = ", ".join(f"${argument}: {definition.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    asked = f"{name}({passed})" if given else name
    return f"{operation}{f'({kinds})' if kinds else ''} {{ {asked} {selection(definition)} }}", given


def selection(definition: GraphQLField, depth: int = 1) -> str:
    """Return all that can be asked of a field, five levels deep."""
    kind = get_named_type(definition.type)
    if is_leaf_type(kind):
        return ""
    if isinstance(kind, GraphQLUnionType):
        # One answer cannot hold two types under one name: the first to have a name has it.
        kinds: dict[str, str] = {}
        parts = []
        for one in kind.types:
            fields = {
                name: inner
                for name, inner in one.fields.items()
                if kinds.setdefault(name, str(inner.type)) == str(inner.type)
            }
            parts.append(f"... on {one.name} {{ {' '.join(_inside(fields, depth))} }}")
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(kind, GraphQLObjectType)
    return f"{{ {' '.join(_inside(kind.fields, depth))} }}"


def _inside(fields: Mapping[str, GraphQLField], depth: int) -> Iterator[str]:
    for name, definition in fields.items():
        if is_leaf_type(get_named_type(definition.type)):
            yield name
        elif depth < _DEPTH:
            yield f"{name} {selection(definition, depth + 1)}"


# References

KEYS = ("Event", "Session", "OfferType", "AdType", "Order", "User")
ENTITIES = (
    "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename %s } }"
)
EACH = ENTITIES % " ".join(f"... on {kind} {{ id }}" for kind in KEYS)


def reference(kind: str, row: Any) -> dict[str, str]:
    """Refer to a row as another subgraph does."""
    return {"__typename": kind, "id": str(getattr(row, "pk", row))}


def resolve(user: User | None, *references: Any, query: str = EACH) -> tuple[list[Any], dict[int, Any]]:
    """Ask for references; return the answers, and the errors by their place."""
    answer = ask(user, query, {"representations": list(references)})
    assert answer.status_code == 200, answer.content
    errors = {error["path"][1]: error for error in answer.json().get("errors", [])}
    return answer.json()["data"]["_entities"], errors


def codes_of(errors: dict[int, Any]) -> dict[int, str]:
    """Return the code of each."""
    return {place: error["extensions"]["code"] for place, error in errors.items()}

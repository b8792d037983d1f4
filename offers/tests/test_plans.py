"""Hot queries beside 10,000 offers: each has its index (REQUIREMENTS OP-07)."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.tests.factories import make_organization, make_user
from common import clock
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event
from offers.models import Offer, Purchase
from offers.tests.factories import Door, make_offer

OFFERS, EVENTS = 10_000, 200


@pytest.fixture
def crowd() -> Event:
    """Fill the table with 10,000 offers of 200 events and return one of the events."""
    organization, now = make_organization(), clock.now()
    events = [make_event(organization=organization) for _ in range(EVENTS)]
    template = make_offer(event=events[0], units=100)
    columns = [field.column for field in Offer._meta.concrete_fields]
    varied = {
        "id": "gen_random_uuid()", "title": "'Offer ' || n", "is_active": "mod(n, 3) > 0",
        "is_archived": "mod(n, 7) = 0", "event_id": f"(%(events)s::uuid[])[1 + mod(n, {EVENTS})]",
        "expires_at": "%(now)s + (n - 50) * interval '1 minute'",
        "created_at": "%(now)s - n * interval '1 minute'", "stripe_price_id": "'price_' || n",
        "starts_at": "NULL::timestamptz",
    }  # fmt: skip
    values = ", ".join(varied.get(column, f'o."{column}"') for column in columns)
    fill = f"""
INSERT INTO offers_offer ({", ".join(columns)})
SELECT {values} FROM offers_offer o, generate_series(1, {OFFERS}) n WHERE o.id = %(template)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(fill, {"events": [event.pk for event in events], "now": now, "template": template.pk})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE offers_offer")
    return events[0]


def plan_of(rows: QuerySet[Any]) -> str:
    """Return how PostgreSQL would read the rows."""
    return rows.explain()


@pytest.mark.django_db
def test_each_hot_query_of_offers_has_its_index(crowd: Event) -> None:
    """The event's list, the sweep of ended ones, the newest, and Stripe's price: none reads the table. REQ OP-07."""
    now = clock.now()
    queries = {
        "offer_event_active": Offer.objects.filter(event=crowd, is_active=True, is_archived=False),
        "offer_active_expiry": Offer.objects.past_their_end(now).order_by("expires_at")[:200],
        "offer_newest": Offer.objects.order_by("-created_at")[:50],
        "offer_stripe_price": Offer.objects.filter(stripe_price_id="price_77"),
    }
    for index, rows in queries.items():
        plan = plan_of(rows)
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan


@pytest.mark.django_db
def test_purchases_have_the_indexes_of_their_queries() -> None:
    """A buyer's purchases at an event, and purchases by state and time. REQ OP-07."""
    with connection.cursor() as cursor:
        # Small tables are read whole whatever there is: ask for the plan of a large one.
        cursor.execute("SET LOCAL enable_seqscan = off")
    offer, user = make_offer(units=5), make_user()
    queries = {
        "purchase_user_event": Purchase.objects.filter(user=user, event=offer.event).order_by(),
        "purchase_status_time": Purchase.objects.filter(
            status="SOLD", purchased_at__gte=clock.now()
        ).order_by(),
    }
    for index, rows in queries.items():
        assert index in plan_of(rows), plan_of(rows)


@pytest.mark.django_db(transaction=True)
def test_a_hundred_listings_at_once_all_answer_the_same(race: Race) -> None:
    """Twenty readers ask five times each, all at once: a hundred whole answers. REQ OP-07."""
    event = make_event()
    for _ in range(12):
        make_offer(units=5, event=event)

    def read(_: int) -> list[tuple[int, int]]:
        door = Door()
        answers = [door.get(f"events/{event.pk}/offers?limit=50") for _ in range(5)]
        return [(answer.status_code, answer.json()["count"]) for answer in answers]

    answers = [one for results in race(20, read) if isinstance(results, list) for one in results]
    assert answers == [(200, 12)] * 100

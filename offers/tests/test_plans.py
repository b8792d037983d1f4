"""Hot queries beside 10,000 offers: each has its index (REQUIREMENTS OP-07)."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.services.access import actor_of
from accounts.tests.factories import make_organization, make_user
from common import clock
from common.types import ANONYMOUS
from config.local_stack.testing.race import Race
from events.models import Event
from events.tests.factories import make_event
from offers.models import Fulfillment, Offer, Purchase
from offers.selectors.catalog import page_of_offers
from offers.tests.factories import Door, make_offer
from offers.types import OfferQuery, Page

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
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_the_listing_of_an_event_has_its_index(crowd: Event, *, is_signed_in: bool) -> None:
    """The statement that the doors' list makes, with what is left and how many there are. REQ OP-07."""
    actor = actor_of(make_user()) if is_signed_in else ANONYMOUS
    query = OfferQuery(event_id=crowd.pk, actor=actor, placement="CHECKOUT", session_id=uuid4())
    with CaptureQueriesContext(connection) as asked:
        page_of_offers(query, Page(limit=50, offset=0), now=clock.now())
    (listing,) = (one["sql"] for one in asked.captured_queries if 'FROM "offers_offer"' in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + listing)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "offer_event_active" in plan, plan
    assert "Seq Scan on offers_offer" not in plan, plan


@pytest.mark.django_db
def test_each_hot_query_of_offers_has_its_index(crowd: Event) -> None:
    """The sweep of ended ones, the newest, and Stripe's price: none reads the table. REQ OP-07."""
    now = clock.now()
    queries = {
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
    queries: dict[str, QuerySet[Any]] = {
        "purchase_user_event": Purchase.objects.filter(user=user, event=offer.event).order_by(),
        "purchase_status_time": Purchase.objects.filter(
            status="SOLD", purchased_at__gte=clock.now()
        ).order_by(),
    }
    for index, rows in queries.items():
        assert index in plan_of(rows), plan_of(rows)


@pytest.mark.django_db
def test_what_an_offer_still_owes_is_found_beside_all_that_was_given() -> None:
    """Two of its goods are owed, 4,000 were given: the index of offer and state finds them. REQ OP-07."""
    offer = make_offer(units=5)
    with connection.cursor() as cursor:
        # Without their purchases: nothing here reads those.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """INSERT INTO offers_fulfillment (id, status, access_url, carrier, tracking_number, note, failure,
                   created_at, fulfilled_at, offer_id, purchase_id)
               SELECT gen_random_uuid(), CASE WHEN n > 4000 THEN 'PENDING' ELSE 'FULFILLED' END, '', '', '', '', '',
                   now(), now(), %s, gen_random_uuid() FROM generate_series(1, 4002) n""",
            [offer.pk],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE offers_fulfillment")
    owed = Fulfillment.objects.filter(offer=offer, status="PENDING").order_by()
    assert owed.count() == 2
    assert "fulfillment_offer_status" in plan_of(owed), plan_of(owed)


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

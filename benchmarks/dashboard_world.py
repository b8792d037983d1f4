"""The events of the dashboard's benchmark, one of each size: sold at, advertised at, tested at, and looked at."""

from typing import Final

SIZES: Final = (10_000, 100_000, 1_000_000)
# A month of each event, whatever its size in tracked events.
ORDERS: Final = 5_000
PRICE: Final = 1_999
_OFFERS: Final = 20
_ADS: Final = 10
_SHOWN: Final = 200
PEOPLE: Final = 20_000
IMPRESSIONS: Final = _ADS * 29 * _SHOWN

PREPARE: Final = f"""
import django; django.setup()
import json
from datetime import timedelta
from uuid import uuid4
from accounts.models import Membership, Organization, User
from accounts.services import tokens
from ads.models import Ad, AdDaily
from analytics.services.experiments.defining import create_experiment, start_experiment
from analytics.types.experiments import ExperimentInput, VariantInput
from common import clock
from common.types import SYSTEM
from django.db import connection
from django.test import Client
from events.models import Event
from offers.models import Offer, Purchase
from payments.models import LedgerEntry, Order, Payment
now = clock.now()
organization = Organization.objects.create(slug="bench-figures", name="Bench")
analyst = User.objects.create(email="figures@bench.test", password="!", is_staff=True)
Membership.objects.create(organization=organization, user=analyst, role="analyst")

def multiplied(model, of, **changed):
    names = [field.column for field in model._meta.concrete_fields if not field.generated]
    cells = ", ".join(changed.get(name, f"one.{{name}}") for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {{table}} ({{', '.join(names)}}) SELECT {{cells}} FROM {{table}} one, "
            "generate_series(1, {ORDERS} - 1) n WHERE one.id = %s", [of.pk])

def sell(event, offers):
    offer, tag = offers[0], event.pk.hex[:8]
    purchase_id = uuid4()
    order = Order.objects.create(organization=organization, event=event, buyer=analyst, number=f"B{{tag}}-0",
        purpose="offer", purpose_id=purchase_id, title=offer.title, quantity=1, unit_amount={PRICE}, amount={PRICE},
        paid_amount={PRICE}, currency="USD", state="paid", created_at=now, paid_at=now, closed_at=now)
    purchase = Purchase.objects.create(id=purchase_id, offer=offer, event=event, user=analyst, order=order, quantity=1,
        sold_units=1, purchased_at=now, created_at=now)
    payment = Payment.objects.create(order=order, amount={PRICE}, currency="USD", created_at=now,
        idempotency_key=f"b-{{tag}}-0")
    entry = LedgerEntry.objects.create(order=order, payment=payment, kind="charge", amount={PRICE}, currency="USD",
        stripe_id=f"b-{{tag}}-0", occurred_at=now, recorded_at=now)
    def named(what):
        return f"md5('{{what}}{{tag}}' || n)::uuid"
    at = "now() - n * (interval '29 days' / {ORDERS})"
    ids = "ARRAY[" + ", ".join(f"'{{one.pk}}'" for one in offers) + "]::uuid[]"
    multiplied(Order, order, id=named("o"), purpose_id=named("p"), number=f"'B{{tag}}-' || n", created_at=at,
        paid_at=at, closed_at=at)
    multiplied(Purchase, purchase, id=named("p"), order_id=named("o"), offer_id=f"({{ids}})[1 + mod(n, {_OFFERS})]",
        purchased_at=at, created_at=at)
    multiplied(Payment, payment, id=named("y"), order_id=named("o"), idempotency_key=f"'b-{{tag}}-' || n",
        created_at=at)
    multiplied(LedgerEntry, entry, id=named("l"), order_id=named("o"), payment_id=named("y"),
        stripe_id=f"'b-{{tag}}-' || n", occurred_at=at, recorded_at=at)

def advertise(event):
    ads = Ad.objects.bulk_create([Ad(event=event, name=f"Ad {{n}}", content_type="BANNER", currency="USD",
        media_url="https://media.test/a.png", placements=["EVENT_HERO"], price_model="FLAT", price_amount=0,
        created_at=now, updated_at=now) for n in range({_ADS})])
    today = now.astimezone(event.zone).date()
    AdDaily.objects.bulk_create([AdDaily(ad=ad, event=event, day=today - timedelta(days=days), impressions={_SHOWN},
        viewable=90, clicks=7, billed_micros=1_234_000, computed_at=now) for ad in ads for days in range(29)])

def test_it(event, size):
    given = ExperimentInput(slug=f"bench-{{size}}", name="Bench", variants=(VariantInput("a"), VariantInput("b")))
    made = create_experiment(actor=SYSTEM, event_id=event.pk, given=given, now=now)
    start_experiment(actor=SYSTEM, ref=str(made.pk), now=now)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO analytics_exposure (experiment_id, visitor, place, seen_at, converted_at, value) "
            "SELECT %s, gen_random_uuid(), mod(n, 2), now(), CASE WHEN mod(n, 9) = 0 THEN now() END, "
            "CASE WHEN mod(n, 9) = 0 THEN {PRICE} ELSE 0 END FROM generate_series(1, {PEOPLE}) n", [made.pk])

events = {{}}
for size in {SIZES}:
    event = Event.objects.create(organization=organization, slug=f"bench-figures-{{size}}", title="Bench",
        time_zone="Europe/Berlin", starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))
    sell(event, Offer.objects.bulk_create([Offer(event=event, title=f"Offer {{n}}", offer_type="SERVICE",
        price_amount={PRICE}, currency="USD", created_at=now, updated_at=now) for n in range({_OFFERS})]))
    advertise(event)
    test_it(event, size)
    events[size] = str(event.pk)
browser = Client()
browser.force_login(analyst)
cookies = "; ".join(f"{{name}}={{one.value}}" for name, one in browser.cookies.items())
print(json.dumps({{"events": events, "token": tokens.access_token(analyst, now=now), "cookies": cookies}}))
"""

# A month of them, received when they happened: two of three are views, a visitor looks ten times.
FILL: Final = """
INSERT INTO analytics_rawevent (received_day, organization_id, id, event_id, type, entity_id, visitor, occurred_at,
    received_at, network)
SELECT (happened AT TIME ZONE 'UTC')::date, e.organization_id, gen_random_uuid(), e.id,
    (ARRAY['OFFER_VIEW', 'OFFER_VIEW', 'OFFER_VIEW', 'OFFER_VIEW', 'OFFER_CLICK', 'OFFER_ADD_TO_CART'])[1 + mod(n, 6)],
    o.ids[1 + mod(n, cardinality(o.ids))], md5((n / 10)::text)::uuid, happened, happened, '198.51.100.0'
FROM events_event e
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM offers_offer WHERE event_id = %(event)s) o
CROSS JOIN LATERAL (
    SELECT n, now() - n * (interval '29 days' / %(size)s) AS happened FROM generate_series(1, %(size)s) AS n
) told
WHERE e.id = %(event)s
"""
MARK: Final = """
INSERT INTO analytics_dirtyday (event_id, day, marked_at)
SELECT DISTINCT r.event_id, (r.occurred_at AT TIME ZONE e.time_zone)::date, now()
FROM analytics_rawevent r JOIN events_event e ON e.id = r.event_id WHERE r.event_id = %(event)s
"""

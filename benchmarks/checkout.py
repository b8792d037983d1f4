"""A purchase from the request to the goods, with the stand-in for Stripe: what each step of it costs.

No rate is told: a client in Python and the stand-in take more of the machine than the product does.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks import cost
from benchmarks.serving import serving
from benchmarks.world import WEBHOOK_SECRET, Hands, Row, World, run
from sandbox.testing import SandboxProcess

_PURCHASES: Final = 400
_WARM: Final = 40
_CLIENTS: Final = 8
_DELIVERY_SECONDS: Final = 60
# All of it comes from one address; letters cost what they cost until they are handed over.
_SETTINGS: Final = {
    "PURCHASE_ADDRESS_RATE_LIMIT": "1000000", "OUTBOX_WAKE": "false", "EMAIL_URL": "dummymail://",
    "EMAIL_RATE_PER_MINUTE": "1000000", "STRIPE_SECRET_KEY": "sk_test_bench",
}  # fmt: skip
_WEBHOOKS: Final = "SELECT count(*) FROM common_inboxevent"
_PREPARE: Final = f"""
import django; django.setup()
import json
from datetime import timedelta
from accounts.models import Organization, User
from accounts.services import tokens
from common import clock
from events.models import Event
from offers.models import Offer
now = clock.now()
organization = Organization.objects.create(slug="bench-checkout", name="Bench")
event = Event.objects.create(organization=organization, slug="bench-checkout", title="Bench",
    starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
offer = Offer.objects.create(event=event, title="Film", offer_type="EXCLUSIVE_CONTENT", price_amount=1999,
    currency="USD", inventory_total=100_000, created_at=now, updated_at=now, content_url="https://bench.test/x")
people = User.objects.bulk_create([User(email=f"checkout-{{n}}@bench.test", password="!")
    for n in range({_PURCHASES + _WARM})])
print(json.dumps({{"offer": str(offer.pk), "tokens": [tokens.access_token(one, now=now) for one in people]}}))
"""


def measure(world: World) -> list[Row]:
    """Buy, pay and settle; the costs are told, no row. Raises ``RuntimeError`` unless everything was given."""
    made: dict[str, Any] = json.loads(run("-c", _PREPARE, environment=world.environment).splitlines()[-1])
    with world.postgres.connect("marquee") as database:
        # What other parts left to do is none of a purchase's work.
        database.execute("DELETE FROM common_job")
    before = _count(world, _WEBHOOKS)
    with SandboxProcess(webhook_secret=WEBHOOK_SECRET) as stripe:
        settings = {**_SETTINGS, "STRIPE_API_BASE": stripe.base_url}
        slow = World(world.postgres, world.valkey, world.folder, {**world.environment, **settings})
        with serving(slow) as port, Hands(slow, "drainer", 1) as worker:
            stripe.set_webhook_urls(f"http://127.0.0.1:{port}/api/v1/webhooks/stripe")
            everybody: list[str] = made["tokens"]
            for people, told in ((everybody[:_WARM], ", at first"), (everybody[_WARM:], "")):
                _sell(stripe, worker, port, made["offer"], people, told)
    given = _count(world, "SELECT count(*) FROM offers_fulfillment WHERE status = 'FULFILLED'")
    if given != _PURCHASES + _WARM:
        raise RuntimeError(f"{given} of {_PURCHASES + _WARM} purchases were given")
    print(f"checkout: {(_count(world, _WEBHOOKS) - before) / given:.1f} webhooks a purchase")
    return []


def _sell(stripe: SandboxProcess, worker: Hands, port: int, offer: str, people: list[str], told: str) -> None:
    address = f"http://127.0.0.1:{port}/api/v1/offers/{offer}/purchase"

    def buy(number: int) -> str:
        return _bought(address, people[number], f"buy-{len(people)}-{number}")

    def pay(session: str) -> str:
        stripe.control(f"sessions/{session}/pay")
        return session

    with cost.counted(f"purchase, request to answer{told}") as requests:
        sessions = _each(buy, range(len(people)))
        requests.count = len(people)
    with cost.counted(f"its webhooks{told}") as webhooks:
        _each(pay, sessions)
        if not stripe.control("deliveries/flush", timeout_seconds=_DELIVERY_SECONDS)["idle"]:
            raise RuntimeError("the stand-in still delivers")
        webhooks.count = len(people)
    with cost.counted(f"its jobs: settled, given, told{told}") as jobs:
        worker.each(drain=True)
        jobs.count = len(people)


def _each(act: Callable[[Any], str], things: Sequence[Any]) -> list[str]:
    with ThreadPoolExecutor(_CLIENTS) as clients:
        return list(clients.map(act, things))


def _bought(address: str, token: str, key: str) -> str:
    """Buy one and return the session; raises ``RuntimeError`` for any other answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(address, b'{"quantity": 1}', headers)  # noqa: S310 ours
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 ours
            return str(json.load(answer)["checkout_session_id"])
    except urllib.error.HTTPError as error:
        with error:
            raise RuntimeError(f"{error.code} {error.read().decode()}") from error


def _count(world: World, query: str) -> int:
    with world.postgres.connect("marquee") as database:
        (found,) = database.execute(query).fetchone() or (0,)
    return int(str(found))

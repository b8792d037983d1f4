"""Every query and mutation of the schema with another organization's ids: nothing is told, and nothing changes.

The schema is walked, so that what is added to it is asked too.
"""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from ads.models import AdEvent
from config.tests.digests import digests
from config.tests.graphql_world import SECRET, World, ask, fields_of, grow, make_world, question

pytestmark = pytest.mark.django_db

QUERIES = sorted(fields_of("query"))
MUTATIONS = sorted(fields_of("mutation"))
# They answer the caller's own things, or the schema.
OWN = {"me", "myTickets", "myPurchasedOffers", "_service"}
# Whose it is to ask, where it is not the owner's.
WAITER = {"waitlistPosition", "leaveWaitlist", "acceptWaitlistOffer", "declineWaitlistOffer"}
GUEST = {
    "ticketQr",
    "myTickets",
    "myPurchasedOffers",
    "purchaseOffer",
    "createCheckoutSession",
    "leaveSession",
}
# Redeem a token that says what it is for; who shows it does not matter. What is refused is counted, for staff.
BY_TOKEN = {"trackAdImpressions", "trackAdClick"}
# Tokens are looked at before the session is: a wrong one tells nothing of it.
REFUSED = {"not_found", "unauthenticated", "token_invalid"}


@pytest.fixture
def world() -> World:
    """Give an event with one of everything."""
    return make_world()


def _rightful(world: World, name: str) -> User:
    return world.waiter if name in WAITER else world.guest if name in GUEST else world.owner


def _codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


def test_no_query_tells_strangers_anything(world: World) -> None:
    """As if it were not there, to the owner of another organization, an attendee without a ticket, and nobody;
    those whose it is get all of it. REQ EV-03, GQ-01.
    """
    for name in QUERIES:
        document, variables = question("query", name, world.arguments(name))
        allowed = ask(_rightful(world, name), document, variables)
        assert _codes(allowed) == [], (name, allowed.json()["errors"])
        assert allowed.json()["data"][name], name
        for who, user in world.strangers().items():
            answer = ask(user, document, variables)
            codes, data = _codes(answer), answer.json()["data"]
            assert SECRET not in answer.content.decode(), (who, name)
            assert name in OWN or (codes and set(codes) <= REFUSED), (who, name, codes)
            assert name in OWN or not data or not any(_leaves(data[name])), (who, name)


def _leaves(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_mutation_lets_strangers_change_anything(world: World) -> None:
    """Refused as if it were not there, and no row of any table is another; those whose it is are not refused for
    who they are. REQ EV-03, GQ-01.
    """
    before = digests()
    for name in set(MUTATIONS) - BY_TOKEN:
        document, variables = question("mutation", name, world.arguments(name))
        for who, user in world.strangers().items():
            answer = ask(user, document, variables)
            assert SECRET not in answer.content.decode(), (who, name)
            assert set(_codes(answer)) <= REFUSED, (who, name, answer.json())
            assert not any((answer.json()["data"] or {}).values()), (who, name)
    after = digests()
    changed = [table for table in before if before[table] != after[table]]
    assert changed == [], changed
    for name in set(MUTATIONS) - BY_TOKEN:
        document, variables = question("mutation", name, world.arguments(name))
        with transaction.atomic():
            codes = _codes(ask(_rightful(world, name), document, variables))
            transaction.set_rollback(True)
        assert not {"not_found", "unauthenticated", "forbidden", "internal_error"}.intersection(codes), (
            name,
            codes,
        )


def test_a_token_that_is_none_counts_nothing(world: World) -> None:
    """Impressions and clicks go by their token, whoever shows it; without one nothing is counted. REQ AD-04, GQ-01."""
    for name in sorted(BY_TOKEN):
        document, variables = question("mutation", name, world.arguments(name))
        for user in (world.owner, *world.strangers().values()):
            answer = ask(user, document, variables).content.decode()
            assert '"counted": true' not in answer
    assert AdEvent.objects.count() == 0


def test_no_list_costs_more_for_more_rows(world: World) -> None:
    """Every query with every field, with one of everything and with five: as many statements. REQ GQ-01."""
    costs: dict[str, list[int]] = {}
    for more in (0, 4):
        grow(world, more)
        for name in QUERIES:
            document, variables = question("query", name, world.arguments(name))
            if not more:
                ask(_rightful(world, name), document, variables)  # what is remembered is remembered now
            with CaptureQueriesContext(connection) as statements:
                ask(_rightful(world, name), document, variables)
            costs.setdefault(name, []).append(len(statements))
    assert {name: cost for name, cost in costs.items() if len(set(cost)) > 1} == {}

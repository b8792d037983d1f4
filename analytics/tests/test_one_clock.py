"""One clock for each sale: what was bought and what was paid for it are of the same day."""

from datetime import timedelta
from uuid import UUID

import pytest

from analytics.services.monetization import monetization
from analytics.tests.exports import content_of, report_of, table
from analytics.tests.factories import Place, make_place
from analytics.tests.figures import nothing_known
from analytics.types.exports import ReportFormat
from common import clock
from common.types import SYSTEM
from offers.tests.factories import Door, make_offer, pay
from payments.models import LedgerEntry, Order
from payments.services.applying import apply_order
from sandbox.testing import SandboxProcess

__all__ = ["nothing_known"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sale_that_we_hear_of_late_is_of_the_day_it_was_paid(stripe_sandbox: SandboxProcess) -> None:
    """REQ AN-02, AN-10: heard of two days late: purchases, money and rows of files agree, by Stripe's day."""
    place = make_place()
    offer = make_offer(event=place.event)
    answer = Door().buy(offer).json()
    pay(stripe_sandbox, answer["checkout_session_id"])
    heard = clock.now() + timedelta(days=2)
    order = apply_order(UUID(answer["order"]["id"]), now=heard)
    charge = LedgerEntry.objects.get(order=order, kind="charge")
    stored = Order.objects.get(pk=order.pk)
    assert (stored.state, stored.paid_at, stored.closed_at) == ("paid", charge.occurred_at, heard)
    first = charge.occurred_at.date()
    counted = {}
    for day in (first + timedelta(days=number) for number in range(3)):
        found = monetization(actor=SYSTEM, event_id=place.event.pk, date_from=day, date_to=day, now=heard)
        offers, revenue = found.parts["offers"].figures, found.parts["revenue"].figures
        counted[day] = (offers.total_purchases, revenue.from_offers.amount)
    assert list(counted.values()) == [(1, 1999), (0, 0), (0, 0)]
    here = Place(place.event, offer, place.ad, place.session)
    rows = table(content_of(report_of(here, ReportFormat.CSV, first, first, now=heard)))
    assert [row["order"] for row in rows["orders"]] == [stored.number]
    assert [row["amount"] for row in rows["ledger"]] == ["19.99"]

"""On what terms an upgrade is sold."""

from typing import Any

import pytest

from offers.tests.factories import Door, make_upgrade
from payments.models import Payment
from sandbox.testing import SandboxProcess
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("places", "terms", "methods"),
    [
        (1, {}, ["card"]),
        (None, {"units": 3}, ["card"]),
        (None, {}, None),
        (1, {"allows_delayed_payment": True}, None),
    ],
    ids=["few places", "few units", "no limit", "the organizer allows it"],
)
def test_a_place_that_is_scarce_is_not_kept_for_days_unpaid(
    stripe_sandbox: SandboxProcess, places: int | None, terms: dict[str, Any], methods: list[str] | None
) -> None:
    """Cards alone where the offer or the tier it leads to can run out, unless the organizer allows more. REQ OF-08."""
    offer, standard = make_upgrade(places=places, **terms)
    person = Door()
    ticket = make_ticket(holder=person.user, tier=standard)
    answer = person.buy(offer, ticket_id=str(ticket.pk)).json()
    session = Payment.objects.get(order_id=answer["order"]["id"]).request["session"]
    assert session.get("allowed_payment_method_types") == methods

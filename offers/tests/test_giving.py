"""What the buyer gets: each type, once, and never said before it happened."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.services.access import actor_of
from accounts.tests.factories import make_member, make_user
from common import clock
from common.audit.models import AuditEntry
from common.errors import Forbidden, Invalid, NotFound
from common.outbox.models import Job
from common.outbox.testing import run_due
from notifications.models import EmailMessage
from offers.errors import NotWaiting
from offers.models import Fulfillment, FulfillmentStatus, Offer, OfferType
from offers.services import fulfilment, staff_fulfilment
from offers.tests.factories import Door, make_offer, pay, settle, stock
from payments import gateway
from payments.models import Order, OrderStatus, Payment
from payments.services.applying import apply_order
from payments.services.attempts import next_attempt
from sandbox.testing import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def sold(sandbox: SandboxProcess, kind: str, **fields: Any) -> tuple[Door, Offer, Fulfillment]:
    """Sell one unit of a new offer."""
    offer, person = make_offer(units=5, kind=kind, **fields), Door()
    settle(sandbox, person.buy(offer).json(), person)
    return person, offer, Fulfillment.objects.get(offer=offer)


def test_content_gives_one_code_once_by_mail(stripe_sandbox: SandboxProcess) -> None:
    """The code is made once however often the job runs, and mailed once. REQ OF-11."""
    person, _, given = sold(stripe_sandbox, OfferType.EXCLUSIVE_CONTENT, content_url="https://c.test/x")
    code = str(given.access_code)
    assert (given.status, given.access_url) == (FulfillmentStatus.FULFILLED, "https://c.test/x")
    with transaction.atomic():
        fulfilment.fulfil(given.purchase_id, now=clock.now())
    run_due()
    given.refresh_from_db()
    assert given.access_code == code
    letters = EmailMessage.objects.filter(template="offers_access_code", to=person.user.email)
    assert [code in letter.text_body for letter in letters] == [True]


@pytest.mark.parametrize("kind", [OfferType.MERCHANDISE, OfferType.SERVICE])
def test_what_needs_hands_waits_for_staff(stripe_sandbox: SandboxProcess, kind: str) -> None:
    """Paid is not fulfilled: it waits in the staff's queue. REQ OF-11."""
    person, _, given = sold(stripe_sandbox, kind)
    assert given.status == FulfillmentStatus.PENDING_MANUAL
    item = person.get("me/purchases").json()["results"][0]
    assert item["fulfillment_status"] == "PENDING_MANUAL"


def test_a_parcel_needs_carrier_and_number_and_a_role(stripe_sandbox: SandboxProcess) -> None:
    """Both are required, by name; strangers find nothing; then it is fulfilled, told and audited. REQ OF-11, EV-03."""
    person, offer, given = sold(stripe_sandbox, OfferType.MERCHANDISE)
    house = offer.event.organization
    staff = actor_of(make_member("staff", organization=house))
    where: dict[str, Any] = {"carrier": "DHL", "tracking_number": "JD1"}
    for missing in where:
        with pytest.raises(Invalid) as wrong:
            staff_fulfilment.ship(staff, given.purchase_id, **{**where, missing: " "}, now=clock.now())
        assert [error.field for error in wrong.value.errors] == [missing]
    for actor, failure in (
        (actor_of(make_member("owner")), NotFound),
        (actor_of(make_user()), NotFound),
        (actor_of(make_member("analyst", organization=house)), Forbidden),
    ):
        with pytest.raises(failure):
            staff_fulfilment.ship(actor, given.purchase_id, **where, now=clock.now())
    for number, code in (("JD\n1", "unreadable_text"), ("J" * 101, "too_long")):
        with pytest.raises(Invalid) as wrong:
            staff_fulfilment.ship(
                staff, given.purchase_id, carrier="DHL", tracking_number=number, now=clock.now()
            )
        assert [(error.field, error.code) for error in wrong.value.errors] == [("tracking_number", code)]
    given.refresh_from_db()
    assert given.status == FulfillmentStatus.PENDING_MANUAL
    staff_fulfilment.ship(staff, given.purchase_id, **where, now=clock.now())
    with pytest.raises(NotWaiting):
        staff_fulfilment.ship(staff, given.purchase_id, **where, now=clock.now())
    given.refresh_from_db()
    assert (given.status, given.tracking_number) == (FulfillmentStatus.FULFILLED, "JD1")
    assert EmailMessage.objects.filter(template="offers_shipped", to=person.user.email).count() == 1
    assert AuditEntry.objects.filter(action="offers.fulfilment.ship").count() == 1


def test_a_parcel_that_was_charged_twice_is_sent(stripe_sandbox: SandboxProcess) -> None:
    """The extra payment went back, the goods stay: they are taken in hand and sent like others. REQ PA-12, OF-11."""
    offer, person = make_offer(units=5, kind=OfferType.MERCHANDISE), Door()
    answer = person.buy(offer).json()
    first = Payment.objects.select_related("order").get(order=answer["order"]["id"])
    again = next_attempt(first.order, first, now=clock.now())
    second = gateway.create_session(again.request["session"], key=again.idempotency_key)
    for session_id in (answer["checkout_session_id"], second.id):
        pay(stripe_sandbox, session_id)
    apply_order(first.order_id, now=clock.now(), seen_session_id=second.id)
    run_due()
    order = Order.objects.get(pk=first.order_id)
    assert (order.status, order.paid_amount, order.refunded_amount) == (OrderStatus.COMPLETED, 3998, 1999)
    staff = actor_of(make_member("staff", organization=offer.event.organization))
    where = {"carrier": "DHL", "tracking_number": "JD1"}
    given = staff_fulfilment.ship(staff, again.order.purpose_id, **where, now=clock.now())
    assert given.status == FulfillmentStatus.FULFILLED


def test_an_appointment_lies_in_the_future(stripe_sandbox: SandboxProcess) -> None:
    """A time that has passed is refused; a good one is told to the buyer. REQ OF-11."""
    person, offer, given = sold(stripe_sandbox, OfferType.SERVICE)
    staff = actor_of(make_member("staff", organization=offer.event.organization))
    now = clock.now()
    with pytest.raises(Invalid):
        staff_fulfilment.set_appointment(
            staff, given.purchase_id, appointment_at=now - timedelta(seconds=1), now=now
        )
    staff_fulfilment.set_appointment(
        staff, given.purchase_id, appointment_at=now + timedelta(days=1), now=now
    )
    given.refresh_from_db()
    assert (given.status, given.appointment_at) == (FulfillmentStatus.FULFILLED, now + timedelta(days=1))
    assert EmailMessage.objects.filter(template="offers_appointment", to=person.user.email).count() == 1


def test_a_fulfilment_that_keeps_failing_is_dead_and_staff_try_again(
    stripe_sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three attempts, growing pauses, then FAILED and a dead letter; tried again it runs. REQ OF-11, PA-05."""

    def out_of_order() -> str:
        raise RuntimeError("the code maker is out of order")

    monkeypatch.setattr(fulfilment, "new_access_code", out_of_order)
    offer, person = make_offer(units=5, content_url="https://c.test/x"), Door()
    settle(stripe_sandbox, person.buy(offer).json(), person)
    now, waits = clock.now(), []
    for _ in range(3):
        job = Job.objects.get(kind="offers.fulfil")
        waits.append((job.run_at - now).total_seconds())
        now = job.run_at
        run_due(now)
    job.refresh_from_db()
    given = Fulfillment.objects.get(offer=offer)
    assert (job.status, job.attempts, given.status) == ("dead", 3, FulfillmentStatus.FAILED)
    assert waits[0] < waits[1]
    assert "out of order" in job.errors[-1]["error"]
    monkeypatch.undo()
    staff = actor_of(make_member("staff", organization=offer.event.organization))
    staff_fulfilment.retry(staff, given.purchase_id, reason="mended", now=clock.now())
    run_due(now + timedelta(minutes=1))
    given.refresh_from_db()
    assert given.status == FulfillmentStatus.FULFILLED
    assert given.access_code


def test_a_full_refund_before_fulfilment_stops_it_and_returns_the_units(
    stripe_sandbox: SandboxProcess,
) -> None:
    """Money back, nothing to send any more, and the unit is for sale again. REQ PA-07, OF-11."""
    person, offer, given = sold(stripe_sandbox, OfferType.MERCHANDISE)
    owner = Door(make_member("owner", organization=offer.event.organization))
    order_id = person.get("me/purchases").json()["results"][0]["order"]["id"]
    response = owner.send("post", f"orders/{order_id}/refunds", {"reason": "changed their mind"})
    assert response.status_code == 201, response.content
    staff = actor_of(make_member("staff", organization=offer.event.organization))
    with pytest.raises(NotWaiting, match="A refund was requested"):
        staff_fulfilment.retry(staff, given.purchase_id, reason="hurry", now=clock.now())
    run_due()
    given.refresh_from_db()
    assert given.status == FulfillmentStatus.CANCELLED
    assert stock(offer) == (0, 0)
    with pytest.raises(NotWaiting):
        staff_fulfilment.ship(staff, given.purchase_id, carrier="DHL", tracking_number="JD1", now=clock.now())
